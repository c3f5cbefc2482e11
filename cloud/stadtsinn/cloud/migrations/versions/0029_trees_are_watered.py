"""Trees are watered: register, groups, days, waterings, settings"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "tree_waterings",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("tree", sa.String(length=63), nullable=False),
        sa.Column("watered_at", sa.BigInteger(), nullable=False),
        sa.Column("litres", sa.Float(), nullable=False),
        sa.Column("crew", sa.String(length=200), nullable=False),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_tree_waterings_tenant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_waterings")),
        sa.UniqueConstraint(
            "tenant_id",
            "tree",
            "watered_at",
            name=op.f("uq_tree_waterings_tenant_id_tree_watered_at"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tree_waterings_tenant_id", "tree_waterings", ["tenant_id"])
    op.create_index("ix_tree_waterings_time", "tree_waterings", ["tenant_id", "watered_at"])

    op.create_table(
        "trees",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("number", sa.String(length=63), nullable=False),
        sa.Column("species", sa.String(length=200), nullable=False),
        sa.Column("species_de", sa.String(length=200), nullable=False),
        sa.Column("planted_year", sa.Integer(), nullable=True),
        sa.Column("planted_month", sa.Integer(), nullable=True),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("soil_class", sa.String(length=8), nullable=True),
        sa.Column("exposure", sa.String(length=16), nullable=True),
        sa.Column("group_name", sa.String(length=200), nullable=True),
        sa.Column("bag_litres", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_trees_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trees")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_trees_tenant_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_trees_tenant_id", "trees", ["tenant_id"])

    op.create_table(
        "tree_groups",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("station_id", _POSITION, nullable=False),
        sa.Column("reference_tree", sa.String(length=63), nullable=False),
        sa.Column("soil_class", sa.String(length=8), nullable=False),
        sa.Column("unknown_soil", sa.Boolean(), nullable=False),
        sa.Column("exposure", sa.String(length=16), nullable=True),
        sa.Column("species", sa.String(length=200), nullable=False),
        sa.Column("standing_from", sa.Integer(), nullable=False),
        sa.Column("standing_to", sa.Integer(), nullable=True),
        sa.Column("litres", sa.Float(), nullable=True),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station_id"], ["stations.id"], name=op.f("fk_tree_groups_station_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_tree_groups_tenant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_groups")),
        sa.UniqueConstraint("tenant_id", "slug", name=op.f("uq_tree_groups_tenant_id_slug")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tree_groups_tenant_id", "tree_groups", ["tenant_id"])

    op.create_table(
        "tree_settings",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("list_at", sa.String(length=5), nullable=False),
        sa.Column("tank_litres", sa.Float(), nullable=False),
        sa.Column("depot_latitude", sa.Float(), nullable=True),
        sa.Column("depot_longitude", sa.Float(), nullable=True),
        sa.Column("rest_days", sa.Integer(), nullable=False),
        sa.Column("rain_station_id", _POSITION, nullable=True),
        sa.Column("forecast", sa.JSON(), nullable=False),
        sa.Column("forecast_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["rain_station_id"], ["stations.id"], name=op.f("fk_tree_settings_rain_station_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_tree_settings_tenant_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tree_settings")),
    )
    op.create_table(
        "tree_group_days",
        sa.Column("group_id", _POSITION, autoincrement=False, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("depths", sa.JSON(), nullable=False),
        sa.Column("rain_mm", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["tree_groups.id"],
            name=op.f("fk_tree_group_days_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "day", name=op.f("pk_tree_group_days")),
    )
