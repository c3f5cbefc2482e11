"""Duty groups: who of them is on duty gets a rule's messages, quiet hours let them wait"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0022"
branch_labels = None
depends_on = None

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "duty_groups",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=True),
        sa.Column("quiet_hours", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_duty_groups_tenant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_groups")),
        sa.UniqueConstraint("tenant_id", "slug", name=op.f("uq_duty_groups_tenant_id_slug")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_duty_groups_tenant_id", "duty_groups", ["tenant_id"], unique=False)

    op.create_table(
        "duty_members",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("group_id", _POSITION, nullable=False),
        sa.Column("recipient_id", _POSITION, nullable=False),
        sa.Column("known_as", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["duty_groups.id"], name=op.f("fk_duty_members_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["recipients.id"],
            name=op.f("fk_duty_members_recipient_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_members")),
        sa.UniqueConstraint(
            "group_id", "recipient_id", name=op.f("uq_duty_members_group_id_recipient_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "duty_shifts",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("group_id", _POSITION, nullable=False),
        sa.Column("recipient_id", _POSITION, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["duty_groups.id"], name=op.f("fk_duty_shifts_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["recipients.id"],
            name=op.f("fk_duty_shifts_recipient_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_shifts")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_duty_shifts_group_end", "duty_shifts", ["group_id", "end"], unique=False)

    op.create_table(
        "duty_substitutions",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("group_id", _POSITION, nullable=False),
        sa.Column("absent_id", _POSITION, nullable=False),
        sa.Column("stand_in_id", _POSITION, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["absent_id"],
            ["recipients.id"],
            name=op.f("fk_duty_substitutions_absent_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["duty_groups.id"], name=op.f("fk_duty_substitutions_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["stand_in_id"],
            ["recipients.id"],
            name=op.f("fk_duty_substitutions_stand_in_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_substitutions")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "duty_weekly",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("group_id", _POSITION, nullable=False),
        sa.Column("recipient_id", _POSITION, nullable=False),
        sa.Column("days", sa.String(length=63), nullable=False),
        sa.Column("start", sa.String(length=5), nullable=False),
        sa.Column("end", sa.String(length=5), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["duty_groups.id"], name=op.f("fk_duty_weekly_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["recipients.id"],
            name=op.f("fk_duty_weekly_recipient_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_weekly")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rule_groups",
        sa.Column("rule_id", _POSITION, nullable=False),
        sa.Column("group_id", _POSITION, nullable=False),
        sa.Column("purpose", sa.String(length=9), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["duty_groups.id"],
            name=op.f("fk_rule_groups_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["rules.id"], name=op.f("fk_rule_groups_rule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rule_id", "group_id", "purpose", name=op.f("pk_rule_groups")),
    )
    op.add_column("outbox", sa.Column("group_id", _POSITION, nullable=True))
    op.add_column("outbox", sa.Column("not_before", sa.BigInteger(), nullable=True))

    op.add_column(
        "rules",
        sa.Column("severity", sa.String(length=8), server_default="critical", nullable=False),
    )
