"""The loop around a follower: order, cursor, failures, ticks, rebuilds."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import capture_logs

from counted import write_transactions
from fake_uplinks import NINE, at, entry, uplink
from real_parts import wait_until
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import Instant
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.domains.crowd.zone_repository import StaleTally
from stadtsinn.cloud.log.cursors.repository import (
    CursorMoved,
    begin_forgetting,
    move_part,
    read_cursor,
    read_part,
)
from stadtsinn.cloud.log.followers.culprits import sentence_of
from stadtsinn.cloud.log.followers.forgetting import rebuild
from stadtsinn.cloud.log.followers.loop import FollowerLoop, Pace
from stadtsinn.cloud.log.set_aside import repository
from stadtsinn.cloud.log.set_aside.repository import SetAside
from stadtsinn.cloud.log.uplinks.repository import append, head
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.log.uplinks.watch import LogWatch
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import SeriesUnavailable
from stadtsinn.cloud.town.tables import registry_revision

pytestmark = pytest.mark.slow


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

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> int | None:
        self.applied.append([u.f_cnt for u in uplinks])
        return None

    def tick(self, connection: Connection, now: Instant) -> bool | None:
        self.ticks.append(now)
        return None

    def reset(self, connection: Connection) -> bool | None:
        self.resets += 1
        return None

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


def set_aside_rows(database: Database) -> list[SetAside]:
    with database.read() as connection:
        return repository.listed(connection, None, 10_000)[::-1]


def test_an_uplink_that_cannot_be_applied_is_set_aside_and_all_others_are_applied(
    database: Database, recorder: Recorder
) -> None:
    log_uplinks(database, *range(20))
    recorder.fails_on = 13
    loop = loop_of(database, recorder, batch=100)
    while loop._attempt() != 0:
        pass
    assert recorder.flat == [n for n in range(20) if n != 13]
    assert [
        (row.follower, row.position, row.reason, row.detail) for row in set_aside_rows(database)
    ] == [("recorder", 14, "ValueError", "fails on counter 13")]
    assert loop.check().ok
    assert "1 uplink set aside" in loop.check().detail


def test_a_rebuild_tries_what_was_set_aside_again(database: Database, recorder: Recorder) -> None:
    log_uplinks(database, 1, 2)
    recorder.fails_on = 2
    loop = loop_of(database, recorder)
    while loop._attempt() != 0:
        pass
    recorder.fails_on = None
    recorder.applied.clear()
    rebuild(database, recorder, ManualClock(NINE))
    assert set_aside_rows(database) == []
    while loop._attempt() != 0:
        pass
    assert recorder.flat == [1, 2]


def sql_error(kind: type[DBAPIError], original: Exception) -> DBAPIError:
    return kind("SELECT 1", {}, original)


@pytest.mark.parametrize(
    "away",
    [
        sql_error(OperationalError, sqlite3.OperationalError("database is locked")),
        sql_error(InterfaceError, sqlite3.InterfaceError("connection already closed")),
        sql_error(ProgrammingError, sqlite3.ProgrammingError("no such table")),
        PoolTimeout("no connection left"),
        SeriesUnavailable("the store does not answer", "fort"),
        StaleTally("changed meanwhile"),
        OSError(28, "No space left on device"),
        sqlite3.OperationalError("disk I/O error"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_outage_is_never_taken_for_a_culprit(
    database: Database, recorder: Recorder, away: Exception
) -> None:
    class Away(Recorder):
        def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
            raise away

    log_uplinks(database, 1)
    loop = loop_of(database, Away())
    assert [loop._attempt() for _ in range(5)] == [None] * 5
    assert set_aside_rows(database) == []
    assert cursor(database) == 0
    assert not loop.check().ok
    again = loop_of(database, recorder)
    again._attempt()
    assert recorder.flat == [1]


def test_a_value_that_the_database_refuses_is_a_culprit(database: Database) -> None:
    class TooLarge(Recorder):
        def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
            values = {"id": 2, "revision": 10**30}
            connection.execute(insert(registry_revision).values(**values))

    log_uplinks(database, 1)
    loop = loop_of(database, TooLarge())
    while loop._attempt() != 0:
        pass
    assert len(set_aside_rows(database)) == 1


def test_many_in_a_row_mean_that_the_follower_itself_is_at_fault(database: Database) -> None:
    class Broken(Recorder):
        def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
            raise KeyError("a bug")

    log_uplinks(database, *range(25))
    loop = loop_of(database, Broken())
    while loop._attempt() != 0:
        pass
    assert not loop.check().ok
    assert "the last 25 in a row" in loop.check().detail


def test_what_is_set_aside_is_bounded_per_follower_and_the_newest_are_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "KEPT", 3)
    with database.write() as connection:
        for follower in ("one", "two"):
            for position in range(1, 6):
                row = SetAside(follower, position, "70b3d50000000100", "E", "why", NINE)
                repository.add(connection, row)
    assert {(row.follower, row.position) for row in set_aside_rows(database)} == {
        (follower, position) for follower in ("one", "two") for position in (3, 4, 5)
    }


def test_a_reason_is_one_plain_line() -> None:
    said = sentence_of(ValueError("bad \x1b[31m\u202evalue\nsecond line"))
    assert said == "bad ?[31m?value"


def test_a_follower_may_do_a_batch_in_parts(database: Database) -> None:
    """The cursor moves behind what is done; within an uplink the part is kept with it."""

    class InParts(Recorder):
        def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> int:
            part = read_part(connection, self.name)
            self.applied.append([uplinks[0].f_cnt, part])
            if part < 2:
                move_part(connection, self.name, part + 1)
                return 0
            move_part(connection, self.name, 0)
            return 1

    log_uplinks(database, 7, 8)
    follower = InParts()
    loop = loop_of(database, follower)
    while loop.run_once():
        pass
    assert follower.applied == [[7, 0], [7, 1], [7, 2], [8, 0], [8, 1], [8, 2]]


def test_a_tick_with_more_to_do_is_called_again_in_a_new_transaction(database: Database) -> None:
    class Busy(Recorder):
        def tick(self, connection: Connection, now: Instant) -> bool:
            super().tick(connection, now)
            return len(self.ticks) < 3

    follower = Busy()
    loop_of(database, follower).tick()
    assert follower.ticks == [at(77)] * 3


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


class Forgetful(Recorder):
    """Forgets in three transactions."""

    left = 3

    def reset(self, connection: Connection) -> bool:
        super().reset(connection)
        self.left -= 1
        return self.left > 0


def test_much_is_forgotten_in_several_transactions(database: Database) -> None:
    log_uplinks(database, 1, 2)
    follower = Forgetful()
    loop = loop_of(database, follower)
    loop.run_once()
    with write_transactions(database) as found:
        rebuild(database, follower, ManualClock(NINE))
    assert len(found) == 4, "one that says so, three that forget"
    while loop._attempt() != 0:
        pass
    assert follower.applied == [[1, 2], [1, 2]]


def test_what_a_killed_rebuild_left_is_forgotten_before_anything_else(database: Database) -> None:
    """By whoever runs the follower next; until then nobody applies or lets time pass."""
    log_uplinks(database, 1, 2)
    follower = Forgetful()
    loop = loop_of(database, follower)
    loop.run_once()
    with database.write() as connection:
        begin_forgetting(connection, follower.name, NINE)
    loop.tick()
    assert follower.ticks == []
    assert loop.run_once() == 1
    assert follower.resets == 3
    assert follower.applied == [[1, 2]]
    while loop._attempt() != 0:
        pass
    assert follower.applied == [[1, 2], [1, 2]]
    assert follower.ticks


def test_two_do_not_forget_at_the_same_time(database: Database) -> None:
    """What one has begun to fill again, another one must not empty."""
    log_uplinks(database, 1, 2)
    follower = Forgetful()
    loop = loop_of(database, follower)
    tried: list[int] = []

    class Slow(Forgetful):
        def reset(self, connection: Connection) -> bool:
            tried.append(loop.run_once())
            with pytest.raises(Explained, match="is being rebuilt by another process"):
                rebuild(database, follower, ManualClock(NINE))
            return super().reset(connection)

    rebuild(database, Slow(), ManualClock(NINE))
    assert tried == [0, 0, 0]
    assert (follower.resets, follower.applied) == (0, [])
    assert "begins anew" in loop.check().detail


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
    patient = Pace(look_s=3600, tick_s=3600)
    loop = FollowerLoop(database, recorder, clock, signal=signal, pace=patient)
    loop.start()
    wait_until(lambda: len(recorder.ticks) == 1, "the loop has caught up")
    log_uplinks(database, 5)
    signal.notify()
    wait_until(lambda: recorder.flat == [5], "the uplink is applied")
    loop.stop()


def test_a_watch_wakes_the_loop_when_another_process_ingests(
    database: Database, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after the database was away, which is the followers' to say."""
    signal = LogSignal()
    watch = LogWatch(database, signal, look_s=0.01)
    patient = Pace(look_s=3600, tick_s=3600)
    loop = FollowerLoop(database, recorder, ManualClock(NINE), signal=signal, pace=patient)
    loop.start()
    wait_until(lambda: len(recorder.ticks) == 1, "the loop has caught up")
    looks = iter([OSError("away"), OSError("away")])

    def away_at_first(connection: Connection) -> int:
        for error in looks:
            raise error
        return head(connection)

    monkeypatch.setattr("stadtsinn.cloud.log.uplinks.watch.head", away_at_first)
    with capture_logs() as said:
        watch.start()
        log_uplinks(database, 5)
        wait_until(lambda: recorder.flat == [5], "the first is applied")
        log_uplinks(database, 6)
        wait_until(lambda: recorder.flat == [5, 6], "the second is applied")
        assert watch.ended() is None
        watch.stop()
    assert not said
    loop.stop()


@pytest.mark.parametrize("step", ["prepare", "apply", "tick"])
def test_a_step_that_hangs_is_said_with_how_long_and_how_far_behind(
    database: Database, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    seconds, checks = [0.0], []
    loop = loop_of(database, recorder, monotonic=lambda: seconds[0])
    log_uplinks(database, *range(4))

    def slow(*_: object) -> None:
        for passed in (29, 30, 299, 300):
            seconds[0] = 1000.0 + passed
            checks.append(loop.check())

    monkeypatch.setattr(recorder, step, slow)
    seconds[0] = 1000.0
    if step == "tick":
        loop.run_once()
        log_uplinks(database, 4, 5)
        loop.tick()
        where, behind, what = "at position 4", 2, "one tick"
    else:
        loop.run_once()
        where, behind, what = "at position 0", 4, "one batch"
    assert [check.ok for check in checks] == [True, True, True, False]
    said = [check.detail for check in checks]
    assert said[0] == where
    assert said[1] == f"{where}, uplinks behind: {behind}, {what} under way for 30 s"
    assert said[3].endswith(f"{what} under way for 300 s: it seems to hang")
    assert loop.check().ok
    assert "under way" not in loop.check().detail
