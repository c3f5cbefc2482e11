"""What watering keeps: the register of trees, their groups, verdicts, waterings, settings."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
from stadtsinn.cloud.platform.tenants.tables import tenant_column

trees = Table(
    "trees",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("number", String(63), nullable=False),
    Column("species", String(200), nullable=False),
    Column("species_de", String(200), nullable=False),
    Column("planted_year", Integer),
    Column("planted_month", Integer),
    Column("street", String(200), nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("soil_class", String(8)),
    Column("exposure", String(16)),
    # The name that the register says; a group of that name may be made later.
    Column("group_name", String(200)),
    Column("bag_litres", Float),
    UniqueConstraint("tenant_id", "number"),
    sqlite_autoincrement=True,
    info=kept(
        "Das Baumkataster, soweit das Gießen es braucht",
        "the register of trees, as far as watering needs it",
        Until.DELETED,
        key="id tenant_id",
        name="number",
        text="species species_de street group_name",
        place="latitude longitude",
        setting="planted_year planted_month soil_class exposure bag_litres",
    ),
)

tree_groups = Table(
    "tree_groups",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),
    Column("station_id", Position, ForeignKey("stations.id"), nullable=False),
    Column("reference_tree", String(63), nullable=False),
    Column("soil_class", String(8), nullable=False),
    Column("unknown_soil", Boolean, nullable=False),
    Column("exposure", String(16)),
    Column("species", String(200), nullable=False),
    Column("standing_from", Integer, nullable=False),
    Column("standing_to", Integer),
    Column("litres", Float),
    Column("thresholds", JSON, nullable=False),
    UniqueConstraint("tenant_id", "slug"),
    sqlite_autoincrement=True,
    info=kept(
        "Gruppen gleicher Bäume, und die Messstelle, die für jede steht",
        "groups of like trees, and the station that stands for each",
        Until.DELETED,
        key="id tenant_id station_id",
        name="slug reference_tree",
        text="name species",
        setting="soil_class unknown_soil exposure standing_from standing_to litres thresholds",
    ),
)

tree_group_days = Table(
    "tree_group_days",
    metadata,
    Column(
        "group_id",
        Position,
        ForeignKey("tree_groups.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("day", String(10), primary_key=True),  # 2026-07-15, of Berlin
    Column("judged_at", InstantColumn, nullable=False),
    Column("level", String(8), nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("decided_by", Integer),  # which of the depths; NULL: none
    Column("depths", JSON, nullable=False),
    Column("rain_mm", Float),  # of seven days; NULL: nobody measures it
    info=kept(
        "Wie trocken jede Baumgruppe an jedem Tag war",
        "how dry each group of trees was on each day",
        Until.RECORD,
        owner="group_id",
        key="group_id",
        fact="day judged_at level kept decided_by",
        measured="depths rain_mm",
    ),
)

tree_waterings = Table(
    "tree_waterings",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    # No foreign key: who was watered stays on record when the tree is gone.
    Column("tree", String(63), nullable=False),
    Column("watered_at", InstantColumn, nullable=False),
    Column("litres", Float, nullable=False),
    Column("crew", String(200), nullable=False),
    Column("remark", String(500), nullable=False),
    Column("entered_at", InstantColumn, nullable=False),
    UniqueConstraint("tenant_id", "tree", "watered_at"),
    sqlite_autoincrement=True,
    info=kept(
        "Wann welcher Baum gegossen wurde, womit und von wem",
        "when which tree was watered, with how much and by whom",
        Until.RECORD,
        key="id tenant_id",
        name="tree",
        fact="watered_at entered_at",
        measured="litres",
        person="crew",
        text="remark",
    ),
)
Index("ix_tree_waterings_time", tree_waterings.c.tenant_id, tree_waterings.c.watered_at)

tree_settings = Table(
    "tree_settings",
    metadata,
    Column("tenant_id", String(63), ForeignKey("tenants.id"), primary_key=True),
    Column("list_at", String(5), nullable=False),
    Column("tank_litres", Float, nullable=False),
    Column("depot_latitude", Float),
    Column("depot_longitude", Float),
    Column("rest_days", Integer, nullable=False),
    Column("rain_station_id", Position, ForeignKey("stations.id")),
    # Hourly rain as a forecast has it, and when it was brought.
    Column("forecast", JSON, nullable=False),
    Column("forecast_at", InstantColumn),
    info=kept(
        "Wann die Gießliste entsteht, Tank und Betriebshof, Regenvorhersage",
        "when the watering list is made, tank and depot, forecast of rain",
        Until.DELETED,
        key="tenant_id rain_station_id",
        setting="list_at tank_litres rest_days forecast",
        place="depot_latitude depot_longitude",
        fact="forecast_at",
    ),
)
