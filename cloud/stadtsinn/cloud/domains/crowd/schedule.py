"""When a zone is known to be empty: once every local day, also when the clock changes."""

from __future__ import annotations

from datetime import timedelta

from stadtsinn.base.berlin import at, local
from stadtsinn.base.instant import Instant


def last_reset(moment: int, reset_at: str) -> Instant:
    """The newest reset at or before a moment."""
    day = local(moment)
    return max(
        reset
        for reset in (at(day - timedelta(days=back), reset_at) for back in range(3))
        if reset <= moment
    )


def next_reset(moment: int, reset_at: str) -> Instant:
    """The first reset after a moment."""
    day = local(moment)
    return min(
        reset
        for reset in (at(day + timedelta(days=ahead), reset_at) for ahead in range(3))
        if reset > moment
    )


def resets_between(start: int, end: int, reset_at: str) -> list[Instant]:
    """The resets with start < reset <= end."""
    found: list[Instant] = []
    moment = next_reset(start, reset_at)
    while moment <= end:
        found.append(moment)
        moment = next_reset(moment, reset_at)
    return found
