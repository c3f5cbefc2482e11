"""From which folder of files a rule came, and how it was then."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

rule_origins = Table(
    "rule_origins",
    metadata,
    Column("rule_id", Position, ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True),
    Column("folder", String(63), nullable=False),
    # Of the rule as it was applied: by another one somebody has changed it since.
    Column("digest", String(64), nullable=False),
    Column("applied_at", InstantColumn, nullable=False),
    info=kept(
        "Aus welchem Ordner von Dateien eine Regel kam",
        "from which folder of files a rule came",
        Until.DELETED,
        owner="rule_id",
        key="rule_id",
        name="folder",
        digest="digest",
        fact="applied_at",
    ),
)
