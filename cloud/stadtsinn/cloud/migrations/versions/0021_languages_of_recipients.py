"""Recipients have a language, and messages keep the one they were written in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("recipients", "outbox"):
        language = sa.Column("language", sa.String(length=2), server_default="de", nullable=False)
        op.add_column(table, language)
