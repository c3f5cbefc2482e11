"""Who changed what: a line for each thing that a key or the operator changed."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
from stadtsinn.cloud.platform.tenants.tables import tenant_column

audit_lines = Table(
    "audit_lines",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),
    Column("at", InstantColumn, nullable=False),
    Column("key_id", Integer),  # NULL: the operator, by a command; -1: a claim (scope.CLAIM)
    Column("action", String(16), nullable=False),  # audit.line.Action
    Column("kind", String(32), nullable=False),  # e.g. zone
    Column("name", String(200), nullable=False),  # e.g. wochenmarkt
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
    info=kept(
        "Wer was geändert hat: Nachvollziehbarkeit",
        "who changed what: accountability",
        Until.AUDIT,
        key="id tenant_id key_id",
        fact="at action kind",
        text="name detail",
    ),
)

Index("ix_audit_lines_tenant_id_at", audit_lines.c.tenant_id, audit_lines.c.at)
