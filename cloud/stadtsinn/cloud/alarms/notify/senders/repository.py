"""The SQL of the sandbox phone and of what providers' delivery reports look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, insert, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.alarms.notify.senders.provider import Answers, ReportFormat, Reports
from stadtsinn.cloud.alarms.notify.tables import (
    outbox,
    recipients,
    report_formats,
    sandbox_messages,
    sandbox_phone,
)
from stadtsinn.cloud.platform.database.upsert import insert_ignore


def take_in_sandbox(connection: Connection, message: Message, now: Instant) -> None:
    """Keep a message that the sandbox was given; the same one twice counts once."""
    row = {
        "uuid": message.uuid,
        "address": message.address,
        "text": message.text,
        "received_at": now,
    }
    insert_ignore(connection, sandbox_messages, [row])


@dataclass(frozen=True)
class PhoneMessage:
    """A message on the sandbox phone."""

    address: str
    name: str
    text: str
    received_at: Instant


def phone_messages(connection: Connection, tenant_id: str, limit: int) -> list[PhoneMessage]:
    """The newest messages of this tenant that the sandbox took, the newest first."""
    query = (
        select(sandbox_messages, recipients.c.name)
        .join(outbox, outbox.c.uuid == sandbox_messages.c.uuid)
        .outerjoin(recipients, recipients.c.id == outbox.c.recipient_id)
        .where(outbox.c.tenant_id == tenant_id, sandbox_messages.c.text != "")
        .order_by(sandbox_messages.c.id.desc())
        .limit(limit)
    )
    return [
        PhoneMessage(row.address, row.name or "", row.text, row.received_at)
        for row in connection.execute(query)
    ]


def switch_phone(connection: Connection, tenant_id: str | None, now: Instant) -> None:
    """Make the phone page exist for one tenant, or (None) not: it must not outlive the demo."""
    connection.execute(delete(sandbox_phone))
    if tenant_id is not None:
        connection.execute(insert(sandbox_phone).values(id=1, tenant_id=tenant_id, since=now))


def phone_owner(connection: Connection) -> str | None:
    """The tenant whose messages the phone page shows; None where there is no page."""
    return connection.scalar(select(sandbox_phone.c.tenant_id))


def publish_report_formats(connection: Connection, formats: Sequence[ReportFormat]) -> None:
    """Make these the providers whose delivery reports the API takes."""
    connection.execute(delete(report_formats))
    for known in formats:
        connection.execute(
            insert(report_formats).values(
                provider=known.provider,
                format=msgspec.json.encode(known.reports).decode(),
                token_digest=known.token_digest,
                answers=msgspec.json.encode(known.answers).decode() if known.answers else None,
            )
        )


def report_format(connection: Connection, provider: str) -> ReportFormat | None:
    row = connection.execute(
        select(report_formats).where(report_formats.c.provider == provider)
    ).one_or_none()
    if row is None:
        return None
    reports = msgspec.json.decode(row.format, type=Reports)
    answers = msgspec.json.decode(row.answers, type=Answers) if row.answers else None
    return ReportFormat(row.provider, reports, row.token_digest, answers)
