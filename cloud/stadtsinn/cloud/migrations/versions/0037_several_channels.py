"""A recipient has several channels; an alarm that does not arrive goes to the next in line"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "recipients", sa.Column("channels", sa.JSON(), server_default="[]", nullable=False)
    )
    op.add_column(
        "outbox", sa.Column("watched", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_index("ix_outbox_watched", "outbox", ["watched", "expires_at"])
