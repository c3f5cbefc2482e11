"""When a zone is known to be empty: every day at one local time, Europe/Berlin."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from stadtsinn.base.instant import Instant, from_datetime, to_datetime

BERLIN = ZoneInfo("Europe/Berlin")


def local(instant: int) -> datetime:
    """The local time people read."""
    return to_datetime(instant).astimezone(BERLIN)


def reset_on(day: datetime, reset_at: str) -> Instant:
    """The reset of a local day. It happens once each day, also when the clock changes.

    A time that the clock skips in March is taken as if it had not been changed yet; of a time
    that comes twice in October the first counts.
    """
    hour, minute = map(int, reset_at.split(":"))
    return from_datetime(datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN))


def last_reset(moment: int, reset_at: str) -> Instant:
    """The newest reset at or before a moment."""
    day = local(moment)
    return max(
        reset
        for reset in (reset_on(day - timedelta(days=back), reset_at) for back in range(3))
        if reset <= moment
    )


def next_reset(moment: int, reset_at: str) -> Instant:
    """The first reset after a moment."""
    day = local(moment)
    return min(
        reset
        for reset in (reset_on(day + timedelta(days=ahead), reset_at) for ahead in range(3))
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
