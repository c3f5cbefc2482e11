"""Series belong to stations; the store is filled again from the log"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Replacements under way were of devices' series, which are rebuilt by station anyway.
    op.drop_table("series_replacements")
    op.create_table(
        "series_replacements",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "station", name=op.f("pk_series_replacements")),
    )
    with op.batch_alter_table("series_replacements", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_series_replacements_revision"), ["revision"], unique=False
        )
    # Its row is missing: whoever runs the follower 'series' rebuilds what was filled before.
    op.create_table(
        "series_filling",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("layout", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_filling")),
    )
