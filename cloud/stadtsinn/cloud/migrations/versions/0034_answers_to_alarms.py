"""Acknowledgements, repeats and escalation, mutes, and who wants no messages in a shift"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0036"
branch_labels = None
depends_on = None

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _town(table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    key = sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{table}_tenant_id")
    return sa.Column("tenant_id", sa.String(length=63), nullable=False), key


def upgrade() -> None:
    op.add_column("rules", sa.Column("repeat_s", sa.Integer()))
    op.add_column(
        "rules", sa.Column("escalation_after_s", sa.JSON(), server_default="[]", nullable=False)
    )

    tenant_id, key = _town("alert_attention")
    op.create_table(
        "alert_attention",
        sa.Column("incident_id", sa.String(length=42), nullable=False),
        tenant_id,
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("acknowledged", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("repeated_at", sa.BigInteger()),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("stepped_at", sa.BigInteger()),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("muted", sa.Boolean(), nullable=False),
        key,
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_alert_attention")),
    )
    for column in ("tenant_id", "due_at", "muted"):
        op.create_index(f"ix_alert_attention_{column}", "alert_attention", [column])

    tenant_id, key = _town("acknowledgements")
    op.create_table(
        "acknowledgements",
        sa.Column("incident_id", sa.String(length=42), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        tenant_id,
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("via", sa.String(length=8), nullable=False),
        sa.Column("recipient_id", _POSITION),
        key,
        sa.PrimaryKeyConstraint("incident_id", "level", name=op.f("pk_acknowledgements")),
    )
    op.create_index("ix_acknowledgements_tenant_id", "acknowledgements", ["tenant_id"])

    tenant_id, key = _town("alert_mutes")
    op.create_table(
        "alert_mutes",
        sa.Column("id", _POSITION, nullable=False),
        tenant_id,
        sa.Column("of", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        key,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_mutes")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_mutes_tenant_id", "alert_mutes", ["tenant_id"])
    op.create_index("ix_alert_mutes_tenant_end", "alert_mutes", ["tenant_id", "end"])

    op.create_table(
        "duty_pauses",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("group_id", _POSITION, nullable=False),
        sa.Column("recipient_id", _POSITION, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["duty_groups.id"], name=op.f("fk_duty_pauses_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["recipients.id"],
            name=op.f("fk_duty_pauses_recipient_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_pauses")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_duty_pauses_group_end", "duty_pauses", ["group_id", "end"])
