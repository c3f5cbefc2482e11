"""Room for series: stations and towns have so many at most, and who has no room is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import structlog
from sqlalchemy import Connection

from stadtsinn.cloud.platform.limits.model import Limits
from stadtsinn.cloud.platform.limits.repository import all_limits
from stadtsinn.cloud.series.repository import Station, Stream
from stadtsinn.cloud.series.stores.store import Point

log = structlog.get_logger()

_STATIONS_NAMED = 100
_REMEDY = (
    "look what its device sends, or 'stadtsinn tenant limit' (series, station_series) and then "
    "'stadtsinn cloud rebuild series'"
)


class Room:
    """How many datastreams stations and towns may still get."""

    def __init__(self, limits: Limits) -> None:
        self._usual = limits
        self._own: Mapping[str, Limits] = {}
        self._of_stations: Counter[Station] = Counter()
        self._of_towns: Counter[str] = Counter()
        self._taken: list[Stream] = []
        self.is_full = False
        """Whether one was refused in this batch."""

    def read(self, connection: Connection) -> None:
        """The limits that towns have of their own."""
        self._own = {
            tenant_id: self._usual.with_those_of(own)
            for tenant_id, own in all_limits(connection).items()
        }

    def count(self, streams: Collection[Stream], *, anew: bool = False) -> None:
        """These are there."""
        if anew:
            self._of_stations.clear()
            self._of_towns.clear()
            self.count(self._taken)
        self._of_stations.update((tenant_id, key.station) for tenant_id, key in streams)
        self._of_towns.update(tenant_id for tenant_id, _ in streams)

    def begin(self) -> None:
        """A batch begins: what the last one took is counted once it is there."""
        for tenant_id, key in self._taken:
            self._of_stations[tenant_id, key.station] -= 1
            self._of_towns[tenant_id] -= 1
        self._taken.clear()
        self.is_full = False

    def take(self, stream: Stream) -> bool:
        """Room for one more; False where there is none."""
        tenant_id, key = stream
        where = (tenant_id, key.station)
        limits = self._own.get(tenant_id, self._usual)
        if (
            self._of_stations[where] >= limits.station_series
            or self._of_towns[tenant_id] >= limits.series
        ):
            self.is_full = True
            return False
        self._of_stations[where] += 1
        self._of_towns[tenant_id] += 1
        self._taken.append(stream)
        return True


class Refusals:
    """Values of series for which their station or town has no room."""

    def __init__(self) -> None:
        self._stations: dict[Station, int] = {}

    def without(self, points: Sequence[Point], refused: Collection[Stream]) -> list[Point]:
        """The points of all other series."""
        kept = [point for point in points if (point.tenant_id, point.key) not in refused]
        for tenant_id, key in refused:
            where = (tenant_id, key.station)
            if where not in self._stations:
                log.warning("series_refused", tenant=tenant_id, station=key.station, remedy=_REMEDY)
                if len(self._stations) >= _STATIONS_NAMED:
                    self._stations.pop(next(iter(self._stations)))
            self._stations[where] = self._stations.get(where, 0) + 1
        return kept

    def warnings(self) -> tuple[str, ...]:
        """Of the stations since this process started."""
        return tuple(
            f"the station '{station}' of '{tenant_id}' gets no more series: {_REMEDY}"
            for tenant_id, station in sorted(self._stations)
        )
