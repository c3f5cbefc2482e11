"""Zones and their gates. The columns are documented at the fields in `model.py`."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    String,
    Table,
    UniqueConstraint,
    false,
)

from stadtsinn.cloud.platform.database.engine import Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
from stadtsinn.cloud.platform.tenants.tables import tenant_column

zones = Table(
    "zones",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("site_id", Position, ForeignKey("sites.id")),
    Column("permitted", Integer),
    Column("reset_at", String(5), nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("error_in", Float, nullable=False),
    Column("error_out", Float, nullable=False),
    Column("max_rate", Integer, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("learn_ratio", Boolean, nullable=False, server_default=false()),
    Column("events", JSON, nullable=False, server_default="[]"),
    Column("planned", JSON, nullable=False, server_default="[]"),  # of the permitted number
    UniqueConstraint("tenant_id", "slug"),
    sqlite_autoincrement=True,
    info=kept(
        "Zonen, in denen Personen gezählt werden",
        "zones in which persons are counted",
        Until.DELETED,
        key="id tenant_id site_id",
        name="slug",
        text="name name_en events",
        setting="permitted reset_at interval_s error_in error_out max_rate public learn_ratio "
        "planned",
    ),
)

gates = Table(
    "gates",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("zone_id", Position, ForeignKey("zones.id"), nullable=False),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),
    Column("station_id", Position, ForeignKey("stations.id"), nullable=False),
    Column("channel", String(63), nullable=False),
    Column("swapped", Boolean, nullable=False),
    Column("counts", String(8), nullable=False, server_default="auto"),
    UniqueConstraint("zone_id", "slug"),
    UniqueConstraint("zone_id", "station_id", "channel"),
    sqlite_autoincrement=True,
    info=kept(
        "Zugänge der Zonen",
        "gates of zones",
        Until.DELETED,
        key="id tenant_id zone_id station_id",
        name="slug",
        text="name",
        setting="channel swapped counts",
    ),
)
