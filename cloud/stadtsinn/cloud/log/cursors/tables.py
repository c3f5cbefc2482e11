"""How far each follower has come in the uplink log."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from stadtsinn.cloud.platform.database.engine import InstantColumn, Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

follower_cursors = Table(
    "follower_cursors",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("position", Position, nullable=False),
    Column("updated_at", InstantColumn, nullable=False),
    # How much of the uplink after `position` is done; what it counts, the follower knows.
    Column("part", Position, nullable=False, default=0, server_default="0"),
    info=kept(
        "Wie weit eine Auswertung ist",
        "how far a follower has come",
        Until.RUNNING,
        owner="",
        key="name",
        fact="position updated_at part",
    ),
)
