"""All rows of an installation go to another database, and ids are not given twice there.

Public reports of what such a move loses: ids that begin at 1 again
(https://github.com/autobrr/autobrr/issues/2097, https://github.com/grafana/grafana/issues/27791,
https://github.com/3liz/lizmap-web-client/issues/2204), a new database with rows of its own
(https://github.com/MHSanaei/3x-ui/issues/4882, https://github.com/Sonarr/Sonarr/issues/8117), texts
with NUL (https://github.com/mattermost/docs/pull/7163), booleans
(https://github.com/netbirdio/docs/issues/402), bytes
(https://github.com/dimitri/pgloader/issues/1231).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text

from databases import add_tenant, fresh_database, fresh_postgres, shared_cluster
from first_version import all_rows, fill_every_table
from stadtsinn.base.problems import Conflict, Invalid
from stadtsinn.cli.database_move import _put_away
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.platform.database.moving import move_rows, require_alone
from stadtsinn.cloud.schema import metadata

Pair = tuple[Database, Database]


@pytest.fixture(params=["sqlite-postgres", "postgres-sqlite"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """Two installations without rows: the old database and the new one."""
    with ExitStack() as ending:
        made = {
            "sqlite": fresh_database(tmp_path),
            "postgres": ending.enter_context(fresh_postgres(shared_cluster())),
        }
        ending.callback(made["sqlite"].dispose)
        old, new = request.param.split("-")
        yield made[old], made[new]


def test_every_row_of_every_table_is_there(pair: Pair) -> None:
    old, new = pair
    fill_every_table(old, rows=3)
    moved = list(move_rows(old, new, metadata))
    assert [one.table for one in moved] == [table.name for table in metadata.sorted_tables]
    assert {one.rows for one in moved} == {3}
    before, after = all_rows(old), all_rows(new)
    for kept in (before, after):
        kept.pop("alembic_version", None)
    assert after == before


def test_no_id_is_given_twice(pair: Pair) -> None:
    """Also not that of a last row which was deleted."""
    old, new = pair
    keys = metadata.tables["api_keys"]
    counting = [table for table in metadata.sorted_tables if table.autoincrement_column is not None]
    assert keys in counting
    add_tenant(old)
    row = {"tenant_id": "musterstadt", "name": "a", "role": "reader", "created_at": 0}
    with old.write() as connection:
        for number in range(5):
            values = {**row, "prefix": f"p{number}", "hash": bytes([number]) * 32}
            known = {name: values[name] for name in values if name in keys.columns}
            connection.execute(insert(keys).values(known | _needed(keys, known, number)))
        newest = connection.scalar(select(func.max(keys.c.id)))
        connection.execute(delete(keys).where(keys.c.id >= newest))
    list(move_rows(old, new, metadata))
    with new.write() as connection:
        known = {name: value for name, value in row.items() if name in keys.columns}
        given = connection.execute(insert(keys).values(known | _needed(keys, known, 9)))
        assert given.inserted_primary_key == (newest + 1,)


def _needed(table: object, known: dict[str, object], number: int) -> dict[str, object]:
    """A value for each column that must have one."""
    found: dict[str, object] = {}
    for column in table.columns:  # type: ignore[attr-defined]
        if column.name in known or column.nullable or column.primary_key:
            continue
        kind = column.type.python_type
        found[column.name] = {str: f"x{number}", int: number, bytes: bytes([number])}.get(kind, 0)
    return found


def test_a_database_with_rows_is_not_overwritten(pair: Pair) -> None:
    old, new = pair
    add_tenant(old)
    add_tenant(new, "other")
    before = all_rows(new)
    with pytest.raises(Conflict, match="has rows already"):
        list(move_rows(old, new, metadata))
    assert all_rows(new) == before


@pytest.mark.slow
def test_a_row_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    """SQLite takes any text in any column."""
    old = fresh_database(tmp_path)
    add_tenant(old)
    tenants = metadata.tables["tenants"]
    with old.write() as connection:
        connection.execute(insert(tenants).values(id="x" * 3_000, name="y", created_at=0))
    with fresh_postgres(shared_cluster()) as new:
        with pytest.raises(Invalid, match="table tenants"):
            list(move_rows(old, new, metadata))
        assert not any(rows for name, rows in all_rows(new).items() if name != "alembic_version")
    old.dispose()


@pytest.mark.slow
def test_a_text_that_postgresql_cannot_hold_goes_all_the_same(tmp_path: Path) -> None:
    old = fresh_database(tmp_path)
    add_tenant(old, "a\0b")
    with fresh_postgres(shared_cluster()) as new:
        list(move_rows(old, new, metadata))
        assert [row["id"] for row in all_rows(new)["tenants"]] == ["a\ufffdb"]
    old.dispose()


def test_a_move_that_is_broken_off_leaves_nothing_behind(pair: Pair) -> None:
    old, new = pair
    fill_every_table(old)
    steps = move_rows(old, new, metadata)
    next(steps)
    steps.close()
    assert not any(rows for name, rows in all_rows(new).items() if name != "alembic_version")


def test_a_database_in_use_is_named(pair: Pair) -> None:
    old, _ = pair
    require_alone(old)
    other = open_database(old.engine.url.render_as_string(hide_password=False))
    with other.read() as connection:
        connection.execute(select(1))
        with pytest.raises(Conflict, match="Stop 'stadtsinn cloud run'"):
            require_alone(old)
    other.dispose()
    require_alone(old)


def test_what_an_earlier_move_put_away_stays(tmp_path: Path) -> None:
    path = tmp_path / "town.sqlite"
    (tmp_path / "town.sqlite.moved").write_text("earlier")
    database = open_database(f"sqlite:///{path}")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE now (n INTEGER)"))
    assert _put_away(database) == tmp_path / "town.sqlite.moved-2"
    assert (tmp_path / "town.sqlite.moved").read_text() == "earlier"
