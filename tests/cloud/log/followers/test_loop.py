"""The loop around a follower: order, cursor, failures, ticks, rebuilds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection

from fake_uplinks import NINE, at, entry, uplink
from real_parts import wait_until
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.cursors.repository import CursorMoved, read_cursor
from stadtsinn.cloud.log.followers.loop import FollowerLoop, Pace, rebuild
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.database.engine import Database


class Recorder:
    """Records its calls, and fails on a given frame counter."""

    name = "recorder"

    def __init__(self) -> None:
        self.prepared: list[list[int]] = []
        self.applied: list[list[int]] = []
        self.ticks: list[Instant] = []
        self.resets = 0
        self.fails_on: int | None = None

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
        self.prepared.append([u.f_cnt for u in uplinks])
        if self.fails_on is not None and any(u.f_cnt == self.fails_on for u in uplinks):
            raise ValueError(f"fails on counter {self.fails_on}")

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
        self.applied.append([u.f_cnt for u in uplinks])

    def tick(self, connection: Connection, now: Instant) -> None:
        self.ticks.append(now)

    def reset(self, connection: Connection) -> None:
        self.resets += 1

    @property
    def flat(self) -> list[int]:
        return [f_cnt for batch in self.applied for f_cnt in batch]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def log_uplinks(database: Database, *counters: int) -> None:
    with database.write() as connection:
        append(connection, [entry(uplink(n, n)) for n in counters], NINE)


def loop_of(database: Database, recorder: Recorder, batch: int = 4, **how: object) -> FollowerLoop:
    clock = ManualClock(at(77))
    return FollowerLoop(database, recorder, clock, pace=Pace(batch=batch, tick_s=0.0), **how)  # type: ignore[arg-type]


def cursor(database: Database) -> int:
    with database.read() as connection:
        return read_cursor(connection, "recorder")


def test_uplinks_come_in_batches_in_the_order_of_the_log(
    database: Database, recorder: Recorder
) -> None:
    log_uplinks(database, *range(10))
    loop = loop_of(database, recorder)
    assert [loop.run_once() for _ in range(4)] == [4, 4, 2, 0]
    assert recorder.applied == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    log_uplinks(database, 10)
    loop.run_once()
    assert recorder.flat == list(range(11))


def test_a_new_process_goes_on_where_the_last_one_committed(
    database: Database, recorder: Recorder
) -> None:
    log_uplinks(database, *range(6))
    loop_of(database, recorder).run_once()
    second = Recorder()
    loop_of(database, second).run_once()
    assert second.flat == [4, 5]


def test_a_failing_batch_leaves_the_cursor_and_comes_again(
    database: Database, recorder: Recorder
) -> None:
    log_uplinks(database, 1, 2)
    recorder.fails_on = 2
    loop = loop_of(database, recorder)
    with pytest.raises(ValueError, match="counter 2"):
        loop.run_once()
    assert cursor(database) == 0
    recorder.fails_on = None
    assert loop.run_once() == 2
    assert recorder.flat == [1, 2]


def test_what_apply_did_is_rolled_back_with_the_cursor(database: Database) -> None:
    class FailingApply(Recorder):
        def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
            connection.exec_driver_sql("UPDATE tenants SET name = 'changed'")
            raise RuntimeError("apply failed")

    log_uplinks(database, 1)
    with pytest.raises(RuntimeError, match="apply failed"):
        loop_of(database, FailingApply()).run_once()
    with database.read() as connection:
        name = connection.exec_driver_sql("SELECT name FROM tenants").scalar_one()
    assert name != "changed"
    assert cursor(database) == 0


def test_before_a_poisonous_uplink_everything_is_applied_and_health_says_where(
    database: Database, recorder: Recorder
) -> None:
    log_uplinks(database, *range(20))
    recorder.fails_on = 13
    loop = loop_of(database, recorder, batch=100)
    loop.start()
    wait_until(lambda: len(recorder.flat) == 13, "what comes before is applied")
    wait_until(lambda: not loop.check().ok, "health shows it")
    assert "counter 13" in loop.check().detail
    recorder.fails_on = None
    wait_until(lambda: len(recorder.flat) == 20, "all are applied")
    wait_until(lambda: loop.check().ok, "healthy again")
    loop.stop()
    assert recorder.flat == list(range(20))


def test_a_tick_comes_only_when_the_follower_has_caught_up(
    database: Database, recorder: Recorder
) -> None:
    log_uplinks(database, *range(6))
    loop = loop_of(database, recorder)
    assert loop._attempt() == 4
    assert recorder.ticks == []
    loop._attempt()
    assert recorder.ticks == []
    assert loop._attempt() == 0
    assert recorder.ticks == [at(77)]


def test_two_processes_with_one_follower_apply_each_uplink_once(
    database: Database, recorder: Recorder
) -> None:
    """The second one prepared the same batch; its cursor has moved meanwhile."""
    log_uplinks(database, 1, 2)
    other = loop_of(database, Recorder())

    class Slow(Recorder):
        def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
            super().prepare(uplinks)
            other.run_once()

    slow = Slow()
    with pytest.raises(CursorMoved):
        loop_of(database, slow).run_once()
    assert slow.flat == []
    assert loop_of(database, slow).run_once() == 0


def test_a_rebuild_starts_from_the_beginning_also_under_a_running_batch(
    database: Database,
) -> None:
    log_uplinks(database, 1, 2, 3)
    done = False

    class Interrupted(Recorder):
        def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
            nonlocal done
            super().prepare(uplinks)
            if len(self.prepared) == 2 and not done:
                done = True
                rebuild(database, self, ManualClock(NINE))

    follower = Interrupted()
    loop = loop_of(database, follower, batch=2)
    while loop._attempt() != 0:
        pass
    assert follower.resets == 1
    assert follower.applied == [[1, 2], [1, 2], [3]]


def test_followers_have_cursors_of_their_own(database: Database, recorder: Recorder) -> None:
    class Other(Recorder):
        name = "other"

    log_uplinks(database, 1)
    loop_of(database, recorder).run_once()
    other = Other()
    loop_of(database, other).run_once()
    assert other.flat == [1]


def test_the_lag_counts_what_is_not_applied(database: Database, recorder: Recorder) -> None:
    loop = loop_of(database, recorder)
    log_uplinks(database, *range(6))
    assert loop._lag() == 6
    loop.run_once()
    assert loop._lag() == 2


def test_a_signal_wakes_the_loop_long_before_its_next_look(
    database: Database, recorder: Recorder
) -> None:
    signal = LogSignal()
    clock = ManualClock(NINE)
    patient = Pace(signalled_look_s=3600, tick_s=3600)
    loop = FollowerLoop(database, recorder, clock, signal=signal, pace=patient)
    loop.start()
    wait_until(lambda: len(recorder.ticks) == 1, "the loop has caught up")
    log_uplinks(database, 5)
    signal.notify()
    wait_until(lambda: recorder.flat == [5], "the uplink is applied")
    loop.stop()
