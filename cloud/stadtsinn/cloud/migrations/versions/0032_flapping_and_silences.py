"""A state of a rule knows its latest openings and when silence was told; alarms without a value"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "rule_states", sa.Column("openings", sa.JSON(), server_default="[]", nullable=False)
    )
    op.add_column(
        "rule_states",
        sa.Column("flapping", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("rule_states", sa.Column("silence_told", sa.BigInteger()))
    # Of an alarm that no value ever came there is none.
    for table in ("incidents", "former_incidents"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column("opening_value", existing_type=sa.Float(), nullable=True)
