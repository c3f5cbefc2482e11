"""Quarantine says which network server's format an event is in"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite's table is copied, so that its text is what the tables would make; PostgreSQL's is
    # not: a copy would count its ids from 1 again.
    copied: Literal["always", "never"] = (
        "always" if op.get_bind().dialect.name == "sqlite" else "never"
    )
    with op.batch_alter_table("quarantine", recreate=copied) as batch_op:
        batch_op.add_column(sa.Column("format", sa.String(length=32), nullable=True))
    # Until now every event came from a ChirpStack.
    op.execute("UPDATE quarantine SET format = 'chirpstack' WHERE kind = 'event'")
