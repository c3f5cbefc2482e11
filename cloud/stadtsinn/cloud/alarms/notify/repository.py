"""The SQL behind recipients, the list of messages, and the sandbox phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.alarms.notify.message import Recipient, Status
from stadtsinn.cloud.alarms.notify.tables import (
    outbox,
    recipients,
    report_formats,
    sandbox_messages,
)
from stadtsinn.cloud.platform.access.scope import Scope


def _recipient(row: Row[Any]) -> Recipient:
    return Recipient(row.id, row.slug, row.name, row.channel, row.address)


def recipient(connection: Connection, scope: Scope, slug: str) -> Recipient:
    """A recipient of the caller's tenant; raises NotFound."""
    row = connection.execute(
        select(recipients).where(
            recipients.c.tenant_id == scope.tenant_id, recipients.c.slug == slug
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no recipient '{slug}'.")
    return _recipient(row)


def recipients_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Recipient]:
    """Recipients in the order of their slugs."""
    query = select(recipients).where(recipients.c.tenant_id == scope.tenant_id)
    if after is not None:
        query = query.where(recipients.c.slug > after)
    rows = connection.execute(query.order_by(recipients.c.slug).limit(limit))
    return [_recipient(row) for row in rows]


def insert_recipient(connection: Connection, scope: Scope, values: dict[str, Any]) -> None:
    connection.execute(insert(recipients).values(tenant_id=scope.tenant_id, **values))


def update_recipient(connection: Connection, scope: Scope, values: dict[str, Any]) -> None:
    connection.execute(
        update(recipients)
        .where(recipients.c.tenant_id == scope.tenant_id, recipients.c.slug == values["slug"])
        .values(**values)
    )


def delete_recipient(connection: Connection, scope: Scope, known: Recipient) -> None:
    """Forget a recipient, and what was still to be sent to them."""
    mine = outbox.c.tenant_id == scope.tenant_id, outbox.c.recipient_id == known.id
    connection.execute(
        update(outbox)
        .where(*mine, outbox.c.settled.is_(False), outbox.c.status == Status.READY.value)
        .values(status=Status.EXPIRED.value, settled=True, reason="recipient deleted")
    )
    connection.execute(
        delete(recipients).where(
            recipients.c.tenant_id == scope.tenant_id, recipients.c.id == known.id
        )
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


@dataclass(frozen=True)
class PhoneMessage:
    """A message on the sandbox phone."""

    address: str
    name: str
    text: str
    received_at: Instant


def phone_messages(connection: Connection, limit: int) -> list[PhoneMessage]:
    """The newest messages that the sandbox took, the newest first."""
    query = (
        select(sandbox_messages, recipients.c.name)
        .outerjoin(outbox, outbox.c.uuid == sandbox_messages.c.uuid)
        .outerjoin(recipients, recipients.c.id == outbox.c.recipient_id)
        .where(sandbox_messages.c.text != "")
        .order_by(sandbox_messages.c.id.desc())
        .limit(limit)
    )
    return [
        PhoneMessage(row.address, row.name or "", row.text, row.received_at)
        for row in connection.execute(query)
    ]


def report_format(connection: Connection, provider: str) -> tuple[str, str | None] | None:
    """A provider's report format as JSON, and the digest of its token for all messages."""
    row = connection.execute(
        select(report_formats).where(report_formats.c.provider == provider)
    ).one_or_none()
    return (row.format, row.token_digest) if row else None
