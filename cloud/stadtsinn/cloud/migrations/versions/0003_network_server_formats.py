"""Quarantine says which network server's format an event is in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("quarantine", recreate="always") as batch_op:
        batch_op.add_column(sa.Column("format", sa.String(length=32), nullable=True))
    # Until now every event came from a ChirpStack.
    op.execute("UPDATE quarantine SET format = 'chirpstack' WHERE kind = 'event'")
