"""A thread that deletes what datastreams keep no longer, in the process that writes series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesStore, Span, kept_since
from stadtsinn.cloud.town.directory import Directory, DirectoryCache

_LOOK_S = 60
_PAUSE_S = 0.05
"""Between two stations: who reads and writes comes first."""
_BACKOFF = Backoff(first=1, longest=600)
_LATE = DAY
"""Values may still come so far behind what was deleted: they were on their way."""

Station = tuple[str, str]
"""tenant, slug"""


class RetentionWorker(Repeating):
    """Deletes in the store's interval until it is stopped. What a run leaves, the next one does."""

    def __init__(
        self,
        store: SeriesStore,
        directory: DirectoryCache,
        clock: Clock,
        *,
        pause_s: float = _PAUSE_S,
    ) -> None:
        super().__init__(
            "series-retention",
            _BACKOFF,
            failed="series_retention_failed",
            remedy="it tries again by itself; nobody reads these values meanwhile",
            hindered=HistoryBusy,
        )
        self._store = store
        self._directory = directory
        self._clock = clock
        self._pause_s = pause_s
        self._due = Instant(0)
        self._deleted: Mapping[Station, Mapping[SeriesKey, Instant]] = {}

    def step(self) -> float:
        self.run_if_due()
        return _LOOK_S

    def check(self) -> Check:
        """Unhealthy while nothing can be deleted; nobody reads it all the same."""
        return self.untroubled("kept as long as wanted", "values past their retention stay stored")

    def run_if_due(self) -> None:
        """Delete what is past its retention, once in the store's interval.

        Raises SeriesUnavailable, SeriesRejected where the store can delete no points, HistoryBusy
        while parts of series are made anew.
        """
        now = self._clock.now()
        if now < self._due:
            return
        limits = _limits(self._directory.current(), now)
        for station, own in limits.items():
            self._store.expire(station[0], self._past(station, own))
            if self.stopping.wait(self._pause_s):
                return
        self._deleted = limits
        self._due = Instant(now + self._store.expiry_interval)

    def _past(self, station: Station, limits: Mapping[SeriesKey, Instant]) -> dict[SeriesKey, Span]:
        """From where an earlier run ended, so that an old history is not searched each time."""
        before = self._deleted.get(station, {})
        return {
            key: (Instant(max(0, min(before.get(key, 0), limit) - _LATE)), limit)
            for key, limit in limits.items()
        }


def _limits(directory: Directory, now: Instant) -> dict[Station, dict[SeriesKey, Instant]]:
    """Since when the datastreams with a retention of their own keep values, by station."""
    found: dict[Station, dict[SeriesKey, Instant]] = defaultdict(dict)
    for (number, quantity, channel), days in directory.places.retention_days.items():
        station = directory.stations[number]
        key = SeriesKey(station.slug, quantity, channel)
        found[station.tenant_id, station.slug][key] = kept_since(days, now)
    return found
