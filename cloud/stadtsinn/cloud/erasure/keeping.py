"""Deletes what towns keep no longer, once a day: log, archive, samples, messages, audit.

Whole days (UTC) go, so a day's run finds the next day's nothing to do. What the store of series
deletes by itself, it is told here. What went stands in the log, in the town's audit, in a metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import structlog
from prometheus_client import Counter as Metric

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.health import Check
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.erasure import keeping_repository as repository
from stadtsinn.cloud.erasure.repository import known_towns
from stadtsinn.cloud.erasure.slices import Slices, Storage, said
from stadtsinn.cloud.log.archive_files import thinning
from stadtsinn.cloud.log.archive_files.archive import day_of, days
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy
from stadtsinn.cloud.log.cursors.repository import read_cursor
from stadtsinn.cloud.log.uplinks import removal_repository as removal
from stadtsinn.cloud.log.uplinks.tables import archived_days
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line
from stadtsinn.cloud.platform.audit.recording import record
from stadtsinn.cloud.platform.retention.model import Retention
from stadtsinn.cloud.platform.retention.service import retention_of
from stadtsinn.cloud.series.stores.store import SeriesRejected, SeriesUnavailable

log = structlog.get_logger()

REMOVED = Metric(
    "stadtsinn_retention_removed", "What was deleted because it was old enough", ["what"]
)

_LOOK_S = 60.0
_BACKOFF = Backoff(first=10, longest=600)

Kept = Mapping[str, Retention]
"""By town."""


class _Stopped(Exception):
    """The process ends."""


class RetentionJob(Repeating):
    """Deletes what is old enough until it is stopped. `followers` have to have read an uplink
    before it goes."""

    def __init__(self, storage: Storage, followers: Sequence[str]) -> None:
        super().__init__(
            "retention",
            _BACKOFF,
            failed="retention_failed",
            remedy="it tries again by itself; meanwhile old data stay stored",
            hindered=HistoryBusy,
        )
        self._storage = storage
        self._followers = followers
        self._done: tuple[Instant, Kept] | None = None
        self._series: dict[str, int | None] = {}

    def check(self) -> Check:
        """Unhealthy while something that was promised to go cannot."""
        return self.untroubled("kept as long as wanted", "what is old enough stays stored")

    def step(self) -> float:
        kept = self._read()
        today = day_of(self._storage.clock.now())
        if self._done != (today, kept):
            try:
                self.run(kept, today)
            except _Stopped:
                return _LOOK_S
            self._done = (today, kept)
        return _LOOK_S

    def run(self, kept: Kept, today: Instant) -> None:
        """Delete what is older than each town keeps it.

        Where a store or the archive fails, all else is done first. Raises SeriesUnavailable,
        SeriesRejected, HistoryBusy, ArchiveUnreadable, OSError; the next run goes on.
        """
        for tenant_id, retention in kept.items():
            self._tell(tenant_id, self._delete(tenant_id, retention, today))
        self._forget_strangers()
        failed: list[Exception] = []
        for tenant_id, retention in kept.items():
            try:
                self._keep_series(tenant_id, retention)
            except (SeriesRejected, SeriesUnavailable) as error:
                failed.append(error)
        for tenant_id, gone in self._thin(kept, today).items():
            self._tell(tenant_id, gone)
        if failed:
            raise failed[0]

    def _read(self) -> Kept:
        with self._storage.database.read() as connection:
            return {one: retention_of(connection, one) for one in known_towns(connection)}

    def _slices(self) -> Slices:
        return Slices(self._storage, report=_count, wait=self._wait)

    def _wait(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise _Stopped

    def _keep_series(self, tenant_id: str, retention: Retention) -> None:
        """Only where the town has said something: an InfluxDB's own policy stays otherwise."""
        if retention.series is None and tenant_id not in self._series:
            return
        if self._series.get(tenant_id) != retention.series:
            self._storage.series.set_retention(tenant_id, retention.series)
            self._series[tenant_id] = retention.series
            log.info("series_kept", tenant=tenant_id, days=retention.series)

    def _delete(self, tenant_id: str, retention: Retention, today: Instant) -> Counter[str]:
        slices = self._slices()
        if retention.log is not None:
            self._delete_uplinks(slices, tenant_id, _since(today, retention.log))
        since = _since(today, retention.samples)
        slices.delete(*repository.old_samples(tenant_id, since))
        since = _since(today, retention.audit)
        slices.delete(*repository.old_lines(tenant_id, since))
        since = _since(today, retention.outbox)
        slices.run(
            "numbers and texts of messages",
            lambda one, most: repository.empty_messages(one, tenant_id, since, most),
        )
        slices.run(
            "names in acknowledgements",
            lambda one, most: repository.empty_acknowledgements(one, tenant_id, since, most),
        )
        slices.delete(*repository.old_answers(tenant_id, since))
        for past in repository.past_duty(tenant_id, since):
            slices.delete(*past)
        return slices.gone

    def _delete_uplinks(self, slices: Slices, tenant_id: str, since: Instant) -> None:
        database = self._storage.database
        with database.read() as connection:
            found = list(removal.devices_of(connection, tenant_id))
            read = min((read_cursor(connection, one) for one in self._followers), default=0)
        for dev_eui in found:
            old = (
                *removal.of_device(tenant_id, dev_eui),
                *removal.older_than(since, read),
            )
            slices.remove_uplinks(old)
        if slices.gone["uplinks"]:
            with database.write() as connection:
                removal.forget_read(connection)

    def _thin(self, kept: Kept, today: Instant) -> dict[str, Counter[str]]:
        """Rows that left the archive, by town."""
        limits = {
            tenant_id: _since(today, retention.archive)
            for tenant_id, retention in kept.items()
            if retention.archive is not None
        }
        gone: dict[str, Counter[str]] = {}
        if not limits:
            return gone
        where = self._storage
        with where.database.read() as connection:
            old = days(connection, archived_days.c.day < max(limits.values()))
        slices = self._slices()
        with slices.alone_with_history():
            for day in old:
                towns = [one for one, since in limits.items() if day.day + DAY <= since]
                found = thinning.count_by_town(where.archive, day, towns)
                if found:
                    thinning.thin(
                        where.database, where.archive, day, thinning.of_towns(found), where.clock
                    )
                for tenant_id, count in found.items():
                    gone.setdefault(tenant_id, Counter())["archived uplinks"] += count
                    slices.note("archived uplinks", count)
                self._wait(0)
            if gone:
                slices.sweep_archive()
        return gone

    def _forget_strangers(self) -> None:
        """Uplinks of towns that are no more: what a process had begun before one was erased."""
        with self._storage.database.read() as connection:
            known = {*known_towns(connection, also_erasing=True), removal.NOBODY}
            strangers = [one for one in removal.towns_of(connection) if one not in known]
        for tenant_id in strangers:
            self._slices().remove_uplinks(removal.of_tenant(tenant_id))

    def _tell(self, tenant_id: str, gone: Counter[str]) -> None:
        if not gone:
            return
        log.info("retention_enforced", tenant=tenant_id, gone=said(gone))
        line = Line(tenant_id, Action.DELETED, Kind.OLD_DATA, "", said(gone))
        with self._storage.database.write() as connection:
            record(connection, operator_scope(tenant_id), self._storage.clock.now(), [line])


def _since(today: Instant, days_kept: int) -> Instant:
    return Instant(today - days_kept * DAY)


def _count(what: str, count: int) -> None:
    REMOVED.labels(what).inc(count)
