"""Runs one follower: reads the log behind its cursor, applies the batch, moves the cursor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Connection

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.clock import Clock
from stadtsinn.base.counted import counted
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.health import Check
from stadtsinn.base.logs import one_line
from stadtsinn.base.threads import ended_early
from stadtsinn.base.under_way import UnderWay
from stadtsinn.cloud.log.cursors.repository import (
    FORGETTING,
    CursorMoved,
    ensure_cursor,
    move_cursor,
    read_cursor,
    require_cursor,
)
from stadtsinn.cloud.log.followers import forgetting
from stadtsinn.cloud.log.followers.culprits import reason_of, sentence_of
from stadtsinn.cloud.log.followers.follower import Follower, LooksAhead, TryAgain
from stadtsinn.cloud.log.followers.suspects import Suspects
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.log.set_aside import repository as set_aside
from stadtsinn.cloud.log.set_aside.repository import SetAside
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.database.engine import Database, serialize

log = structlog.get_logger()

CURSOR = Gauge("stadtsinn_follower_position", "Last log position applied", ["follower"])
LAG = Gauge("stadtsinn_follower_lag", "Uplinks in the log that are not applied yet", ["follower"])
APPLIED = Counter("stadtsinn_follower_uplinks", "Uplinks applied", ["follower"])
ERRORS = Counter("stadtsinn_follower_errors", "Failed attempts", ["follower"])
SET_ASIDE = Counter(
    "stadtsinn_follower_set_aside", "Uplinks that could not be applied", ["follower", "reason"]
)

_SUSPICIOUS = 20
"""So many uplinks set aside in a row: the follower itself seems to be at fault."""

_HANGS_S = 300.0
"""A batch or a tick that takes longer is a failure. A few that are long are only said: a backlog
of thousands of uplinks may well take a minute, and a restart would begin anew."""

_BACKOFF = Backoff(first=0.1, longest=10)


@dataclass(frozen=True)
class Pace:
    """Uplinks per transaction and seconds between looks and ticks."""

    batch: int = 2000
    look_s: float = 0.5
    """Between two looks at the log while nobody signals its growth."""
    tick_s: float = 1.0


class FollowerLoop:
    """A thread around a follower; `run_once` and `tick` are its steps, for tests and rebuilds.

    While something is away it waits and tries again. Where an uplink is to blame, batches shrink
    down to it at once and grow again with success; it is set aside with the reason, and health
    says so. It stays in the log: a rebuild tries it again.
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
        self._signal = signal or LogSignal()
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
        self._under_way = UnderWay(monotonic)
        self._suspects = Suspects()
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
        self._signal.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout=60)

    def ended(self) -> str | None:
        return ended_early(self._thread, stopped=self._stopping.is_set())

    def check(self) -> Check:
        """Healthy while the follower's last attempt went well and none hangs."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return Check(ok=False, detail="the follower's thread ended: restart the process")
        if self._error is not None:
            return Check(ok=False, detail=f"behind position {self._cursor}: {self._error}")
        with self._database.read() as connection:
            count = set_aside.count(connection, self.name)
        detail = f"at position {self._cursor}"
        if self._cursor == FORGETTING:
            detail = "forgets what it made, and begins anew"
        if (long := self._under_way.too_long()) is not None:
            detail += f", uplinks behind: {self._lag():.0f}, {long}"
            if self._under_way.seconds() >= _HANGS_S:
                return Check(ok=False, detail=f"{detail}: it seems to hang")
        if isinstance(self._follower, LooksAhead):
            detail += self._follower.left_out()
        if not count:
            return Check(ok=True, detail=detail)
        # One uplink must not take the service of all towns away, so this alone is no failure.
        detail += (
            f"; {counted(count, 'uplink', 'uplinks')} set aside ('stadtsinn cloud set-aside list')"
        )
        if self._suspects.in_a_row < _SUSPICIOUS:
            return Check(ok=True, detail=detail)
        return Check(ok=False, detail=f"{detail}, the last {self._suspects.in_a_row} in a row")

    def run_once(self) -> int:
        """Apply the next batch or a part of it; how many uplinks it dealt with.

        Raises what the follower raises.
        """
        with self._under_way.doing("one batch"):
            return self._next_batch()

    def _next_batch(self) -> int:
        name = self._follower.name
        with self._database.read() as connection:
            self._cursor = cursor = read_cursor(connection, name)
            is_forgetting = cursor == FORGETTING
            uplinks = () if is_forgetting else self._window.read(connection, cursor, self._limit)
        if is_forgetting:
            return int(forgetting.go_on(self._database, self._follower, self._clock))
        if not uplinks:
            return 0
        with self._suspects.among(uplinks):
            self._follower.prepare(uplinks)
        crash_point(f"{name}.prepared")
        with self._database.write() as connection:
            self._hold(connection, cursor)
            with self._suspects.among(uplinks):
                done = self._follower.apply(connection, uplinks)
            count = len(uplinks) if done is None else done
            last = uplinks[count - 1].position if count else cursor
            if count:
                own_part = done is not None
                now = self._clock.now()
                move_cursor(connection, name, cursor, last, now, keep_part=own_part)
        crash_point(f"{name}.applied")
        self._note_position(last)
        APPLIED.labels(name).inc(count)
        self._suspects.worked()
        return max(1, count)

    def tick(self) -> None:
        """Call the follower's `tick` with the current time until it has nothing more to do."""
        now, more = self._clock.now(), True
        follower = self._follower
        while more and not self._stopping.is_set():
            with self._under_way.doing("one tick"):
                if isinstance(follower, LooksAhead):
                    follower.look_ahead(now)
                try:
                    with self._database.write() as connection:
                        serialize(connection, f"follower:{self.name}")
                        is_forgetting = read_cursor(connection, self.name) == FORGETTING
                        more = not is_forgetting and bool(follower.tick(connection, now))
                    crash_point("follower.ticked")
                except TryAgain as reason:
                    log.debug("begun_anew", follower=self.name, reason=str(reason))

    def _hold(self, connection: Connection, cursor: int) -> None:
        """Keep the follower's other processes and a rebuild out until the end; raises CursorMoved
        where one of them was quicker."""
        serialize(connection, f"follower:{self.name}")
        if cursor == 0:
            ensure_cursor(connection, self.name, self._clock.now())
        require_cursor(connection, self.name, cursor)

    def _note_position(self, position: int) -> None:
        self._cursor = position
        CURSOR.labels(self.name).set(position)

    def _set_aside(self, uplink: LoggedUplink, error: Exception) -> None:
        """Go past an uplink that cannot be applied."""
        reason, detail, now = reason_of(error), sentence_of(error), self._clock.now()
        why = (reason, detail, now)
        one = SetAside(self.name, uplink.position, uplink.dev_eui, *why, uplink.tenant_id)
        with self._database.write() as connection:
            self._hold(connection, self._cursor)
            set_aside.add(connection, one)
            move_cursor(connection, self.name, self._cursor, uplink.position, now)
        self._note_position(uplink.position)
        self._suspects.went_past()
        SET_ASIDE.labels(self.name, reason).inc()
        log.error(
            "uplink_set_aside",
            follower=self.name,
            position=uplink.position,
            dev_eui=uplink.dev_eui,
            exc_info=error,
            remedy="it stays in the log: report this; 'stadtsinn cloud rebuild' tries it again",
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            seen = self._signal.commits
            applied = self._attempt()
            if applied is None:
                self._stopping.wait(self._retries.failed())
            elif applied:
                self._signal.notify()  # other followers may read what this one has made
            else:
                self._signal.wait(seen, min(self._pace.look_s, self._pace.tick_s))

    def _attempt(self) -> int | None:
        """One step: a batch or, when there is none, perhaps a tick. None when it failed."""
        try:
            if self._before_first is not None:
                self._before_first()
                self._before_first = None
            applied = self._apply_or_set_aside()
            if applied == 0:
                self._tick_if_due()
        except CursorMoved:
            log.info("cursor_moved", follower=self.name)  # read again from where the cursor is now
            return 1
        except TryAgain as reason:
            log.debug("begun_anew", follower=self.name, reason=str(reason))
            return 1
        except Exception as error:
            self._note_failure(error)
            return None
        self._retries.worked()
        self._error = None
        if self._logged_error is not None and self._limit == self._pace.batch:
            log.info("follower_recovered", follower=self.name, position=self._cursor)
            self._logged_error = None
        return applied

    def _apply_or_set_aside(self) -> int:
        """As `run_once`; where an uplink is to blame, find it and go past it."""
        try:
            applied = self.run_once()
        except Exception as error:
            suspects = self._suspects.of(error)
            if not suspects:
                raise
            ERRORS.labels(self.name).inc()
            if len(suspects) > 1:
                self._limit = _fewer(len(suspects))
            elif self._suspects.convicted(suspects[0]):
                self._set_aside(suspects[0], error)
            return 1
        self._limit = min(self._limit * 2, self._pace.batch)
        return applied

    def _tick_if_due(self) -> None:
        """Only when caught up: before, the log may hold uplinks of a device that seems silent."""
        now = self._monotonic()
        if now - self._last_tick >= self._pace.tick_s:
            self._last_tick = now
            self.tick()

    def _note_failure(self, error: Exception) -> None:
        self._limit = _fewer(self._limit)
        ERRORS.labels(self.name).inc()
        self._error = one_line(error)
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


def _fewer(uplinks: int) -> int:
    return max(1, uplinks // 8)
