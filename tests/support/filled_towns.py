"""Two towns with a row each in every table of the schema, also in those that are made tomorrow."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table, func, insert, select

from first_version import value_of
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.privacy.kept import is_owned
from stadtsinn.cloud.schema import metadata

NOW = Instant(20_784 * DAY)
TOWN, NEIGHBOUR = "musterstadt", "nebenan"
TOWNS = (TOWN, NEIGHBOUR)

_LEFT_OUT = {"rules": {"zone_id", "station_group"}, "tenants": {"erasing_since"}}
"""Columns that stay NULL: a rule watches one thing only, and nothing is being erased."""
_OF_NOBODY = {"archived_days", "archived_sessions"}
"""What they name lies in files."""


def fill(database: Database) -> None:
    """The towns' rows; those of the installation have one for each town as well."""
    with database.write() as connection:
        for table in metadata.sorted_tables:
            if table.name in _OF_NOBODY:
                continue
            single = not is_owned(table) and "id" in table.c
            towns = TOWNS[:1] if single else TOWNS
            connection.execute(insert(table), [row(table, town) for town in towns])
            if connection.dialect.name == "postgresql":  # it counts by itself
                for column in table.primary_key.columns:
                    sequence = func.pg_get_serial_sequence(table.name, column.name)
                    connection.execute(select(func.setval(sequence, 100)))


def row(table: Table, town: str) -> dict[str, Any]:
    """A town's row: the same keys in every table, so that all refer to each other."""
    left_out = _LEFT_OUT.get(table.name, set())
    return {
        column.name: None if column.name in left_out else _value(column, town)
        for column in table.columns
    }


def _value(column: Column[Any], town: str) -> Any:
    kind, number = column.type, 1 + TOWNS.index(town)
    names_town = column.name == "tenant_id" or any(
        key.target_fullname == "tenants.id" for key in column.foreign_keys
    )
    if names_town or (column.table.name == "tenants" and column.name == "id"):
        return town
    return value_of(kind, number, f"{number}x")


def belongs_to(table: Table, found: dict[str, Any], town: str) -> bool:
    """Whether a row that `fill` made is this town's."""
    mine = row(table, town)
    key = [column.name for column in table.primary_key.columns]
    return is_owned(table) and all(found[name] == mine[name] for name in key)
