"""Series as everybody reads them: without values past the retention of their datastream."""

from __future__ import annotations

from collections.abc import Sequence

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import LATEST, Instant
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.retention.service import retention_of
from stadtsinn.cloud.series import repository
from stadtsinn.cloud.series.stores.store import (
    Aggregate,
    Sample,
    SeriesKey,
    SeriesReader,
    Window,
    kept_since,
)
from stadtsinn.rules.history.column import Column


class KeptSeries:
    """A `SeriesReader` over a store. It answers as if everything past its retention were deleted
    already, so nobody can tell when the store got to it."""

    def __init__(self, store: SeriesReader, database: Database, clock: Clock) -> None:
        self._store = store
        self._database = database
        self._clock = clock

    def read(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        *,
        include_doubtful: bool = False,
        limit: int | None = None,
    ) -> list[Sample]:
        start = max(start, self._kept_since(tenant_id, key))
        if start >= end:
            return []
        return self._store.read(
            tenant_id, key, start, end, include_doubtful=include_doubtful, limit=limit
        )

    def column(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        *,
        limit: int | None = None,
    ) -> Column:
        start = max(start, self._kept_since(tenant_id, key))
        return self._store.column(tenant_id, key, start, max(start, end), limit=limit)

    def aggregate(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        window: Window,
        aggregate: Aggregate,
        *,
        counter_modulus: float | None = None,
        since: int = 0,
    ) -> list[Sample]:
        since = max(since, self._kept_since(tenant_id, key))
        if since >= end:
            return []
        return self._store.aggregate(
            *(tenant_id, key, start, end, window, aggregate),
            counter_modulus=counter_modulus,
            since=since,
        )

    def latest(
        self, tenant_id: str, stations: Sequence[str] | None, *, quantity: str | None = None
    ) -> dict[SeriesKey, Sample]:
        found = self._store.latest(tenant_id, stations, quantity=quantity)
        with self._database.read() as connection:
            limited = repository.retention_days(connection, tenant_id)
            town = retention_of(connection, tenant_id).series
        if town is None and not limited:
            return found
        now = self._clock.now()
        return {
            key: sample
            for key, sample in found.items()
            if sample.time >= kept_since(_shorter(limited.get(key), town), now)
        }

    def series(self, tenant_id: str, station: str) -> list[SeriesKey]:
        found = self._store.series(tenant_id, station)
        with self._database.read() as connection:
            limited = repository.retention_days(connection, tenant_id, station)
            town = retention_of(connection, tenant_id).series
        kept = {key: _shorter(limited.get(key), town) for key in found}
        return [key for key in found if self._has_values(tenant_id, key, kept[key])]

    def _has_values(self, tenant_id: str, key: SeriesKey, days: int | None) -> bool:
        if days is None:
            return True
        kept = kept_since(days, self._clock.now()), LATEST
        return bool(self._store.read(tenant_id, key, *kept, include_doubtful=True, limit=1))

    def _kept_since(self, tenant_id: str, key: SeriesKey) -> Instant:
        with self._database.read() as connection:
            limited = repository.retention_days(connection, tenant_id, key.station)
            town = retention_of(connection, tenant_id).series
        return kept_since(_shorter(limited.get(key), town), self._clock.now())


def _shorter(own: int | None, town: int | None) -> int | None:
    """A datastream is kept as long as it says, and not longer than all of its town."""
    return min((days for days in (own, town) if days is not None), default=None)
