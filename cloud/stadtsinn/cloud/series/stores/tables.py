"""Stations whose part of a series is being replaced in a store without transactions."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

series_replacements = Table(
    "series_replacements",
    metadata,
    Column("tenant_id", String(63), primary_key=True),
    Column("station", String(63), primary_key=True),
    Column("start", InstantColumn, nullable=False),
    Column("end", InstantColumn, nullable=False),
    Column("phase", String(16), nullable=False),  # series.replacing.Phase
    # Counts up with every change of any row: who reads sees that it has to look again.
    Column("revision", Position, nullable=False, index=True),
    info=kept(
        "Welcher Teil einer Messreihe gerade ersetzt wird",
        "which part of a series is being replaced",
        Until.RUNNING,
        key="tenant_id",
        name="station",
        fact="start end phase revision",
    ),
)
