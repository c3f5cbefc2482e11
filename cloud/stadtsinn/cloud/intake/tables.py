"""What the ingest keeps beside the log: how far edges are committed, and the quarantine."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

edge_streams = Table(
    "edge_streams",
    metadata,
    # No foreign keys: an edge may be struck from the registry while its spool still drains.
    Column("edge_id", String(63), primary_key=True),
    Column("stream", String(64), primary_key=True),
    Column("state", LargeBinary, nullable=False),  # MessagePack of ingest.streams.StreamState
    Column("updated_at", InstantColumn, nullable=False),
    info=kept(
        "Wie weit die Lieferung eines Edge-Agenten ist",
        "how far an edge agent has delivered",
        Until.RUNNING,
        owner="edge_id=edges.id",
        key="edge_id stream",
        fact="state updated_at",
    ),
)

edge_states = Table(
    "edge_states",
    metadata,
    # No foreign key: an edge may be struck from the registry and come back.
    Column("edge_id", String(63), primary_key=True),
    Column("status", LargeBinary, nullable=False),  # JSON of intake.edge_states.EdgeReport
    Column("heard_at", InstantColumn, nullable=False),
    Column("offline_at", InstantColumn),
    Column("offline_reason", String(20), nullable=False),
    info=kept(
        "Was ein Edge-Agent zuletzt über sich gesagt hat",
        "what an edge agent said of itself last",
        Until.RUNNING,
        owner="edge_id=edges.id",
        key="edge_id",
        fact="status heard_at offline_at offline_reason",
    ),
)

configured_edges = Table(
    "configured_edges",
    metadata,
    # Edges for which a retained configuration may lie at the broker. No foreign keys: it is to be
    # taken back when the edge is gone.
    Column("edge_id", String(63), primary_key=True),
    info=kept(
        "Für wen am Broker eine Konfiguration liegt; endet, wenn sie zurückgenommen ist",
        "for whom a configuration lies at the broker; ends when it was taken back",
        Until.RUNNING,
        owner="",
        key="edge_id",
    ),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Position, primary_key=True, autoincrement=True),
    # SHA-256 of kind, source, topic and whole payload: a resend counts up `times`.
    Column("digest", String(64), nullable=False, unique=True),
    Column("tenant_id", String(63)),  # of the edge or network server; NULL: only the operator
    Column("dev_eui", String(16)),
    Column("source", String(100), nullable=False),
    Column("kind", String(16), nullable=False),  # ingest.rejection.Kind
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),  # as it came; larger than `payload` where it was cut
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("received_at", InstantColumn, nullable=False),  # the first time
    Column("last_at", InstantColumn, nullable=False),
    Column("times", Integer, nullable=False),
    Column("replayed_at", InstantColumn),
    # The network server's format of an event; NULL for what an edge made itself.
    Column("format", String(32)),
    sqlite_autoincrement=True,
    info=kept(
        "Was ankam und nicht übernommen wurde",
        "what came and was not taken",
        Until.QUARANTINE,
        key="id digest tenant_id dev_eui",
        name="source",
        fact="kind size reason received_at last_at times replayed_at format",
        foreign="topic payload",
        text="detail",
    ),
)

Index("ix_quarantine_tenant", quarantine.c.tenant_id, quarantine.c.id)
Index("ix_quarantine_device", quarantine.c.tenant_id, quarantine.c.dev_eui)
Index("ix_quarantine_reason", quarantine.c.reason, quarantine.c.id)
# What is dropped where there is too much: the oldest of one reason and source.
Index("ix_quarantine_source", quarantine.c.reason, quarantine.c.source, quarantine.c.id)
