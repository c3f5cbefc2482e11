"""What the series store was filled with: its layout, and how far a rebuild has to go."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from stadtsinn.cloud.platform.database.engine import Position, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept

series_filling = Table(
    "series_filling",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("layout", Integer, nullable=False),  # series.filling.LAYOUT when the filling began
    # The newest position when it began; until the follower is there, series are being rebuilt.
    Column("until", Position, nullable=False),
    info=kept(
        "Wie weit die Messreihen gefüllt sind",
        "how far the series are filled",
        Until.RUNNING,
        owner="",
        key="id",
        fact="layout until",
    ),
)
