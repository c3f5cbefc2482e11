"""Followers set aside what they cannot apply, and do one uplink in parts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "set_aside",
        sa.Column("follower", sa.String(length=63), nullable=False),
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("dev_eui", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("set_aside_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("follower", "position", name=op.f("pk_set_aside")),
    )
    op.add_column(
        "follower_cursors",
        sa.Column(
            "part",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            server_default="0",
            nullable=False,
        ),
    )
