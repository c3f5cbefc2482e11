"""A follower that is overtaken by changes of the registry asks for a quiet moment"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("quiet_until", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("registry_revision", column)
