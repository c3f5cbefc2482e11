"""Samples of zones keep what the permit allowed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("zone_samples", sa.Column("permitted", sa.Integer()))
    op.execute(
        "UPDATE zone_samples SET permitted = "
        "(SELECT permitted FROM zones WHERE zones.id = zone_samples.zone_id)"
    )
