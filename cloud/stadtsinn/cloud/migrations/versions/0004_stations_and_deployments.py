"""Stations and deployments"""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

from stadtsinn.cloud.town.stations.slugs import free_slug, slug_of
from stadtsinn.decoders.catalogue import catalogue

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tables()
    _give_every_device_a_station(op.get_bind())


def _create_tables() -> None:
    op.create_table(
        "series_corrections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_series_corrections_tenant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_corrections")),
    )
    with op.batch_alter_table("series_corrections", schema=None) as batch_op:
        batch_op.create_index("ix_series_corrections_open", ["done_at", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_series_corrections_tenant_id"), ["tenant_id"], unique=False
        )

    op.create_table(
        "stations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=63), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("position_accuracy_m", sa.Float(), nullable=True),
        sa.Column("position_source", sa.String(length=16), nullable=True),
        sa.Column("height_m", sa.Float(), nullable=True),
        sa.Column("office", sa.String(length=200), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_stations_site_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_stations_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stations")),
        sa.UniqueConstraint("tenant_id", "slug", name=op.f("uq_stations_tenant_id_slug")),
    )
    with op.batch_alter_table("stations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stations_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "datastreams",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column(
            "station_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("quantity", sa.String(length=63), nullable=False),
        sa.Column("channel", sa.String(length=63), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station_id"], ["stations.id"], name=op.f("fk_datastreams_station_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_datastreams_tenant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datastreams")),
        sa.UniqueConstraint(
            "station_id",
            "quantity",
            "channel",
            name=op.f("uq_datastreams_station_id_quantity_channel"),
        ),
    )
    with op.batch_alter_table("datastreams", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_datastreams_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "deployments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("dev_eui", sa.String(length=16), nullable=False),
        sa.Column(
            "station_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=True),
        sa.Column("channels", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("depths_cm", sa.JSON(), nullable=False),
        sa.Column("swapped", sa.Boolean(), nullable=False),
        sa.Column("calibration", sa.JSON(), nullable=False),
        sa.Column("comparison", sa.Boolean(), nullable=False),
        sa.Column("installed_by", sa.String(length=200), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station_id"], ["stations.id"], name=op.f("fk_deployments_station_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_deployments_tenant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
    )
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deployments_dev_eui"), ["dev_eui"], unique=False)
        batch_op.create_index(batch_op.f("ix_deployments_station_id"), ["station_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deployments_tenant_id"), ["tenant_id"], unique=False)


_KINDS = {"people": "gate", "parking": "parking_space", "weather": "weather", "soil": "soil"}


def _give_every_device_a_station(connection: sa.Connection) -> None:
    """Each device measured from its beginning at a station of its own, of the same name."""
    devices = sa.table(
        "devices",
        *(
            sa.column(name)
            for name in ("dev_eui", "tenant_id", "device_type", "name", "site_id", "created_at")
        ),
        sa.column("latitude"),
        sa.column("longitude"),
    )
    stations = sa.table(
        "stations",
        *(sa.column(name) for name in _STATION_COLUMNS),
        sa.column("attributes", sa.JSON),
        sa.column("tags", sa.JSON),
    )
    deployments = sa.table(
        "deployments",
        *(sa.column(name) for name in _DEPLOYMENT_COLUMNS),
        sa.column("channels", sa.JSON(none_as_null=True)),
        sa.column("depths_cm", sa.JSON),
        sa.column("calibration", sa.JSON),
    )
    taken: dict[str, set[str]] = defaultdict(set)
    for device in connection.execute(sa.select(devices).order_by(devices.c.dev_eui)).all():
        slug = free_slug(
            slug_of(device.name, device.dev_eui),
            device.dev_eui[-6:],
            taken[device.tenant_id].__contains__,
        )
        taken[device.tenant_id].add(slug)
        station = {
            "tenant_id": device.tenant_id,
            "slug": slug,
            "name": device.name,
            "name_en": "",
            "kind": _kind(device.device_type),
            "site_id": device.site_id,
            "latitude": device.latitude,
            "longitude": device.longitude,
            "office": "",
            "remarks": "",
            "attributes": {},
            "tags": [],
            "created_at": device.created_at,
        }
        inserted = connection.execute(sa.insert(stations).values(station).returning(stations.c.id))
        deployment = {
            "tenant_id": device.tenant_id,
            "dev_eui": device.dev_eui,
            "station_id": inserted.scalar_one(),
            "start": 0,
            "end": None,
            "channels": None,
            "depths_cm": {},
            "swapped": False,
            "calibration": {},
            "comparison": False,
            "installed_by": "",
            "remarks": "",
            "created_at": device.created_at,
        }
        connection.execute(sa.insert(deployments).values(deployment))


_STATION_COLUMNS = (
    *("id", "tenant_id", "slug", "name", "name_en", "kind", "site_id", "latitude", "longitude"),
    *("office", "remarks", "created_at"),
)
_DEPLOYMENT_COLUMNS = (
    *("tenant_id", "dev_eui", "station_id", "start", "end", "swapped", "comparison"),
    *("installed_by", "remarks", "created_at"),
)


def _kind(device_type: str) -> str:
    known = catalogue().find(device_type)
    return _KINDS.get(known.family, "other") if known else "other"
