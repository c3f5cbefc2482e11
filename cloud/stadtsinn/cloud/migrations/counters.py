"""SQLite's counters of ids, which a table that is copied would lose.

SQLite changes most of a table by copying it. The copy counts on from the largest id it holds, so
an id whose row was deleted would be given again; and alembic's copy forgets AUTOINCREMENT itself.
Incidents, messages and samples are named after such ids: none may come twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text


@contextmanager
def keeping_counters(connection: Connection) -> Iterator[None]:
    """Around migrations: counters of tables that stay go on where they were.

    Raises RuntimeError when a table has lost its AUTOINCREMENT.
    """
    if connection.dialect.name != "sqlite":  # others change tables in place
        yield
        return
    before, counted = _counters(connection), _counting(connection)
    yield
    if lost := (counted - _counting(connection)) & _tables(connection):
        raise RuntimeError(
            f"a migration took AUTOINCREMENT from {', '.join(sorted(lost))}: give its batch "
            'table_kwargs={"sqlite_autoincrement": True}'
        )
    for table in before.keys() & _counting(connection):
        _go_on_after(connection, table, before[table])


def _counters(connection: Connection) -> dict[str, int]:
    if "sqlite_sequence" not in _tables(connection):
        return {}
    rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
    return {row.name: row.seq for row in rows}


def _counting(connection: Connection) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
    return set(connection.scalars(text(query)))


def _tables(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))


def _go_on_after(connection: Connection, table: str, last: int) -> None:
    values = {"table": table, "last": last}
    raised = connection.execute(
        text("UPDATE sqlite_sequence SET seq = max(seq, :last) WHERE name = :table"), values
    )
    if raised.rowcount == 0:
        connection.execute(text("INSERT INTO sqlite_sequence VALUES (:table, :last)"), values)
