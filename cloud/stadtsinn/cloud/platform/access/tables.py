"""API keys. A token is shown once and never stored; the table keeps its digest."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, UniqueConstraint

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
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
    info=kept(
        "Zugänge zur API und ihre Inhaber",
        "keys of the API and their holders",
        Until.DELETED,
        key="id tenant_id prefix",
        person="name",
        setting="role",
        digest="digest",
        fact="created_at revoked_at last_used_at",
    ),
)
