"""Moments in time: whole microseconds since 1970-01-01 00:00 UTC.

One integer type from the radio to the database, because it sorts, subtracts and stores
the same everywhere. Local time exists only where people read it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NewType

from stadtsinn.base.sentence import Unusable

Instant = NewType("Instant", int)
"""Microseconds since the Unix epoch, UTC."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

LATEST = Instant(9_000_000_000_000_000)
"""In the year 2255: later times do not fit into every store."""


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime; a naive one raises ValueError."""
    if moment.tzinfo is None:
        raise Unusable(
            f"{moment} has no time zone: give one, e.g. +00:00",
            f"{moment} hat keine Zeitzone: eine angeben, z. B. +00:00",
        )
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Instant((delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds)


def to_datetime(instant: int) -> datetime:
    """The aware UTC datetime of an instant."""
    seconds, micros = divmod(instant, SECOND)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=micros)


def parse(text: str) -> Instant:
    """The instant of an ISO 8601 / RFC 3339 text with offset; up to 9 fraction digits.

    Digits beyond the microsecond are cut. Raises ValueError for anything else.
    """
    return from_datetime(datetime.fromisoformat(text))


def isoformat(instant: int) -> str:
    """RFC 3339 in UTC, e.g. ``2026-09-26T08:00:00.250000Z``."""
    return to_datetime(instant).isoformat().replace("+00:00", "Z")
