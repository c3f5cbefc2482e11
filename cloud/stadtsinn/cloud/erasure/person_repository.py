"""SQL of searching for a person: every row of a table, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    null,
    select,
    tuple_,
    update,
)

from stadtsinn.base.batches import batched
from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients, sandbox_messages
from stadtsinn.cloud.erasure.searching import GONE
from stadtsinn.cloud.platform.audit.line import Kind
from stadtsinn.cloud.platform.audit.tables import audit_lines
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.privacy.kept import kept_of, of_tenant, owner_of

_PAGE = 500
"""Rows read at a time: those of quarantine have payloads."""


@dataclass(frozen=True)
class Row:
    """A row's key, its town where it names one itself, and the columns asked for."""

    key: tuple[Any, ...]
    tenant_id: str | None
    values: Mapping[str, Any]


def rows(
    database: Database, table: Table, names: Sequence[str], tenant_id: str | None
) -> Iterator[Row]:
    """All rows of a table, or those of a town."""
    key = list(table.primary_key.columns)
    owner = table.c.get(kept_of(table).owner) if owner_of(table) is None else None
    whose = null() if owner is None else owner
    query = select(whose, *key, *(table.c[name] for name in names)).order_by(*key)
    if tenant_id is not None:
        query = query.where(of_tenant(table, tenant_id))
    end = 1 + len(key)
    last: tuple[Any, ...] | None = None
    while True:
        page = query if last is None else query.where(tuple_(*key) > last)
        with database.read() as connection:
            found = connection.execute(page.limit(_PAGE)).all()
        for row in found:
            yield Row(tuple(row[1:end]), row[0], dict(zip(names, row[end:], strict=True)))
        if len(found) < _PAGE:
            return
        last = tuple(found[-1][1:end])


def read(
    connection: Connection, table: Table, key: tuple[Any, ...], names: Sequence[str]
) -> Mapping[str, Any] | None:
    """These columns of a row, None where it is gone; of a message also whether it is settled."""
    more = [outbox.c.settled] if table is outbox else []
    query = select(*(table.c[name] for name in names), *more).where(_is(table, key))
    found = connection.execute(query).mappings().one_or_none()
    return None if found is None else dict(found)


def write(
    connection: Connection, table: Table, key: tuple[Any, ...], values: Mapping[str, Any]
) -> None:
    connection.execute(update(table).where(_is(table, key)).values(dict(values)))


def delete_row(connection: Connection, table: Table, key: tuple[Any, ...]) -> None:
    connection.execute(delete(table).where(_is(table, key)))


def forget_recipient(connection: Connection, key: tuple[Any, ...]) -> None:
    """Delete a recipient; the audit names it no more."""
    row = connection.execute(select(recipients).where(_is(recipients, key))).one_or_none()
    if row is None:
        return
    table = audit_lines.c
    connection.execute(
        update(audit_lines)
        .where(
            table.tenant_id == row.tenant_id,
            table.kind == Kind.RECIPIENT.value,
            table.name == row.slug,
        )
        .values(name=GONE)
    )
    delete_row(connection, recipients, key)


def empty_messages(connection: Connection, recipient_id: int, limit: int) -> int:
    """Take number and text out of messages to a recipient, so many at most; how many. What still
    waits is not sent any more."""
    theirs = (outbox.c.recipient_id == recipient_id) & outbox.c.purged.is_(False)
    return empty_these(connection, select(outbox.c.id).where(theirs).limit(limit))


def empty_these(connection: Connection, some: Select[tuple[int]]) -> int:
    """Take number and text out of these messages; how many. That they were sent stays."""
    named = select(outbox.c.id, outbox.c.uuid).where(outbox.c.id.in_(some))
    found = connection.execute(named).all()
    for part in batched(found, _PAGE):
        numbers = [row.id for row in part]
        waiting = (outbox.c.id.in_(numbers)) & outbox.c.settled.is_(False)
        connection.execute(
            update(outbox).where(waiting).values(status=Status.EXPIRED.value, settled=True)
        )
        empty = {"address": "", "text": ""}
        connection.execute(
            update(outbox).where(outbox.c.id.in_(numbers)).values(purged=True, facts={}, **empty)
        )
        shown = sandbox_messages.c.uuid.in_([row.uuid for row in part])
        connection.execute(update(sandbox_messages).where(shown).values(empty))
    return len(found)


def _is(table: Table, key: tuple[Any, ...]) -> ColumnElement[bool]:
    columns = table.primary_key.columns
    return and_(*(column == value for column, value in zip(columns, key, strict=True)))
