"""The uplink log. `position` counts up in the order of commits: followers read by it."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from stadtsinn.cloud.database.engine import InstantColumn, Position, metadata

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
    Column("source", String(100), nullable=False),  # "edge:<edge id>" or "chirpstack:<name>"
    Column("deduplication_id", String(64), nullable=False),
    Column("device_type", String(100)),
    Column("outcome", LargeBinary, nullable=False),  # MessagePack of decoders' Outcome
    Column("radio", LargeBinary, nullable=False),  # MessagePack of log.uplink.Radio
    UniqueConstraint("dev_eui", "dev_addr", "f_cnt", "generation"),
)

Index("ix_uplinks_device_time", uplinks.c.tenant_id, uplinks.c.dev_eui, uplinks.c.event_time)
