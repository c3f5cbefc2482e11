"""Towns are erased, and say how long their data are kept"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenants", sa.Column("erasing_since", sa.BigInteger(), nullable=True))
    op.create_table(
        "tenant_retention",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_retention_tenant_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_tenant_retention")),
    )
    kwargs = {"sqlite_autoincrement": True}
    with op.batch_alter_table("former_owners", table_kwargs=kwargs) as batch:
        batch.alter_column("tenant_id", existing_type=sa.String(length=63), nullable=True)
    op.add_column("set_aside", sa.Column("tenant_id", sa.String(length=63), nullable=True))
    op.execute(
        "UPDATE set_aside SET tenant_id = "
        "(SELECT tenant_id FROM uplinks WHERE uplinks.position = set_aside.position)"
    )
