"""How long the pieces are in which an InfluxDB stores time: no longer than what it keeps."""

from __future__ import annotations

DAY_S = 86_400


def shard_hours(days: int | None) -> int:
    """The lengths that InfluxDB itself takes by default; `days` are kept, None: for ever."""
    if days is None or days >= 180:
        return 7 * 24
    return 1 if days < 2 else 24
