"""Keeps the quarantine bounded: people look through it, so a flood of messages must not fill it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import structlog

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock
from stadtsinn.base.counted import counted
from stadtsinn.base.health import Check
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.notices import Notices
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.intake import bounds_repository, metrics
from stadtsinn.cloud.intake.arrival import Rejection
from stadtsinn.cloud.intake.bounds import BOUNDS, Bound, Holding, Size, excesses
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.platform.database.engine import Database

log = structlog.get_logger()

KEPT_DAYS = 90

_LOOK_S = 5.0
_EVERY_S = 3600.0
_AFTER = Size(rows=10_000, bytes=32 * 1024 * 1024)
SLICE = Size(rows=500, bytes=4 * 1024 * 1024)
"""What one transaction deletes; one row at least."""
_BACKOFF = Backoff(first=10, longest=600)

_Row = tuple[int, int]
"""id and bytes"""


class Kind(StrEnum):
    """What is lost in quarantine."""

    FULL = "quarantine_full"


REMEDIES: Mapping[Kind, str] = {
    Kind.FULL: "look at the newest ('stadtsinn cloud quarantine list'): register the devices and "
    "replay, or end what sends them",
}


class Maintenance(Repeating):
    """Deletes old rows hourly, and what is beyond the bounds after each flood.

    A thread of its own: what came waits for nothing here.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        bounds: Mapping[Reason, Bound] = BOUNDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            "quarantine",
            _BACKOFF,
            failed="quarantine_not_cleaned",
            remedy="it is tried again; meanwhile the quarantine grows",
        )
        self.notices = Notices(REMEDIES)
        self._database = database
        self._clock = clock
        self._bounds = bounds
        self._monotonic = monotonic
        self._last = monotonic()
        self._new = Size(0, 0)

    def note(self, rejections: Sequence[Rejection]) -> None:
        """Take account of what was just put into quarantine."""
        size = sum(len(rejection.original.payload) for rejection in rejections)
        self._new = Size(self._new.rows + len(rejections), self._new.bytes + size)

    def step(self) -> float:
        flood = self._new.rows >= _AFTER.rows or self._new.bytes >= _AFTER.bytes
        if flood or self._monotonic() - self._last >= _EVERY_S:
            self.run()
        return _LOOK_S

    def run(self) -> None:
        """Delete what is too old, then what is too much."""
        self._last = self._monotonic()
        self._new = Size(0, 0)
        self._drop_old()
        with self._database.read() as connection:
            found = bounds_repository.holdings(connection)
        for holding, excess in excesses(found, self._bounds):
            self._drop_excess(holding, excess)

    def check(self) -> Check:
        """Never fails: data arrive. Warns of what was dropped within a day."""
        if self.trouble is not None:
            return Check(True, f"grows: {self.trouble}", self.notices.texts())
        return Check(True, "within its bounds", self.notices.texts())

    def _drop_old(self) -> None:
        before = Instant(self._clock.now() - KEPT_DAYS * DAY)
        dropped = after = 0
        while not self.stopping.is_set():
            with self._database.read() as connection:
                found = bounds_repository.older_than(connection, before, after, SLICE.rows)
            if not found:
                break
            old = _slice(found)
            after = old[-1][0]
            dropped += self._drop(old, before)
        if dropped:
            log.warning("quarantine_cleaned", older_than_days=KEPT_DAYS, rows=dropped)

    def _drop_excess(self, holding: Holding, excess: Size) -> None:
        dropped = 0
        while (excess.rows > 0 or excess.bytes > 0) and not self.stopping.is_set():
            with self._database.read() as connection:
                found = bounds_repository.oldest_of(connection, holding, excess, SLICE.rows)
            if not found:
                break
            oldest = _slice(found)
            dropped += self._drop(oldest)
            gone = sum(size for _, size in oldest)
            excess = Size(excess.rows - len(oldest), excess.bytes - gone)
        if dropped:
            metrics.DROPPED.labels(holding.reason.value).inc(dropped)
            who = holding.source or "unknown edges"
            self.notices.note(
                Kind.FULL,
                f"the oldest {counted(dropped, 'row', 'rows')} '{holding.reason}' of {who} were "
                "dropped",
                subject=f"{who} {holding.reason}",
            )

    def _drop(self, rows: Sequence[_Row], before: Instant | None = None) -> int:
        with self._database.write() as connection:
            return bounds_repository.drop(connection, [row_id for row_id, _ in rows], before)


def _slice(rows: Sequence[_Row]) -> Sequence[_Row]:
    """The first of these rows, which one transaction deletes."""
    stored = 0
    for count, (_, size) in enumerate(rows):
        stored += size
        if count and stored > SLICE.bytes:
            return rows[:count]
    return rows
