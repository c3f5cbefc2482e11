"""What belongs to a tenant: sites, devices, edges, zones and gates."""

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
from stadtsinn.cloud.platform.tenants.tables import tenant_column

sites = Table(
    "sites",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    UniqueConstraint("tenant_id", "slug"),
)

devices = Table(
    "devices",
    metadata,
    # A DevEUI is worldwide unique and a device has one owner, so it is the key.
    Column("dev_eui", String(16), primary_key=True),
    tenant_column(),
    Column("device_type", String(100), nullable=False),
    Column("name", String(200), nullable=False),
    Column("site_id", Position, ForeignKey("sites.id")),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("interval_s", Integer, nullable=False),  # expected seconds between uplinks
    Column("tags", JSON, nullable=False, default=dict),
    Column("created_at", InstantColumn, nullable=False),
)

edges = Table(
    "edges",
    metadata,
    Column("id", String(63), primary_key=True),  # = common name of its client certificate
    tenant_column(),
    Column("name", String(200), nullable=False),
    Column("created_at", InstantColumn, nullable=False),
)

zones = Table(
    "zones",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),  # German, as citizens read it
    Column("name_en", String(200), nullable=False, default=""),
    Column("site_id", Position, ForeignKey("sites.id")),
    # The permitted number of persons is an input from the permit, never computed.
    Column("permitted", Integer),
    Column("reset_at", String(5), nullable=False, default="04:00"),  # local time, area is empty
    Column("interval_s", Integer, nullable=False, default=60),
    Column("error_in", Float, nullable=False, default=0.02),  # share of persons miscounted
    Column("error_out", Float, nullable=False, default=0.02),
    Column("max_rate", Integer, nullable=False, default=120),  # persons per minute and gate
    Column("public", Boolean, nullable=False, default=False),
    UniqueConstraint("tenant_id", "slug"),
)

gates = Table(
    "gates",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("zone_id", Position, ForeignKey("zones.id"), nullable=False),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),
    Column("dev_eui", String(16), ForeignKey("devices.dev_eui"), nullable=False),
    Column("channel", String(63), nullable=False, default=""),  # reading channel, e.g. "line_1"
    Column(
        "swapped", Boolean, nullable=False, default=False
    ),  # the device was mounted back to front
    UniqueConstraint("zone_id", "slug"),
    UniqueConstraint("zone_id", "dev_eui", "channel"),
)

registry_revision = Table(
    "registry_revision",
    metadata,
    # One row, counted up with every change, so that caches see a new device at once.
    Column("id", Integer, primary_key=True),
    Column("revision", Integer, nullable=False),
)

Index("ix_devices_tenant_name", devices.c.tenant_id, devices.c.name)
