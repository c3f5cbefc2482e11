"""What belongs to a tenant: sites, devices and edge agents."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
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
    sqlite_autoincrement=True,
    info=kept(
        "Orte: Plätze, Parks, Gebäude",
        "places: squares, parks, buildings",
        Until.DELETED,
        key="id tenant_id",
        name="slug",
        text="name",
        place="latitude longitude",
    ),
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
    Column("tags", JSON, nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    info=kept(
        "Sensoren der Stadt",
        "the town's sensors",
        Until.DELETED,
        key="dev_eui tenant_id site_id",
        text="name tags",
        setting="device_type interval_s",
        place="latitude longitude",
        fact="created_at",
    ),
)

former_owners = Table(
    "former_owners",
    metadata,
    # Who had a device from when to when (event time), since it was handed over or deleted.
    Column("id", Position, primary_key=True),
    Column("dev_eui", String(16), nullable=False, index=True),
    # NULL: a town that has erased it, or was. What was measured then is nobody's.
    Column("tenant_id", String(63), ForeignKey("tenants.id"), index=True),
    Column("since", InstantColumn, nullable=False),
    Column("until", InstantColumn, nullable=False),
    sqlite_autoincrement=True,
    info=kept(
        "Welche Stadt einen Sensor früher hatte; NULL: sie hat ihn gelöscht",
        "which town had a sensor before; NULL: it has erased it",
        Until.RECORD,
        key="id dev_eui tenant_id",
        fact="since until",
    ),
)

edges = Table(
    "edges",
    metadata,
    Column("id", String(63), primary_key=True),  # = common name of its client certificate
    tenant_column(),
    Column("name", String(200), nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    info=kept(
        "Edge-Agenten der Stadt",
        "the town's edge agents",
        Until.DELETED,
        key="tenant_id",
        name="id",
        text="name",
        fact="created_at",
    ),
)

registry_revision = Table(
    "registry_revision",
    metadata,
    # One row, counted up with every change, so that caches see a new device within 0.2 s.
    Column("id", Integer, primary_key=True),
    Column("revision", Integer, nullable=False),
    # Up to when changes wait for a follower that reads it; mostly past.
    Column("quiet_until", InstantColumn, nullable=False, server_default="0"),
    info=kept(
        "Zählt Änderungen des Verzeichnisses",
        "counts changes of the registry",
        Until.RUNNING,
        owner="",
        key="id",
        fact="revision quiet_until",
    ),
)

Index("ix_devices_tenant_name", devices.c.tenant_id, devices.c.name)
