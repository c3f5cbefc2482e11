"""How long the network tries to deliver: TP-VP in its relative format (3GPP TS 23.040,
9.2.3.12.1)."""

from __future__ import annotations

from stadtsinn.base.instant import DAY, HOUR, MINUTE

NETWORKS_OWN = -1
"""The modem's default."""

_WEEK = 7 * DAY


def relative_validity(span: int) -> int:
    """The code of the longest time that does not exceed `span` (µs); five minutes at least."""
    found = 0
    for code in range(256):
        if duration(code) > span:
            break
        found = code
    return found


def duration(code: int) -> int:
    """What a code means, in µs."""
    if code <= 143:
        return (code + 1) * 5 * MINUTE
    if code <= 167:
        return 12 * HOUR + (code - 143) * 30 * MINUTE
    if code <= 196:
        return (code - 166) * DAY
    return (code - 192) * _WEEK
