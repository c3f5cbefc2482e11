"""A role of which an installation runs one at a time."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from databases import database  # noqa: F401 (a fixture)
from real_parts import wait_until
from stadtsinn.base.health import Check
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.standby import Standby


class Part:
    """Notes what is done to it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.dead: str | None = None

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        if self.calls[-1] != "stop":
            self.calls.append("stop")

    def ended(self) -> str | None:
        return self.dead


def check_of(standby: Standby) -> Callable[[], Check]:
    return standby.waiting_or(lambda: Check(ok=True, detail="at work"))


def is_at_work(standby: Standby) -> bool:
    return check_of(standby)().detail == "at work"


@pytest.fixture
def other(database: Database) -> Database:  # noqa: F811
    """The same database as another process opens it."""
    return open_database(database.engine.url.render_as_string(hide_password=False))


def test_the_second_waits_says_so_and_takes_over(
    database: Database,  # noqa: F811
    other: Database,
) -> None:
    parts = Part(), Part()
    first, second = (
        Standby(at, "series", part, look_s=0.01)
        for at, part in zip((database, other), parts, strict=True)
    )
    with ExitStack() as ending:
        first.start()
        ending.callback(first.stop)
        wait_until(lambda: is_at_work(first), "the first is at work")
        second.start()
        ending.callback(second.stop)
        wait_until(lambda: "another process" in check_of(second)().detail, "the second waits")
        said = check_of(second)()
        assert said.ok
        assert said.detail == "waits: another process on this database has the role series"
        assert parts[1].calls == []
        first.stop()
        assert parts[0].calls == ["start", "stop"]
        wait_until(lambda: is_at_work(second), "the second takes over")
    assert parts[1].calls == ["start", "stop"]
    other.engine.dispose()


def test_another_role_is_no_obstacle(database: Database, other: Database) -> None:  # noqa: F811
    one, another = (
        Standby(at, name, Part(), look_s=0.01) for at, name in ((database, "a"), (other, "b"))
    )
    with ExitStack() as ending:
        for each in (one, another):
            each.start()
            ending.callback(each.stop)
        wait_until(lambda: is_at_work(one) and is_at_work(another), "both are at work")
    other.engine.dispose()


def test_a_part_that_dies_is_named(database: Database) -> None:  # noqa: F811
    part = Part()
    standby = Standby(database, "series", part, look_s=0.01)
    standby.start()
    wait_until(lambda: is_at_work(standby), "it is at work")
    assert standby.ended() is None
    part.dead = "follower-series"
    assert standby.ended() == "follower-series"
    standby.stop()


def test_a_lock_that_was_lost_is_taken_again(database: Database) -> None:  # noqa: F811
    """PostgreSQL was restarted: nobody else wanted it, so the part goes on."""
    if database.is_sqlite:
        pytest.skip("a file's lock cannot be lost")
    part = Part()
    standby = Standby(database, "series", part, look_s=0.01)
    standby.start()
    wait_until(lambda: is_at_work(standby), "it is at work")
    holder = _end_holder(database)
    wait_until(lambda: _holder(database) not in (None, holder), "the lock is held again")
    assert part.calls == ["start"]
    assert standby.ended() is None
    standby.stop()


def test_a_lock_that_another_took_ends_the_part(
    database: Database,  # noqa: F811
) -> None:
    """The process then ends with it, and waits when its supervisor has started it again."""
    if database.is_sqlite:
        pytest.skip("a file's lock cannot be lost")
    part = Part()
    standby = Standby(database, "series", part, look_s=0.01)
    standby.start()
    wait_until(lambda: is_at_work(standby), "it is at work")
    with database.engine.connect() as other:
        lock = text("SELECT pg_advisory_lock(:key)"), {"key": zlib.crc32(b"role-series")}
        thief = threading.Thread(target=other.execute, args=lock)
        thief.start()
        wait_until(lambda: _is_queued(database), "another process waits for the lock")
        _end_holder(database)
        thief.join()
        wait_until(lambda: standby.ended() is not None, "it ends")
    assert standby.ended() == "standby-series"
    assert part.calls == ["start", "stop"]


_LOCKS = (
    "SELECT pid FROM pg_locks JOIN pg_database ON oid = database "
    "WHERE locktype = 'advisory' AND datname = current_database() AND granted = :granted"
)


def _holder(database: Database) -> int | None:  # noqa: F811
    with database.read() as connection:
        found: int | None = connection.execute(text(_LOCKS), {"granted": True}).scalar()
    return found


def _is_queued(database: Database) -> bool:  # noqa: F811
    with database.read() as connection:
        return connection.execute(text(_LOCKS), {"granted": False}).scalar() is not None


def _end_holder(database: Database) -> int:  # noqa: F811
    pid = _holder(database)
    assert pid is not None
    with database.write() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    return pid
