"""API keys. A token is shown once and never stored; the table keeps its digest."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, UniqueConstraint

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.tenants.tables import tenant_column

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("name", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    # The readable part of the token: the row is found by it, and people recognise the key by it.
    Column("prefix", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    Column("revoked_at", InstantColumn),
    Column("last_used_at", InstantColumn),
    UniqueConstraint("prefix"),
    sqlite_autoincrement=True,
)
