"""Duty groups that get the watering list by e-mail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    nobody = '{"send": false, "when_empty": false}'
    op.add_column(
        "duty_groups",
        sa.Column("watering_list", sa.JSON(), server_default=nobody, nullable=False),
    )
    op.add_column("duty_groups", sa.Column("watering_day", sa.String(length=10), nullable=True))
