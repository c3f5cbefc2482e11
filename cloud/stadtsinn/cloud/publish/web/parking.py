"""The lots of a town as data for everybody: free spaces in numbers, no single space."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.foreign_text import visible_json_bytes
from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.domains.parking.service import LotNow, public_lots
from stadtsinn.cloud.platform.access.dependencies import ServicesDep
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.publish.web.schemas import PublicParkingView
from stadtsinn.cloud.series.stores.dependencies import SeriesDep

router = APIRouter()

_KEPT_FOR = 10 * SECOND
_VALID_FOR = 5 * MINUTE
_TOWNS = 1_000
_HEADERS = {
    "Cache-Control": "public, max-age=10, stale-while-revalidate=30",
    "Access-Control-Allow-Origin": "*",
}


@dataclass(frozen=True)
class _Kept:
    made_at: Instant
    content: bytes | None
    """None: the town publishes none."""


class _Town:
    """What was answered for a town, and the lock of who computes it anew."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.kept: _Kept | None = None

    @property
    def publishes(self) -> bool:
        return self.kept is not None and self.kept.content is not None


class PublicParking:
    """The answers of the last seconds, so that many viewers cost as much as one."""

    def __init__(self) -> None:
        self._towns: OrderedDict[str, _Town] = OrderedDict()
        self._lock = Lock()

    def of(self, services: ServicesDep, series: SeriesDep, tenant: str) -> bytes | None:
        """A town's lots; None where it publishes none. One thread computes; the others answer what
        was there before, so that a slow store holds up nobody who can be answered."""
        town, now = self._town(tenant), services.clock.now()
        known = town.kept
        if known is not None and known.made_at <= now < known.made_at + _KEPT_FOR:
            return known.content
        stale = known is not None and known.made_at <= now < known.made_at + _VALID_FOR
        if not town.lock.acquire(blocking=not stale):
            return known.content if known else None
        try:
            if town.kept is not known and town.kept is not None:
                return town.kept.content  # computed while this one waited
            lots = public_lots(services.database, series, tenant, now)
            town.kept = _Kept(now, encode(tenant, lots, now) if lots else None)
            return town.kept.content
        finally:
            town.lock.release()

    def _town(self, tenant: str) -> _Town:
        """Names of towns that publish nothing go first: anybody may think of many."""
        with self._lock:
            town = self._towns.setdefault(tenant, _Town())
            self._towns.move_to_end(tenant)
            while len(self._towns) > _TOWNS:
                others = (name for name, one in self._towns.items() if not one.publishes)
                del self._towns[next(others, next(iter(self._towns)))]
            return town


@router.get(
    "/public/{tenant}/parking",
    tags=["public"],
    summary="Public lots with their free spaces · Öffentliche Parkplätze",
    response_model=PublicParkingView,
)
def read_public_parking(
    request: Request, services: ServicesDep, series: SeriesDep, tenant: SlugInPath
) -> Response:
    """Lots of stations with the tag `public`, five spaces at least. Poll it every 20 s at most."""
    kept: PublicParking = request.app.state.public_parking
    content = kept.of(services, series, tenant)
    if content is None:
        raise NotFound(
            f"'{tenant}' publishes no parking.",
            f"'{tenant}' veröffentlicht keine Parkplätze.",
        )
    return Response(content, media_type="application/json", headers=_HEADERS)


def encode(tenant: str, lots: list[LotNow], now: Instant) -> bytes:
    """The document as bytes."""
    document = {
        "tenant": tenant,
        "updated_at": isoformat(now),
        "valid_until": isoformat(Instant(now + _VALID_FOR)),
        "lots": [_lot(one) for one in lots],
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return visible_json_bytes(text.encode())


def _lot(one: LotNow) -> dict[str, Any]:
    found = one.occupancy
    return {
        "lot": one.slug,
        "name": one.name,
        "state": found.state.value,
        "capacity": found.capacity,
        "free": found.free_estimate,
        "unknown": found.unknown,
    }
