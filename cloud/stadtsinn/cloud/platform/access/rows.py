"""SQL that stays inside the caller's tenant, for the repositories of all rooms."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Column, Connection, FromClause, Row, Select, Table, delete, select, update

from stadtsinn.base.batches import batched
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import metadata
from stadtsinn.cloud.platform.nouns import NOUNS

NAMED = 500
"""Keys in one query: SQLite takes a limited number of parameters."""


def rows_named(
    connection: Connection, query: Select[Any], key: Any, names: Collection[Any]
) -> Iterator[Row[Any]]:
    """The rows of a query whose `key` is one of these, however many there are."""
    for some in batched(names, NAMED):
        yield from connection.execute(query.where(key.in_(some)))


def own_rows(
    scope: Scope, table: Table, source: FromClause | None = None, *more: Any
) -> Select[Any]:
    """Rows of the caller's tenant, and of no other; `more` columns of a joined `source`."""
    return (
        select(table, *more)
        .select_from(table if source is None else source)
        .where(table.c.tenant_id == scope.tenant_id)
    )


def one_page(
    query: Select[Any], key: Any, after: str | int | None, limit: int | None
) -> Select[Any]:
    """The rows after the one named `after`, `limit` at most."""
    return (query if after is None else query.where(key > after)).limit(limit)


def one_row(
    connection: Connection, scope: Scope, table: Table, where: Any, kind: str, name: str
) -> Row[Any]:
    """The row of the caller's tenant that this condition names; raises NotFound."""
    return only_row(connection, own_rows(scope, table).where(where), kind, name)


def only_row(connection: Connection, query: Select[Any], kind: str, name: str | int) -> Row[Any]:
    """The one row of a query that stays inside the caller's tenant; raises NotFound."""
    row = connection.execute(query).one_or_none()
    if row is None:
        raise missing(kind, name)
    return row


def update_rows(
    connection: Connection, scope: Scope, table: Table, where: Any, values: dict[str, Any]
) -> None:
    connection.execute(
        update(table).where(table.c.tenant_id == scope.tenant_id, where).values(**values)
    )


def delete_rows(connection: Connection, scope: Scope, table: Table, where: Any) -> None:
    connection.execute(delete(table).where(table.c.tenant_id == scope.tenant_id, where))


def users_of(
    connection: Connection, key: Column[Any], value: int, *, without: Collection[Table] = ()
) -> list[str]:
    """The tables whose rows refer to a key and would not go with it, e.g. ``gates``."""
    columns = [
        column
        for table in metadata.sorted_tables
        if table not in without
        for column in table.c
        if any(one.column is key and one.ondelete != "CASCADE" for one in column.foreign_keys)
    ]
    return [
        column.table.name
        for column in columns
        if connection.execute(select(column).where(column == value).limit(1)).first()
    ]


def missing(kind: str, name: str | int) -> NotFound:
    """The same text for what does not exist and for what belongs to another tenant."""
    return NotFound(
        f"There is no {kind} '{name}'.",
        f"Es gibt {NOUNS[kind].no} {NOUNS[kind].german} '{name}'.",
    )
