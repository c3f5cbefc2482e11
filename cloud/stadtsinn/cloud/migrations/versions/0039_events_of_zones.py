"""Zones have events and planned permits; samples say what rules judge; days that ended empty"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0034"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "zones",
        sa.Column("learn_ratio", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    for name in ("events", "planned"):
        op.add_column("zones", sa.Column(name, sa.JSON(), server_default="[]", nullable=False))
    op.add_column("zone_samples", sa.Column("judged", sa.Integer()))
    op.create_table(
        "zone_days",
        sa.Column("zone_id", _KEY, nullable=False),
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("came", sa.Integer(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["zones.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("zone_id", "since"),
    )
