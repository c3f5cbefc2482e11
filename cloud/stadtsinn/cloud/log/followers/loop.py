"""Runs one follower: reads the log behind its cursor, applies the batch, moves the cursor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.health import Check
from stadtsinn.base.threads import ended_early
from stadtsinn.cloud.log.archive_files.archive import Archive, days
from stadtsinn.cloud.log.cursors.repository import (
    CursorMoved,
    ensure_cursor,
    move_cursor,
    read_cursor,
    reset_cursor,
)
from stadtsinn.cloud.log.followers.follower import Follower
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.platform.database.engine import Database, serialize

log = structlog.get_logger()

CURSOR = Gauge("stadtsinn_follower_position", "Last log position applied", ["follower"])
LAG = Gauge("stadtsinn_follower_lag", "Uplinks in the log that are not applied yet", ["follower"])
APPLIED = Counter("stadtsinn_follower_uplinks", "Uplinks applied", ["follower"])
ERRORS = Counter("stadtsinn_follower_errors", "Failed attempts", ["follower"])

_BACKOFF = Backoff(first=0.1, longest=10)


@dataclass(frozen=True)
class Pace:
    """Uplinks per transaction and seconds between looks and ticks."""

    batch: int = 2000
    look_s: float = 0.04
    """Between two looks at the log when nobody in this process signals its growth."""
    signalled_look_s: float = 0.5
    tick_s: float = 1.0


class FollowerLoop:
    """A thread around a follower; `run_once` and `tick` are its steps, for tests and rebuilds.

    While the follower fails, batches shrink down to one uplink and grow again with success: what
    comes before an uplink that cannot be applied is applied, and the health page names its
    position.
    """

    def __init__(
        self,
        database: Database,
        follower: Follower,
        clock: Clock,
        *,
        signal: LogSignal | None = None,
        window: LogWindow | None = None,
        pace: Pace | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        before_first: Callable[[], None] | None = None,
    ) -> None:
        """`before_first` is called, again and again until it does not fail, before the thread's
        first batch."""
        self._database = database
        self._follower = follower
        self._clock = clock
        self._signal = signal
        self._window = window or LogWindow()
        self._pace = pace or Pace()
        self._monotonic = monotonic
        self._before_first = before_first
        self._stopping = threading.Event()
        self._limit = self._pace.batch
        self._retries = Retries(_BACKOFF)
        self._error: str | None = None
        self._logged_error: str | None = None
        self._last_tick = float("-inf")
        self._cursor = 0
        self._thread = threading.Thread(
            target=self._run, name=f"follower-{follower.name}", daemon=True
        )
        LAG.labels(follower.name).set_function(self._lag)

    @property
    def name(self) -> str:
        return self._follower.name

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the batch under way."""
        self._stopping.set()
        if self._signal is not None:
            self._signal.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout=60)

    def ended(self) -> str | None:
        return ended_early(self._thread, stopped=self._stopping.is_set())

    def check(self) -> Check:
        """Healthy while the follower's last attempt went well."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return Check(ok=False, detail="the follower's thread ended: restart the process")
        if self._error is not None:
            return Check(ok=False, detail=f"behind position {self._cursor}: {self._error}")
        return Check(ok=True, detail=f"at position {self._cursor}")

    def run_once(self) -> int:
        """Apply the next batch; how many uplinks it had. Raises what the follower raises."""
        name = self._follower.name
        with self._database.read() as connection:
            cursor = read_cursor(connection, name)
            uplinks = self._window.read(connection, cursor, self._limit)
        self._cursor = cursor
        if not uplinks:
            return 0
        self._follower.prepare(uplinks)
        crash_point(f"{name}.prepared")
        last = uplinks[-1].position
        with self._database.write() as connection:
            serialize(connection, f"follower:{name}")
            if cursor == 0:
                ensure_cursor(connection, name, self._clock.now())
            move_cursor(connection, name, cursor, last, self._clock.now())
            self._follower.apply(connection, uplinks)
        crash_point(f"{name}.applied")
        self._cursor = last
        CURSOR.labels(name).set(last)
        APPLIED.labels(name).inc(len(uplinks))
        return len(uplinks)

    def tick(self) -> None:
        """Call the follower's `tick` with the current time."""
        with self._database.write() as connection:
            serialize(connection, f"follower:{self._follower.name}")
            self._follower.tick(connection, self._clock.now())

    def _run(self) -> None:
        while not self._stopping.is_set():
            seen = self._signal.commits if self._signal is not None else 0
            applied = self._attempt()
            if applied is None:
                self._stopping.wait(self._retries.failed())
            elif applied == 0:
                self._rest(seen)

    def _attempt(self) -> int | None:
        """One step: a batch or, when there is none, perhaps a tick. None when it failed."""
        try:
            if self._before_first is not None:
                self._before_first()
                self._before_first = None
            applied = self.run_once()
            if applied == 0:
                self._tick_if_due()
        except CursorMoved:
            log.info("cursor_moved", follower=self.name)  # read again from where the cursor is now
            return 1
        except Exception as error:
            self._note_failure(error)
            return None
        self._retries.worked()
        self._error = None
        self._limit = min(self._limit * 2, self._pace.batch)
        if self._logged_error is not None and self._limit == self._pace.batch:
            log.info("follower_recovered", follower=self.name, position=self._cursor)
            self._logged_error = None
        return applied

    def _tick_if_due(self) -> None:
        """Only when caught up: before, the log may hold uplinks of a device that seems silent."""
        now = self._monotonic()
        if now - self._last_tick >= self._pace.tick_s:
            self._last_tick = now
            self.tick()

    def _rest(self, seen: int) -> None:
        if self._signal is not None:
            self._signal.wait(seen, self._pace.signalled_look_s)
        else:
            self._stopping.wait(self._pace.look_s)

    def _note_failure(self, error: Exception) -> None:
        self._limit = max(1, self._limit // 8)
        ERRORS.labels(self.name).inc()
        self._error = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        if self._error != self._logged_error:
            self._logged_error = self._error
            log.error(
                "follower_failed",
                follower=self.name,
                after_position=self._cursor,
                exc_info=error,
                remedy="it tries again by itself; the log keeps everything meanwhile",
            )

    def _lag(self) -> float:
        try:
            with self._database.read() as connection:
                return head(connection) - read_cursor(connection, self.name)
        except Exception:  # the metrics page answers also while the database is away
            return float("nan")


def rebuild(
    database: Database, follower: Follower, clock: Clock, archive: Archive | None = None
) -> None:
    """Forget what a follower made of the log and set it back to the start.

    Also right while the follower runs, here or in another process: its next batch finds the
    cursor moved, is rolled back, and it begins anew. A batch that it has just prepared
    elsewhere (the series store) is written a second time on the way, which changes nothing.

    Raises ArchiveUnreadable where a file of `archive` is missing: nothing is removed that the log
    could not give back.
    """
    if archive is not None:
        with database.read() as connection:
            archived = days(connection)
        for day in archived:
            with archive.open(day):
                pass  # it can be read
    with database.write() as connection:
        serialize(connection, f"follower:{follower.name}")
        follower.reset(connection)
        reset_cursor(connection, follower.name, clock.now())
