"""A thread that deletes what datastreams keep no longer, in the process that writes series."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping

import structlog

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.threads import ended_early
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesStore, Span, kept_since
from stadtsinn.cloud.town.directory import Directory, DirectoryCache

log = structlog.get_logger()

_LOOK_S = 60
_PAUSE_S = 0.05
"""Between two stations: who reads and writes comes first."""
_BACKOFF = Backoff(first=1, longest=600)
_LATE = DAY
"""Values may still come so far behind what was deleted: they were on their way."""

Station = tuple[str, str]
"""tenant, slug"""


class RetentionWorker:
    """Deletes in the store's interval until it is stopped. What a run leaves, the next one does."""

    def __init__(
        self,
        store: SeriesStore,
        directory: DirectoryCache,
        clock: Clock,
        *,
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._pause_s = pause_s
        self._due = Instant(0)
        self._deleted: Mapping[Station, Mapping[SeriesKey, Instant]] = {}
        self._stopping = threading.Event()
        self._retries = Retries(_BACKOFF)
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name="series-retention", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the station under way."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=60)

    def ended(self) -> str | None:
        return ended_early(self._thread, stopped=self._stopping.is_set())

    def check(self) -> Check:
        """Unhealthy while nothing can be deleted; nobody reads it all the same."""
        if self._trouble is None:
            return Check(ok=True, detail="kept as long as wanted")
        return Check(ok=False, detail=f"values past their retention stay stored: {self._trouble}")

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
            if self._stopping.wait(self._pause_s):
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

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.run_if_due()
            except HistoryBusy:
                self._stopping.wait(self._retries.failed())
            except Exception as error:
                self._note_failure(error)
                self._stopping.wait(self._retries.failed())
            else:
                self._trouble = None
                self._retries.worked()
                self._stopping.wait(_LOOK_S)

    def _note_failure(self, error: Exception) -> None:
        trouble = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        if trouble != self._trouble:
            self._trouble = trouble
            log.error(
                "series_retention_failed",
                exc_info=error,
                remedy="it tries again by itself; nobody reads these values meanwhile",
            )


def _limits(directory: Directory, now: Instant) -> dict[Station, dict[SeriesKey, Instant]]:
    """Since when the datastreams with a retention of their own keep values, by station."""
    found: dict[Station, dict[SeriesKey, Instant]] = defaultdict(dict)
    for (number, quantity, channel), days in directory.places.retention_days.items():
        station = directory.stations[number]
        key = SeriesKey(station.slug, quantity, channel)
        found[station.tenant_id, station.slug][key] = kept_since(days, now)
    return found
