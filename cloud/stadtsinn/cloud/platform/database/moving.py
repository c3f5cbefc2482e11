"""Moves an installation's rows from one database to another, e.g. from SQLite to PostgreSQL.

All rows go in one transaction of the new database, or none. The old one is not changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import StatementError

from stadtsinn.base.counted import counted
from stadtsinn.base.problems import Conflict, Invalid
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.database.sessions import others_connected

_AT_ONCE = 1_000


@dataclass(frozen=True)
class Moved:
    """How many rows of one table are in the new database now."""

    table: str
    rows: int


def require_alone(database: Database) -> None:
    """Raise Conflict while another process uses this database: what it wrote after the move would
    be missing in the new one."""
    database.dispose()  # our own connections
    if database.is_sqlite:
        used = _sqlite_in_use(str(database.engine.url.database))
    else:
        used = _postgres_in_use(database)
    if used:
        raise Conflict(
            "Another process uses the old database. Stop 'stadtsinn cloud run' and what else has "
            "it open, then run this again; edges keep what they measure meanwhile.",
            "Ein anderer Prozess benutzt die alte Datenbank. 'stadtsinn cloud run' beenden und "
            "was sie sonst offen hält, dann dies noch einmal ausführen; die Agenten verwahren "
            "inzwischen, was sie messen.",
        )


def _sqlite_in_use(path: str) -> bool:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            return True
        connection.execute("ROLLBACK")
        return False


def _postgres_in_use(database: Database) -> bool:
    with database.read() as connection:
        return others_connected(connection) > 0


def move_rows(source: Database, target: Database, metadata: MetaData) -> Generator[Moved]:
    """Copy the rows of all tables, parents first; both databases have this version's schema.

    The new database is committed when the last table was given out. Raises Conflict where it holds
    rows already, Invalid where it does not take a row that the old one has.
    """
    # The old database takes nothing while this lasts, whoever starts a process on it.
    with source.write() as old, target.write() as new:
        _require_no_rows(new, metadata)
        for table in metadata.sorted_tables:
            rows = _copy(old, new, table)
            _count_on(old, new, table)
            yield Moved(table.name, rows)


def _require_no_rows(new: Connection, metadata: MetaData) -> None:
    for table in metadata.sorted_tables:
        if new.execute(select(1).select_from(table).limit(1)).first() is not None:
            raise Conflict(
                f"The new database has rows already (table {table.name}): give an empty one. "
                "Nothing was changed.",
                f"Die neue Datenbank hat schon Zeilen (Tabelle {table.name}): eine leere "
                "angeben. Nichts ist geändert.",
            )


def _copy(old: Connection, new: Connection, table: Table) -> int:
    rows = old.execution_options(yield_per=_AT_ONCE).execute(select(table)).mappings()
    copied = 0
    for part in rows.partitions():
        values = [{name: _without_nul(value) for name, value in row.items()} for row in part]
        try:
            new.execute(insert(table), values)
        except StatementError as error:
            reason = str(error.orig).splitlines()[0]
            raise Invalid(
                f"The new database does not take a row of table {table.name} ({reason}). Nothing "
                "was changed there; correct this row in the old one, or report it.",
                f"Die neue Datenbank nimmt eine Zeile der Tabelle {table.name} nicht an "
                f"({reason}). Dort ist nichts geändert; die Zeile in der alten berichtigen oder "
                "den Fehler melden.",
            ) from error
        copied += len(values)
    found = new.scalar(select(func.count()).select_from(table))
    if found != copied:
        raise Explained(
            f"table {table.name}: {counted(copied, 'row was', 'rows were')} copied, {found} are "
            "there",
            f"Tabelle {table.name}: {counted(copied, 'Zeile', 'Zeilen')} kopiert, {found} sind "
            "da. Nichts ist geändert; noch einmal ausführen",
        )
    return copied


def _without_nul(value: Any) -> Any:
    """PostgreSQL's texts cannot hold this character, SQLite's can."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


# --- ids go on where they were, also where the last rows were deleted --------------------


def _count_on(old: Connection, new: Connection, table: Table) -> None:
    column = table.autoincrement_column
    if column is None:
        return
    last = max(_last_given(old, table), new.scalar(select(func.max(column))) or 0)
    if last == 0:
        return
    if new.dialect.name == "postgresql":
        sequence = "SELECT setval(pg_get_serial_sequence(:table, :column), :last)"
        names = {"table": table.name, "column": column.name, "last": last}
        new.execute(text(sequence), names)
    elif table.dialect_kwargs.get("sqlite_autoincrement"):
        values = {"table": table.name, "last": last}
        new.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), values)
        new.execute(text("INSERT INTO sqlite_sequence VALUES (:table, :last)"), values)


def _last_given(old: Connection, table: Table) -> int:
    """The newest id that was ever given."""
    column = table.autoincrement_column
    if column is None:
        return 0
    if old.dialect.name == "sqlite":
        if not table.dialect_kwargs.get("sqlite_autoincrement"):
            return 0
        counter = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
        return int(old.scalar(counter, {"table": table.name}) or 0)
    counter = text(
        "SELECT last_value FROM pg_sequences WHERE schemaname = current_schema() AND "
        "sequencename = split_part(pg_get_serial_sequence(:table, :column), '.', 2)"
    )
    names = {"table": table.name, "column": column.name}
    return int(old.scalar(counter, names) or 0)
