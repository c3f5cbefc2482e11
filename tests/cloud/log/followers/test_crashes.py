"""A follower killed at its commit points applies every uplink exactly once."""

from __future__ import annotations

from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import select

import real_follower_child
from databases import add_tenant, fresh_database
from fake_uplinks import NINE, entry, uplink
from loaded_child import start_child
from real_parts import PATIENCE_S, wait_until
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.platform.database.engine import Database

pytestmark = pytest.mark.slow


def child(database: Database, outside: Path, crash_at: str) -> BaseProcess:
    url = database.engine.url.render_as_string(hide_password=False)
    return start_child(real_follower_child.main, url, str(outside), crash_at=crash_at)


def applied(database: Database) -> list[int]:
    table = real_follower_child.applied
    with database.read() as connection:
        return list(connection.execute(select(table.c.f_cnt).order_by(table.c.position)).scalars())


@pytest.mark.parametrize("point", ["tracing.prepared:2", "tracing.applied:2", "tracing.prepared:1"])
def test_killed_between_prepare_and_commit_nothing_is_lost_or_doubled(
    tmp_path: Path, point: str
) -> None:
    database = fresh_database(tmp_path)
    add_tenant(database)
    real_follower_child.applied.create(database.engine)
    with database.write() as connection:
        append(connection, [entry(uplink(n, n)) for n in range(30)], NINE)
    outside = tmp_path / "prepared"
    to_kill = child(database, outside, point)
    to_kill.join(PATIENCE_S)
    assert to_kill.exitcode == -9
    assert len(applied(database)) < 30
    survivor = child(database, outside, "")
    try:
        wait_until(lambda: len(applied(database)) >= 30, "all are applied")
    finally:
        survivor.kill()
        survivor.join()
    assert applied(database) == list(range(30))
    assert {int(line) for line in outside.read_text().split()} == set(range(30))
    database.dispose()
