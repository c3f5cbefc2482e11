"""Inserts where a row may be there already, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Table


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


def insert_or_update(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert the row, or let these values replace those of the row with its primary key."""
    connection.execute(_inserting_or_updating(connection.dialect.name, table, tuple(row)), row)


def insert_or_update_all(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """The same for several rows, in one call of the driver; all have the same columns."""
    if rows:
        statement = _inserting_or_updating(connection.dialect.name, table, tuple(rows[0]))
        connection.execute(statement, [dict(row) for row in rows])


@cache
def _inserting_or_updating(dialect: str, table: Table, columns: tuple[str, ...]) -> Any:
    """Made once: to put such a statement together takes longer than to carry it out."""
    statement = _insert(dialect)(table)
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def insert_into(connection: Connection, table: Table) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT; the two share no type."""
    return _insert(connection.dialect.name)(table)


@cache
def _insert(dialect: str) -> Any:
    """Loads that dialect alone."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert
