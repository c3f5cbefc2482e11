"""Keeps the quarantine bounded: people look through it, so a flood of messages must not fill it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.intake.arrival import Rejection
from stadtsinn.cloud.intake.repository import drop_older_than, shrink_unreadable
from stadtsinn.cloud.platform.database.engine import Database

log = structlog.get_logger()

KEPT_DAYS = 90
UNREADABLE_BYTES = 256 * 1024 * 1024
READABLE = ("unregistered_device", "wrong_tenant", "implausible_time", "unknown_edge")
"""Reasons that go away when the registry or a clock is corrected: kept for the full time."""

_EVERY_S = 3600.0
_AFTER_BYTES = 32 * 1024 * 1024


class Maintenance:
    """Deletes old rows hourly, and the oldest unreadable ones when a flood brought too much."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        budget: int = UNREADABLE_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._budget = budget
        self._monotonic = monotonic
        self._last = monotonic()
        self._bytes = 0

    def note(self, rejections: Sequence[Rejection]) -> None:
        """Take account of what was just put into quarantine."""
        self._bytes += sum(len(rejection.original.payload) for rejection in rejections)

    def run_if_due(self) -> None:
        due = self._monotonic() - self._last >= _EVERY_S
        if due or self._bytes > min(_AFTER_BYTES, self._budget):
            self.run()

    def run(self) -> None:
        self._last = self._monotonic()
        self._bytes = 0
        before = Instant(self._clock.now() - KEPT_DAYS * DAY)
        try:
            with self._database.write() as connection:
                old = drop_older_than(connection, before)
                flood = shrink_unreadable(connection, self._budget, READABLE)
        except SQLAlchemyError as error:
            log.warning("quarantine_not_cleaned", error=type(error).__name__)
            return
        if old or flood:
            log.warning("quarantine_cleaned", older_than_days=KEPT_DAYS, old=old, flood=flood)
