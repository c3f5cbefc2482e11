"""What a tenant may have instead of the installation's limits."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from stadtsinn.cloud.platform.database.engine import metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

tenant_limits = Table(
    "tenant_limits",
    metadata,
    Column("tenant_id", String(63), ForeignKey("tenants.id"), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("value", Integer, nullable=False),
    info=kept(
        "Was eine Stadt höchstens haben darf",
        "what a town may have at most",
        Until.DELETED,
        key="tenant_id",
        setting="name value",
    ),
)
