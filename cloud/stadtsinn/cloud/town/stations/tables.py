"""Stations, deployments, datastreams, and which parts of series a change concerns."""

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
    Text,
    UniqueConstraint,
)

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
from stadtsinn.cloud.platform.tenants.tables import tenant_column

stations = Table(
    "stations",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("slug", String(63), nullable=False),  # never changes: series are stored under it
    Column("name", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("kind", String(63), nullable=False),
    Column("site_id", Position, ForeignKey("sites.id")),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("position_accuracy_m", Float),
    Column("position_source", String(16)),
    Column("height_m", Float),
    Column("office", String(200), nullable=False),
    Column("remarks", Text, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    UniqueConstraint("tenant_id", "slug"),
    sqlite_autoincrement=True,
    info=kept(
        "Messstellen",
        "stations",
        Until.DELETED,
        key="id tenant_id site_id",
        name="slug",
        text="name name_en office remarks attributes tags",
        setting="kind",
        place="latitude longitude position_accuracy_m position_source height_m",
        fact="created_at",
    ),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    # No foreign key: what a device measured stays when the device is gone.
    Column("dev_eui", String(16), nullable=False, index=True),
    Column("station_id", Position, ForeignKey("stations.id"), nullable=False, index=True),
    Column("start", InstantColumn, nullable=False),  # 0: everything the device ever sent
    Column("end", InstantColumn),  # NULL: until further notice
    Column("channels", JSON(none_as_null=True)),  # NULL: all as they are
    Column("depths_cm", JSON, nullable=False),
    Column("swapped", Boolean, nullable=False),
    Column("calibration", JSON, nullable=False),
    Column("comparison", Boolean, nullable=False),
    Column("installed_by", String(200), nullable=False),
    Column("remarks", Text, nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    sqlite_autoincrement=True,
    info=kept(
        "Welcher Sensor wann wo gemessen hat, und wer ihn eingebaut hat",
        "which sensor measured where and when, and who mounted it",
        Until.DELETED,
        key="id tenant_id dev_eui station_id",
        setting="start end channels depths_cm swapped calibration comparison",
        person="installed_by",
        text="remarks",
        fact="created_at",
    ),
)

datastreams = Table(
    "datastreams",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("station_id", Position, ForeignKey("stations.id"), nullable=False),
    Column("quantity", String(63), nullable=False),
    Column("channel", String(63), nullable=False),
    Column("label", String(200), nullable=False),
    Column("first_at", InstantColumn, nullable=False),  # event time of its first value
    # NULL: as long as all of the tenant. Indexed: most datastreams have none.
    Column("retention_days", Integer, index=True),
    UniqueConstraint("station_id", "quantity", "channel"),
    sqlite_autoincrement=True,
    info=kept(
        "Welche Messreihen es gibt",
        "which series there are",
        Until.DELETED,
        key="id tenant_id station_id",
        setting="quantity channel retention_days",
        text="label",
        fact="first_at",
    ),
)

series_corrections = Table(
    "series_corrections",
    metadata,
    # The part of a station's series that a change of its deployments concerns: the follower
    # that writes series makes it anew from the log.
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("station", String(63), nullable=False),  # slug: the station may be gone by then
    Column("start", InstantColumn, nullable=False),
    Column("end", InstantColumn, nullable=False),
    Column("requested_at", InstantColumn, nullable=False),
    Column("requested_by", String(200), nullable=False),
    Column("done_at", InstantColumn),
    # When the counts of gates there were made anew; NULL: the follower that counts has to look.
    Column("counted_at", InstantColumn),
    # Until then: the zone up to which they were, in the order of ids.
    Column("counted_to", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
    info=kept(
        "Welche Teile von Messreihen neu gebildet wurden",
        "which parts of series were made anew",
        Until.RECORD,
        key="id tenant_id",
        name="station",
        fact="start end requested_at done_at counted_at counted_to",
        person="requested_by",
    ),
)

Index("ix_series_corrections_open", series_corrections.c.done_at, series_corrections.c.id)
Index("ix_series_corrections_uncounted", series_corrections.c.counted_at, series_corrections.c.id)
