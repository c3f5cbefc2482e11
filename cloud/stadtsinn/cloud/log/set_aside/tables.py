"""Uplinks that a follower could not apply; they stay in the log."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

set_aside = Table(
    "set_aside",
    metadata,
    Column("follower", String(63), primary_key=True),
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("dev_eui", String(16), nullable=False),
    Column("reason", String(100), nullable=False),  # the class of the error
    Column("detail", String(300), nullable=False),
    Column("set_aside_at", InstantColumn, nullable=False),
    Column("tenant_id", String(63)),  # NULL: noted by an older version, its uplink is archived
    info=kept(
        "Was eine Auswertung nicht verarbeiten konnte",
        "what could not be applied",
        Until.RECORD,
        key="follower position tenant_id dev_eui",
        fact="reason set_aside_at",
        text="detail",
    ),
)
