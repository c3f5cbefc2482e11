"""The parking of a town as it is now: its spaces, its lots, who stays for too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from stadtsinn.base.berlin import at, local
from stadtsinn.base.instant import DAY, MINUTE, Instant
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.domains.parking.lots import (
    Occupancy,
    Passage,
    count,
    counted_lot,
    lot_of,
)
from stadtsinn.cloud.domains.parking.spaces import (
    LOOKED_BACK,
    Report,
    Space,
    SpaceState,
    silent_after,
    space_of,
    without_stuck,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.counters import growth
from stadtsinn.cloud.series.stores.store import Sample, SeriesKey, SeriesReader
from stadtsinn.cloud.town.stations.present_repository import Place, places_of, public_places
from stadtsinn.decoders.reading import Quality

_SPACE, _LOT = "parking_space", "parking_lot"
_OCCUPIED = "occupied"
_HALF = 0.5
FEWEST = 5
"""Spaces of a lot that everybody may see."""
_MOST = 20_000
_HOUR_S = 3_600
_VEHICLES, _VEHICLES_TOTAL = "vehicles", "vehicles_total"
_EMPTY_AT = "04:00"


@dataclass(frozen=True)
class SpaceNow:
    """A space with its name and what it is."""

    place: Place
    space: Space


@dataclass(frozen=True)
class LotNow:
    """A lot: the spaces of a site, or one that is counted at its entrances."""

    slug: str
    name: str
    counted: bool
    occupancy: Occupancy
    spaces: tuple[SpaceNow, ...] = ()
    left_over: float | None = None
    """Of a counted lot: how many the count had too many (or too few) when it was last empty."""


def spaces_now(
    database: Database, store: SeriesReader, scope: Scope, now: Instant
) -> list[SpaceNow]:
    """All spaces of a town that have a sensor each. Raises SeriesUnavailable."""
    return _spaces(store, scope.tenant_id, _places(database, scope, now, _SPACE), now)


def lots_now(database: Database, store: SeriesReader, scope: Scope, now: Instant) -> list[LotNow]:
    """The lots of a town: sites with spaces, then those that are counted."""
    places = _places(database, scope, now, _SPACE, _LOT)
    return _lots(store, scope.tenant_id, places, now)


def public_lots(
    database: Database, store: SeriesReader, tenant_id: str, now: Instant
) -> list[LotNow]:
    """The lots that everybody may see: of stations with the tag `public`, and of `FEWEST` spaces at
    least, so that no number tells when somebody is at home."""
    with database.read() as connection:
        places = public_places(connection, tenant_id, now, (_SPACE, _LOT))
    found = _lots(store, tenant_id, places, now)
    return [one for one in found if one.occupancy.capacity >= FEWEST and one.slug]


def lot_now(
    database: Database, store: SeriesReader, scope: Scope, slug: str, now: Instant
) -> LotNow:
    """One lot; raises NotFound."""
    for lot in lots_now(database, store, scope, now):
        if lot.slug == slug:
            return lot
    raise NotFound(
        f"There is no lot '{slug}': 'stadtsinn parking list' shows them.",
        f"Einen Parkplatz '{slug}' gibt es nicht: 'stadtsinn parking list' zeigt sie.",
    )


def overstays(spaces: Iterable[SpaceNow], now: Instant, longest_s: int | None) -> list[SpaceNow]:
    """Those that have been taken for longer than is allowed there, or than `longest_s`, the
    longest first. Where neither is said nobody stays for too long."""
    found = []
    for one in spaces:
        allowed = one.place.attributes.get("longest_s") if longest_s is None else longest_s
        if one.space.state is not SpaceState.OCCUPIED or one.space.since is None:
            continue
        if allowed is not None and now - one.space.since >= allowed * 1_000_000:
            found.append(one)
    return sorted(found, key=lambda one: one.space.since or 0)


def _spaces(
    store: SeriesReader, tenant_id: str, places: Sequence[Place], now: Instant
) -> list[SpaceNow]:
    found = []
    for lot in _by_lot(places):
        read = [space_of(_reports(store, tenant_id, one, now), now, _silent(one)) for one in lot]
        found += [SpaceNow(*pair) for pair in zip(lot, without_stuck(read, now), strict=True)]
    return found


def _lots(
    store: SeriesReader, tenant_id: str, places: Sequence[Place], now: Instant
) -> list[LotNow]:
    spaces = _spaces(store, tenant_id, [one for one in places if one.kind == _SPACE], now)
    found = [_lot(list(some)) for _, some in groupby(spaces, lambda one: one.place.site)]
    counted = [one for one in places if one.kind == _LOT]
    return [*found, *(_counted(store, tenant_id, one, now) for one in counted)]


def _places(database: Database, scope: Scope, now: Instant, *kinds: str) -> list[Place]:
    with database.read() as connection:
        return places_of(connection, scope, now, kinds=kinds)


def _by_lot(places: Sequence[Place]) -> list[list[Place]]:
    return [list(some) for _, some in groupby(places, lambda one: one.site)]


def _lot(spaces: Sequence[SpaceNow]) -> LotNow:
    first = spaces[0].place
    occupancy = lot_of(one.space.state for one in spaces)
    name = first.site_name or ""
    return LotNow(first.site or "", name, False, occupancy, tuple(spaces))


def _silent(place: Place) -> int:
    return silent_after(place.interval_s or _HOUR_S)


def _reports(store: SeriesReader, tenant_id: str, place: Place, now: Instant) -> list[Report]:
    samples = store.read(
        tenant_id,
        SeriesKey(place.slug, _OCCUPIED),
        Instant(max(now - LOOKED_BACK, 0)),
        Instant(now + 1),
        include_doubtful=True,
        limit=_MOST,
    )
    return [
        Report(one.time, one.value > _HALF, one.quality is Quality.SUSPECT, one.dev_eui)
        for one in samples
        if one.quality is not Quality.BAD
    ]


def _counted(store: SeriesReader, tenant_id: str, place: Place, now: Instant) -> LotNow:
    attributes = place.attributes
    capacity, staying = int(attributes.get("capacity", 0)), int(attributes.get("staying", 0))
    emptied = _emptied_at(attributes, now)
    start = Instant(emptied[0] - 1)
    read = {
        channel: _passed(store, tenant_id, place, channel, start, now) for channel in ("in", "out")
    }
    passages = [Passage(time, entered=number) for time, number in read["in"]]
    passages += [Passage(time, left=number) for time, number in read["out"]]
    counted = count(passages, capacity, emptied, staying)
    newest = [max((time for time, _ in some), default=0) for some in read.values()]
    occupancy = counted_lot(counted, capacity, silent=now - min(newest) > _silent(place))
    return LotNow(place.slug, place.name, True, occupancy, left_over=counted.left_over)


def _emptied_at(attributes: Mapping[str, object], now: Instant) -> list[Instant]:
    """The last two moments at which the lot is taken to be empty."""
    time, today = str(attributes.get("empty_at", _EMPTY_AT)), local(now).date()
    moments = [at(today - timedelta(days=back), time) for back in (2, 1, 0)]
    return [moment for moment in moments if moment <= now][-2:]


def _passed(
    store: SeriesReader, tenant_id: str, place: Place, channel: str, start: Instant, now: Instant
) -> list[tuple[Instant, float]]:
    """What drove through one way, by the time it was reported: amounts, or a running total."""
    end = Instant(now + 1)
    key = SeriesKey(place.slug, _VEHICLES_TOTAL, channel)
    totals = store.read(tenant_id, key, Instant(start - DAY), end, limit=_MOST)
    if totals:
        return [(time, number) for time, number in _grown(totals) if time > start]
    key = SeriesKey(place.slug, _VEHICLES, channel)
    samples = store.read(tenant_id, key, start, end, limit=_MOST)
    return [(one.time, max(one.value, 0.0)) for one in samples]


_MOST_PER_MINUTE = 60
"""Vehicles through one entrance; a total that grew faster was no count."""


def _grown(totals: Sequence[Sample]) -> Iterable[tuple[Instant, float]]:
    before: Sample | None = None
    for one in totals:
        grown = 0.0
        if before is not None and before.dev_eui == one.dev_eui:
            grown = growth(before.value, one.value, None)
            minutes = (one.time - before.time) / MINUTE
            if grown > _MOST_PER_MINUTE * max(minutes, 1):
                grown = 0.0
        before = one
        yield one.time, grown
