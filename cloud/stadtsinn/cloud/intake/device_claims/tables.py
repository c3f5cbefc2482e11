"""Claims of devices that another town may have."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept
from stadtsinn.cloud.platform.tenants.tables import tenant_column

device_claims = Table(
    "device_claims",
    metadata,
    Column("id", Position, primary_key=True),
    tenant_column(),  # who claims
    Column("dev_eui", String(16), nullable=False),
    Column("device", JSON, nullable=False),  # ClaimBody
    Column("opened_by", String(100), nullable=False),
    Column("opened_at", InstantColumn, nullable=False),
    Column("ends_at", InstantColumn, nullable=False),
    # When and through which source the claimant was first seen to hear the device.
    Column("proven_at", InstantColumn),
    Column("proof", String(100)),
    # The owner that consented; it counts only while it is still the owner.
    Column("agreed_by", String(63), ForeignKey("tenants.id")),
    # The owner at the end of the claim.
    Column("former_owner", String(63), ForeignKey("tenants.id")),
    Column("ending", String(32)),  # NULL while it waits
    Column("settled_at", InstantColumn),
    sqlite_autoincrement=True,
    info=kept(
        "Ansprüche auf Sensoren, die eine andere Stadt hat",
        "claims of sensors that another town has",
        Until.RECORD,
        key="id tenant_id dev_eui agreed_by former_owner",
        text="device",
        person="opened_by",
        fact="opened_at ends_at proven_at ending settled_at",
        name="proof",
    ),
)

Index("ix_device_claims_dev_eui", device_claims.c.dev_eui)
Index("ix_device_claims_ending", device_claims.c.ending, device_claims.c.former_owner)
