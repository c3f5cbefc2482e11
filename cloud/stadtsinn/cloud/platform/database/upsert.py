"""Inserts that leave existing rows alone, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_ignore(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose unique keys are not taken yet; returns how many are new."""
    key = next(iter(table.primary_key.columns))
    statement = insert_into(connection, table).on_conflict_do_nothing().returning(key)
    # One by one: for several rows the two drivers count differently.
    return sum(len(connection.execute(statement, dict(row)).all()) for row in rows)


def insert_ignore_all(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """As `insert_ignore`, in one call of the driver, which does not say how many are new.

    Values go to the driver as they are (numbers, texts, None): all rows have the same columns.
    """
    if not rows:
        return
    statement = insert_into(connection, table).on_conflict_do_nothing()
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    positions = compiled.positiontup
    given = [tuple(row[name] for name in positions) for row in rows] if positions else list(rows)
    connection.exec_driver_sql(str(compiled), given)


def insert_into(connection: Connection, table: Table) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT; the two share no type."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
