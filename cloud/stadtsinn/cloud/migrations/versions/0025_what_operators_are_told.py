"""What edge agents say of themselves is kept, and what operators were told"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "edge_states",
        sa.Column("edge_id", sa.String(length=63), nullable=False),
        sa.Column("status", sa.LargeBinary(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("offline_at", sa.BigInteger(), nullable=True),
        sa.Column("offline_reason", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("edge_id", name=op.f("pk_edge_states")),
    )
    op.create_table(
        "operator_alarms",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_operator_alarms")),
    )
    op.create_table(
        "disk_samples",
        sa.Column("place", sa.String(length=300), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", "at", name=op.f("pk_disk_samples")),
    )
