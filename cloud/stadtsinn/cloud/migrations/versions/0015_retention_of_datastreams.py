"""Datastreams have a retention, and this time it is kept"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was stored before 0010 took the column away was a wish. Nobody's values go by an
    # update: who still wants it says so again.
    op.add_column("datastreams", sa.Column("retention_days", sa.Integer()))
    op.create_index("ix_datastreams_retention_days", "datastreams", ["retention_days"])
