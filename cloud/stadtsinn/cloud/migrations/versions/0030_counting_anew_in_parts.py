"""Zones are counted anew a few at a time: up to which one is on record"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("counted_to", sa.Integer, nullable=False, server_default="0")
    op.add_column("series_corrections", column)
