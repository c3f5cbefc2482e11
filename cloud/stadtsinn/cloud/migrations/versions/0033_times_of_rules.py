"""When a rule may fire; a state of a rule knows when that was last over"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rules", sa.Column("active", sa.JSON(), server_default="[]", nullable=False))
    op.add_column(
        "rule_states", sa.Column("shut_at", sa.BigInteger(), server_default="0", nullable=False)
    )
