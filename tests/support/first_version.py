"""A database as an earlier version left it: its schema by migration, a row in every table."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Connection, LargeBinary, MetaData, Table, insert, text, types

from stadtsinn.cloud.migrations.upgrade import configuration, is_empty
from stadtsinn.cloud.platform.database.engine import Database, open_database

_LEFT_OUT = {"rules": {"zone_id", "station_group"}}
"""Columns that stay NULL: a CHECK wants a rule to watch one thing only."""


def bring_to(database: Database, revision: str) -> None:
    """Run the migrations up to `revision`."""
    if database.is_sqlite and is_empty(database):
        _copy_into(database, _at(revision))
    else:
        _migrate(database, revision)


@cache
def _at(revision: str) -> bytes:
    """An empty SQLite database of this revision, made of that of the one before: so tests of
    many revisions run each migration once."""
    before = ScriptDirectory.from_config(configuration()).get_revision(revision).down_revision
    database = open_database(":memory:")
    if isinstance(before, str):
        _copy_into(database, _at(before))
    _migrate(database, revision)
    with database.read() as connection:
        made: bytes = _raw(connection).serialize()
    database.dispose()
    return made


def _copy_into(database: Database, made: bytes) -> None:
    source = sqlite3.connect(":memory:")
    source.deserialize(made)
    with database.engine.connect() as connection:
        source.backup(_raw(connection))
    source.close()


def _raw(connection: Connection) -> Any:
    """The connection of Python's own sqlite3."""
    return connection.connection.driver_connection


def _migrate(database: Database, revision: str) -> None:
    with database.write_schema() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def fill_every_table(database: Database, rows: int = 1) -> None:
    """Rows in every table, as wide as its columns.

    Foreign keys hold, because the rows of every table have the same keys. The values mean nothing
    beyond their type: migrations that read them need rows of their own.
    """
    with database.write() as connection:
        for table in _tables(connection):
            if table.name != "alembic_version":
                connection.execute(insert(table), [_row(table, n) for n in range(1, rows + 1)])


def _row(table: Table, number: int) -> dict[str, Any]:
    left_out = _LEFT_OUT.get(table.name, set())
    columns = [column for column in table.columns if column.name not in left_out]
    return {column.name: value_of(column.type, number, "abc"[number - 1]) for column in columns}


def value_of(kind: types.TypeEngine[Any], number: int, word: str) -> Any:
    """A value for a column of this type, made of the number, or the word where it is a text."""
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, JSON):
        return {}
    if isinstance(kind, LargeBinary):
        return b"\x00\xff" * number
    if isinstance(kind, types.Integer | types.Numeric | types.Float):
        return number
    return word


def all_rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """What every table holds, column by column."""
    with database.read() as connection:
        return {
            table.name: sorted(
                (dict(row) for row in connection.execute(table.select()).mappings()), key=str
            )
            for table in _tables(connection)
        }


_known: dict[tuple[str, ...], list[Table]] = {}


def _tables(connection: Connection) -> list[Table]:
    """The tables as the database has them, parents first. SQLite's are known by their words:
    to find out takes longer than most of what tests do with them."""
    if connection.dialect.name != "sqlite":
        return _reflected(connection)
    words = tuple(connection.scalars(text("SELECT sql FROM sqlite_master ORDER BY type, name")))
    if words not in _known:
        _known[words] = _reflected(connection)
    return _known[words]


def _reflected(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return metadata.sorted_tables
