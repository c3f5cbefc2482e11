"""A database as an earlier version left it: its schema by migration, a row in every table."""

from __future__ import annotations

from typing import Any

from alembic import command
from sqlalchemy import JSON, Boolean, LargeBinary, MetaData, Table, insert, types

from stadtsinn.cloud.migrations.upgrade import configuration
from stadtsinn.cloud.platform.database.engine import Database

_ONE_OF_TWO: dict[str, dict[str, None]] = {"rules": {"zone_id": None}}
"""Columns of which a CHECK lets a row state only one: a rule watches a device or a zone."""


def bring_to(database: Database, revision: str) -> None:
    """Run the migrations up to `revision`."""
    with database.write_schema() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def fill_every_table(database: Database) -> dict[str, dict[str, Any]]:
    """One row per table, as wide as its columns; the rows by table.

    Foreign keys hold, because every table's row has the same key. The values mean nothing beyond
    their type: migrations that read them need rows of their own.
    """
    metadata = MetaData()
    with database.write() as connection:
        metadata.reflect(connection)
        made = {}
        for table in metadata.sorted_tables:
            if table.name != "alembic_version":
                made[table.name] = _row(table)
                connection.execute(insert(table).values(made[table.name]))
    return made


def _row(table: Table) -> dict[str, Any]:
    values = {column.name: _value(column.type) for column in table.columns}
    return {**values, **_ONE_OF_TWO.get(table.name, {})}


def _value(kind: types.TypeEngine[Any]) -> Any:
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, JSON):
        return {}
    if isinstance(kind, LargeBinary):
        return b"\x00\xff"
    if isinstance(kind, types.Integer | types.Numeric | types.Float):
        return 1
    return "a"


def all_rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """What every table holds, column by column."""
    metadata = MetaData()
    with database.read() as connection:
        metadata.reflect(connection)
        return {
            table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in metadata.sorted_tables
        }
