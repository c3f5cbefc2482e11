"""Gates say what their counters count; what was estimated for lost counts has a variance"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "gates",
        sa.Column("counts", sa.String(length=8), server_default="auto", nullable=False),
    )
    op.add_column(
        "gate_counts",
        sa.Column(
            "variance",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            server_default="0",
            nullable=False,
        ),
    )
