"""The uplink log. `position` counts up in the order of commits: followers read by it."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

uplinks = Table(
    "uplinks",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=True),
    Column("tenant_id", String(63), nullable=False),
    Column("dev_eui", String(16), nullable=False),
    Column("dev_addr", String(8), nullable=False),
    # How many other frames carried this counter in this session before: a device that
    # restarts its counters begins a new generation.
    Column("generation", Integer, nullable=False),
    Column("f_cnt", Position, nullable=False),
    Column("f_port", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("event_time", InstantColumn, nullable=False),
    Column("time_source", String(16), nullable=False),
    Column("received_at", InstantColumn, nullable=False),
    Column("committed_at", InstantColumn, nullable=False),
    Column("source", String(100), nullable=False),  # "edge:<edge id>" or "<format>:<server>"
    Column("deduplication_id", String(64), nullable=False),
    Column("device_type", String(100)),
    Column("outcome", LargeBinary, nullable=False),  # MessagePack of decoders' Outcome
    Column("radio", LargeBinary, nullable=False),  # MessagePack of log.uplink.Radio
    UniqueConstraint("dev_eui", "dev_addr", "f_cnt", "generation"),
    info=kept(
        "Was Sensoren gesendet haben, unverändert",
        "what sensors sent, as it came",
        Until.LOG,
        key="position tenant_id dev_eui dev_addr generation f_cnt f_port deduplication_id",
        measured="payload event_time time_source received_at committed_at outcome radio",
        name="source",
        setting="device_type",
    ),
)

Index("ix_uplinks_device_time", uplinks.c.tenant_id, uplinks.c.dev_eui, uplinks.c.event_time)

archived_days = Table(
    "archived_days",
    metadata,
    # The first instant of a day in UTC whose uplinks lie in a Parquet file. Uplinks of that day
    # that came later stand in `uplinks` until the next archive run.
    Column("day", InstantColumn, primary_key=True, autoincrement=False),
    Column("file", String(200), nullable=False),  # below the archive's folder
    Column("uplinks", Position, nullable=False),
    Column("first_position", Position, nullable=False),
    Column("last_position", Position, nullable=False, index=True),
    Column("archived_at", InstantColumn, nullable=False),
    info=kept(
        "Welcher Tag in welcher Archivdatei liegt",
        "which day lies in which file of the archive",
        Until.RUNNING,
        owner="",
        key="day file",
        fact="uplinks first_position last_position archived_at",
    ),
)

archived_sessions = Table(
    "archived_sessions",
    metadata,
    # Which counters of which session a day's file holds: a resend of an old frame is looked for
    # in the file that may hold it, and in no other.
    Column(
        "day",
        InstantColumn,
        ForeignKey(archived_days.c.day, ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("dev_eui", String(16), primary_key=True),
    Column("dev_addr", String(8), primary_key=True),
    Column("f_cnt_low", Position, nullable=False),
    Column("f_cnt_high", Position, nullable=False),
    info=kept(
        "Welche Zählerstände ein Archivtag enthält",
        "which counters a day of the archive holds",
        Until.ARCHIVE,
        owner="",
        key="day dev_eui dev_addr f_cnt_low f_cnt_high",
    ),
)

# A counter mostly grows: above all that were archived it is found absent in one step.
Index(
    "ix_archived_sessions_counter",
    archived_sessions.c.dev_eui,
    archived_sessions.c.dev_addr,
    archived_sessions.c.f_cnt_high,
)

log_revision = Table(
    "log_revision",
    metadata,
    # One row, counted up when outcomes of logged uplinks change: what was read before is old.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Position, nullable=False),
    info=kept(
        "Zählt Änderungen des Logs",
        "counts changes of the log",
        Until.RUNNING,
        owner="",
        key="id",
        fact="number",
    ),
)
