"""What a rebuild cannot make again is on record: what was told, resets, permits"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0025"
branch_labels = None
depends_on = None

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_PERMITS = """
INSERT INTO zone_permits (zone_id, since, permitted)
SELECT zone_id, event_time, permitted FROM (
    SELECT zone_id, event_time, permitted,
        LAG(permitted) OVER (PARTITION BY zone_id ORDER BY event_time) AS former,
        ROW_NUMBER() OVER (PARTITION BY zone_id ORDER BY event_time) AS number
    FROM zone_samples WHERE position IN (
        SELECT MAX(position) FROM zone_samples GROUP BY zone_id, event_time
    )
) AS moments
WHERE number = 1 OR COALESCE(permitted, -1) <> COALESCE(former, -1)
"""
"""What the samples of the last days say of it."""

_SILENCES = (
    """
UPDATE outbox SET sequence = (
    SELECT CASE WHEN outbox.event_time > opened_at
        THEN (outbox.event_time - opened_at) / 1000000 ELSE 0 END
    FROM incidents WHERE incidents.id = outbox.incident_id
) WHERE kind = 'STALE' AND incident_id IN (SELECT id FROM incidents)
""",
    """
UPDATE outbox SET dedup_key = incident_id || '|' || kind || '|' || level || '|' || sequence
    || '|' || channel || '|' || recipient_id
WHERE kind = 'STALE'
""",
)
"""Each was numbered; now it is named after the second since which data is missing."""


def upgrade() -> None:
    op.create_table(
        "former_incidents",
        sa.Column("id", sa.String(length=42), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("rule_id", _POSITION, nullable=False),
        sa.Column("rule_name", sa.String(length=200), nullable=False),
        sa.Column("member", sa.BigInteger(), nullable=False),
        sa.Column("station_id", _POSITION),
        sa.Column("station", sa.String(length=63)),
        sa.Column("station_name", sa.String(length=200)),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("opening_value", sa.Float(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("announced_at", sa.BigInteger()),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("close_reason", sa.String(length=16)),
        sa.Column("closing_value", sa.Float()),
        sa.Column("told_at", sa.BigInteger()),
        sa.Column("permitted", sa.Integer()),
        sa.Column("forgotten_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_former_incidents_tenant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_incidents")),
    )
    op.create_index("ix_former_incidents_tenant_id", "former_incidents", ["tenant_id"])
    op.create_index("ix_former_incidents_forgotten_at", "former_incidents", ["forgotten_at"])
    op.create_index("ix_former_incidents_rule_member", "former_incidents", ["rule_id", "member"])
    op.add_column("incidents", sa.Column("told_at", sa.BigInteger()))
    op.add_column("incidents", sa.Column("permitted", sa.Integer()))
    op.create_index(
        "ix_incidents_rule_member_opened", "incidents", ["rule_id", "member", "opened_at"]
    )
    op.execute(
        "UPDATE incidents SET told_at = COALESCE((SELECT MAX(event_time) FROM outbox "
        "WHERE outbox.incident_id = incidents.id AND outbox.kind = 'ALARM'), announced_at)"
    )
    for statement in _SILENCES:
        op.execute(statement)
    op.drop_column("rule_states", "silences")
    op.add_column("rule_states", sa.Column("footing", sa.String(length=16)))
    op.execute("DELETE FROM alert_inputs WHERE name = 'registry'")  # looks at all states once
    op.add_column(
        "zone_states",
        sa.Column("resets_until", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.execute("UPDATE zone_states SET resets_until = sampled_at")
    op.create_table(
        "zone_permits",
        sa.Column("zone_id", _POSITION, nullable=False),
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("permitted", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["zone_id"],
            ["zones.id"],
            name=op.f("fk_zone_permits_zone_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("zone_id", "since", name=op.f("pk_zone_permits")),
    )
    op.execute(_PERMITS)
