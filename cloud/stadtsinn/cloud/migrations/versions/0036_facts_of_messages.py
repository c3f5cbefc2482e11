"""The outbox keeps what happened; a channel words it when it sends; old texts stay"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("facts", sa.JSON(), server_default="{}", nullable=False))
