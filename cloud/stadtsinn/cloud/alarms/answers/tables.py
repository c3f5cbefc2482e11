"""What people wrote to us: that they did, not what."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

inbound_messages = Table(
    "inbound_messages",
    metadata,
    Column("id", Position, primary_key=True),
    # NULL: of a number that no town knows.
    Column("tenant_id", String(63), ForeignKey("tenants.id"), index=True),
    # What its channel calls it, as a digest: the same message twice is one.
    Column("key", String(64), nullable=False, unique=True),
    Column("received_at", InstantColumn, nullable=False),  # by the clock of the measurements
    Column("recipient_id", Position),
    Column("meant", String(12), nullable=False),  # "acknowledge", "stop", "unclear", "unknown"
    Column("answered", Boolean, nullable=False),
    sqlite_autoincrement=True,  # an id is never used again: answers are named after it
    info=kept(
        "Dass jemand geantwortet hat; weder Nummer noch Text",
        "that somebody answered; neither number nor text",
        Until.OUTBOX,
        key="id tenant_id recipient_id",
        fact="received_at meant answered",
        digest="key",
    ),
)

Index(
    "ix_inbound_messages_recipient", inbound_messages.c.recipient_id, inbound_messages.c.received_at
)
