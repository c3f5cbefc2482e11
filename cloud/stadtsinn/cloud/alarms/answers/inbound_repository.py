"""The SQL of what people wrote to us."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, func, select, update

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.alarms.answers.repository import Writer
from stadtsinn.cloud.alarms.answers.tables import inbound_messages
from stadtsinn.cloud.platform.database.upsert import insert_ignore

_STRANGERS_KEPT = 30 * DAY
_STRANGERS_AT_ONCE = 100


def note(
    connection: Connection, *, key: str, writer: Writer | None, meant: str, now: Instant
) -> int | None:
    """Its number; None where it came before. Old ones of strangers go: nobody else deletes them."""
    row = {
        "tenant_id": writer.tenant_id if writer else None,
        "key": key,
        "received_at": now,
        "recipient_id": writer.id if writer else None,
        "meant": meant,
        "answered": False,
    }
    if not insert_ignore(connection, inbound_messages, [row]):
        return None
    table = inbound_messages.c
    old = (
        select(table.id)
        .where(table.tenant_id.is_(None), table.received_at < now - _STRANGERS_KEPT)
        .limit(_STRANGERS_AT_ONCE)
    )
    connection.execute(delete(inbound_messages).where(table.id.in_(old)))
    number: int = connection.execute(select(table.id).where(table.key == key)).scalar_one()
    return number


def mark_answered(connection: Connection, number: int) -> None:
    connection.execute(
        update(inbound_messages).where(inbound_messages.c.id == number).values(answered=True)
    )


def answered_since(
    connection: Connection, people: Collection[int], since: Instant, meant: str | None = None
) -> int:
    """How often these were answered since then."""
    table = inbound_messages.c
    query = select(func.count()).where(
        table.recipient_id.in_(people), table.received_at > since, table.answered.is_(True)
    )
    if meant is not None:
        query = query.where(table.meant == meant)
    return int(connection.execute(query).scalar_one())


def counts_since(
    connection: Connection, since: Instant, tenant_id: str | None = None
) -> Mapping[str, int]:
    """How many of each meaning came since then, of a town; None: of nobody that is known."""
    table = inbound_messages.c
    query = (
        select(table.meant, func.count().label("count"))
        .where(table.received_at > since, table.tenant_id.is_not_distinct_from(tenant_id))
        .group_by(table.meant)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
