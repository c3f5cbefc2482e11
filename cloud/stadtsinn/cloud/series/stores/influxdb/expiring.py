"""Deletes points of InfluxDB whose quantities are all past their retention.

A point holds all quantities of an uplink on a channel, and a server deletes whole points, by
measurement, tags and time. So the points of a channel go by the quantity that is kept longest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.influxdb.generations import Generation
from stadtsinn.cloud.series.stores.influxdb.names import from_influx, to_influx
from stadtsinn.cloud.series.stores.replacing import Phase
from stadtsinn.cloud.series.stores.repository import ReplacementTable
from stadtsinn.cloud.series.stores.store import SeriesKey, Span

Stored = tuple[str, str, set[str]]
"""measurement, channel as the server names it, quantities"""

_NOTHING = (Instant(0), Instant(0))


class InfluxExpirer:
    """`stored` says what lies at a station of a tenant between two times."""

    def __init__(
        self,
        table: ReplacementTable | None,
        generation: Callable[[], Generation],
        stored: Callable[[str, str, Instant, Instant], Iterable[Stored]],
        bucket: Callable[[str], str],
    ) -> None:
        self._table = table
        self._generation = generation
        self._stored = stored
        self._bucket = bucket

    def expire(self, tenant_id: str, past: Mapping[SeriesKey, Span]) -> None:
        self._generation().check_can_delete()
        # What is switched to its own place meanwhile would be deleted by what was there before.
        with self._table.unchanged() if self._table is not None else nullcontext():
            for station in sorted({key.station for key in past}):
                if not self._is_incomplete(tenant_id, station):
                    self._expire(tenant_id, station, past)

    def _is_incomplete(self, tenant_id: str, station: str) -> bool:
        """After a switch that was interrupted, not all points lie in their own place."""
        found = self._table.of_station(tenant_id, station) if self._table is not None else None
        return found is not None and found.phase is Phase.SWITCHED

    def _expire(self, tenant_id: str, station: str, past: Mapping[SeriesKey, Span]) -> None:
        until = max(end for _, end in past.values())
        limits: dict[str, dict[str, Instant]] = defaultdict(dict)
        for measurement, channel, quantities in self._stored(tenant_id, station, Instant(0), until):
            keys = [SeriesKey(station, one, from_influx(channel)) for one in quantities]
            limits[measurement][channel] = min(past.get(key, _NOTHING)[1] for key in keys)
        for measurement, channels in limits.items():
            self._generation().drop_older(
                self._bucket(tenant_id), measurement, to_influx(station), channels
            )
