"""Samples of zones keep what the permit allowed; devices keep their former owners"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("zone_samples", sa.Column("permitted", sa.Integer()))
    op.create_table(
        "former_owners",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dev_eui", sa.String(length=16), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_former_owners_tenant_id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_former_owners_tenant_id", "former_owners", ["tenant_id"])
    op.create_index("ix_former_owners_dev_eui", "former_owners", ["dev_eui"])
    op.execute(
        "UPDATE zone_samples SET permitted = "
        "(SELECT permitted FROM zones WHERE zones.id = zone_samples.zone_id)"
    )
