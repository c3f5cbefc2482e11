"""Runs that decoded history again, and the devices of each that are not done yet."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, String, Table

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

redecodings = Table(
    "redecodings",
    metadata,
    Column("id", Position, primary_key=True, autoincrement=True),
    Column("tenant_id", String(63)),  # NULL: every town's
    Column("started_by", String(200), nullable=False),
    Column("started_at", InstantColumn, nullable=False),
    Column("finished_at", InstantColumn),  # NULL: under way, or killed and to be continued
    Column("range_start", InstantColumn, nullable=False),
    Column("range_end", InstantColumn, nullable=False),
    Column("devices", JSON, nullable=False),  # as chosen: DevEUIs and device types; empty: all
    # Uplinks behind it had not reached the series store yet and were left alone.
    Column("last_position", Position, nullable=False),
    Column("decoders", JSON, nullable=False),  # [{"old": …, "new": …, "uplinks": n}]
    sqlite_autoincrement=True,
    info=kept(
        "Wann Vergangenes neu dekodiert wurde",
        "when history was decoded again",
        Until.RECORD,
        key="id tenant_id devices last_position",
        person="started_by",
        fact="started_at finished_at range_start range_end decoders",
    ),
)

redecoding_devices = Table(
    "redecoding_devices",
    metadata,
    Column(
        "redecoding",
        Position,
        ForeignKey(redecodings.c.id, ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("tenant_id", String(63), primary_key=True),
    Column("dev_eui", String(16), primary_key=True),
    # The part of its series that changes; NULL where no value does.
    Column("series_start", InstantColumn),
    Column("series_end", InstantColumn),
    # Its values can be older than their frame: later uplinks may hold values of that part, too.
    Column("delayed", Boolean, nullable=False),
    Column("done_at", InstantColumn),
    info=kept(
        "Welche Sensoren das betraf",
        "which sensors that concerned",
        Until.RECORD,
        key="redecoding tenant_id dev_eui",
        fact="series_start series_end delayed done_at",
    ),
)

Index("ix_redecodings_unfinished", redecodings.c.finished_at)
