"""A database as an earlier version left it: its schema by migration, a row in every table."""

from __future__ import annotations

from typing import Any

from alembic import command
from sqlalchemy import JSON, Boolean, LargeBinary, MetaData, Table, insert, types

from stadtsinn.cloud.migrations.upgrade import configuration
from stadtsinn.cloud.platform.database.engine import Database

_LEFT_OUT = {"rules": {"zone_id", "station_group"}}
"""Columns that stay NULL: a CHECK wants a rule to watch one thing only."""


def bring_to(database: Database, revision: str) -> None:
    """Run the migrations up to `revision`."""
    with database.write_schema() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def fill_every_table(database: Database, rows: int = 1) -> None:
    """Rows in every table, as wide as its columns.

    Foreign keys hold, because the rows of every table have the same keys. The values mean nothing
    beyond their type: migrations that read them need rows of their own.
    """
    metadata = MetaData()
    with database.write() as connection:
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
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
    metadata = MetaData()
    with database.read() as connection:
        metadata.reflect(connection)
        return {
            table.name: sorted(
                (dict(row) for row in connection.execute(table.select()).mappings()), key=str
            )
            for table in metadata.sorted_tables
        }
