"""The SQL of recipients and of the list of messages."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.alarms.notify.recipient import Recipient, Way
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.platform.access.rows import only_row
from stadtsinn.cloud.platform.access.scope import Scope


def recipient(connection: Connection, scope: Scope, slug: str) -> Recipient:
    """A recipient of the caller's tenant; raises NotFound."""
    return _recipient(_row(connection, scope, slug))


def recipient_id(connection: Connection, scope: Scope, slug: str) -> int:
    """Raises NotFound."""
    return int(_row(connection, scope, slug).id)


def recipients_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Recipient]:
    """Recipients in the order of their slugs."""
    query = _mine(scope)
    if after is not None:
        query = query.where(recipients.c.slug > after)
    rows = connection.execute(query.order_by(recipients.c.slug).limit(limit))
    return [_recipient(row) for row in rows]


def insert_recipient(connection: Connection, scope: Scope, wanted: Recipient) -> None:
    connection.execute(insert(recipients).values(tenant_id=scope.tenant_id, **_values(wanted)))


def update_recipient(connection: Connection, scope: Scope, wanted: Recipient) -> None:
    connection.execute(
        update(recipients)
        .where(recipients.c.tenant_id == scope.tenant_id, recipients.c.slug == wanted.slug)
        .values(**_values(wanted))
    )


def _values(wanted: Recipient) -> dict[str, Any]:
    further = [dict(one) for one in wanted.channels]
    return {**dict(wanted), "language": wanted.language.value, "channels": further}


def give_up_waiting(connection: Connection, scope: Scope, slug: str, limit: int) -> int:
    """Give up what was still to be sent to a recipient, so many messages at most; how many.

    Raises NotFound.
    """
    waiting = (
        outbox.c.settled.is_(False),
        outbox.c.status == Status.READY.value,
        outbox.c.tenant_id == scope.tenant_id,
        outbox.c.recipient_id == _row(connection, scope, slug).id,
    )
    first = select(outbox.c.id).where(*waiting).order_by(outbox.c.id).limit(limit)
    return connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(first))
        .values(status=Status.EXPIRED.value, settled=True, reason="recipient deleted")
    ).rowcount


def delete_recipient(connection: Connection, scope: Scope, slug: str) -> None:
    """Raises NotFound."""
    key = _row(connection, scope, slug).id
    connection.execute(
        delete(recipients).where(recipients.c.tenant_id == scope.tenant_id, recipients.c.id == key)
    )


def _mine(scope: Scope) -> Select[Any]:
    return select(recipients).where(recipients.c.tenant_id == scope.tenant_id)


def _row(connection: Connection, scope: Scope, slug: str) -> Row[Any]:
    return only_row(connection, _mine(scope).where(recipients.c.slug == slug), "recipient", slug)


def _recipient(row: Row[Any]) -> Recipient:
    # What stands in the table was checked when it was written.
    return Recipient.model_construct(
        slug=row.slug,
        name=row.name,
        channel=row.channel,
        address=row.address,
        language=Language(row.language),
        channels=tuple(Way.model_construct(**one) for one in row.channels),
    )


def messages_page(
    connection: Connection,
    scope: Scope,
    before: int | None,
    limit: int,
    *,
    incident_id: str | None = None,
) -> list[Row[Any]]:
    """Messages of the caller's tenant, the newest first, with the recipient's name."""
    query = (
        select(outbox, recipients.c.name.label("recipient"))
        .outerjoin(recipients, recipients.c.id == outbox.c.recipient_id)
        .where(outbox.c.tenant_id == scope.tenant_id)
    )
    if before is not None:
        query = query.where(outbox.c.id < before)
    if incident_id is not None:
        query = query.where(outbox.c.incident_id == incident_id)
    return list(connection.execute(query.order_by(outbox.c.id.desc()).limit(limit)))
