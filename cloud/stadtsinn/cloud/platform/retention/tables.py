"""What a tenant has set itself of how long its data are kept."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from stadtsinn.cloud.platform.database.engine import metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

tenant_retention = Table(
    "tenant_retention",
    metadata,
    Column("tenant_id", String(63), ForeignKey("tenants.id"), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("days", Integer),  # NULL: for ever
    info=kept(
        "Wie lange Daten einer Stadt aufbewahrt werden",
        "how long a town's data are kept",
        Until.DELETED,
        key="tenant_id",
        setting="name days",
    ),
)
