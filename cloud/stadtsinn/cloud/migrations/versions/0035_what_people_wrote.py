"""That people answered; how a provider words what they wrote"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0039"
branch_labels = None
depends_on = None

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("report_formats", sa.Column("answers", sa.Text()))
    op.create_table(
        "inbound_messages",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("tenant_id", sa.String(length=63)),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("recipient_id", _POSITION),
        sa.Column("meant", sa.String(length=12), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_inbound_messages_tenant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_messages")),
        sa.UniqueConstraint("key", name=op.f("uq_inbound_messages_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbound_messages_tenant_id", "inbound_messages", ["tenant_id"])
    op.create_index(
        "ix_inbound_messages_recipient", "inbound_messages", ["recipient_id", "received_at"]
    )
    op.create_table(
        "pulses",
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_pulses")),
    )
    weekly = '{"enabled": true, "day": "mon", "time": "10:00"}'
    op.add_column(
        "duty_groups",
        sa.Column("test_message", sa.JSON(), server_default=weekly, nullable=False),
    )
