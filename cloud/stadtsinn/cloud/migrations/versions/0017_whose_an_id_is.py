"""Claims of devices, and edges whose retained configuration is taken back with them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_claims",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("dev_eui", sa.String(length=16), nullable=False),
        sa.Column("device", sa.JSON(), nullable=False),
        sa.Column("opened_by", sa.String(length=100), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("proven_at", sa.BigInteger(), nullable=True),
        sa.Column("proof", sa.String(length=100), nullable=True),
        sa.Column("agreed_by", sa.String(length=63), nullable=True),
        sa.Column("former_owner", sa.String(length=63), nullable=True),
        sa.Column("ending", sa.String(length=32), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], ["tenants.id"], name=op.f(f"fk_device_claims_{column}")
            )
            for column in ("tenant_id", "agreed_by", "former_owner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_claims")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_device_claims_tenant_id", "device_claims", ["tenant_id"])
    op.create_index("ix_device_claims_dev_eui", "device_claims", ["dev_eui"])
    op.create_index("ix_device_claims_ending", "device_claims", ["ending", "former_owner"])
    op.create_index("ix_quarantine_device", "quarantine", ["tenant_id", "dev_eui"])
    op.create_table(
        "configured_edges",
        sa.Column("edge_id", sa.String(length=63), nullable=False),
        sa.PrimaryKeyConstraint("edge_id", name=op.f("pk_configured_edges")),
    )
    # A configuration may lie there for every edge that is registered or ever delivered.
    op.execute(
        "INSERT INTO configured_edges (edge_id) "
        "SELECT id FROM edges UNION SELECT edge_id FROM edge_streams"
    )
