"""Times that callers of the series API name."""

from __future__ import annotations

from datetime import date

from stadtsinn.base import berlin
from stadtsinn.base.instant import Instant, parse
from stadtsinn.base.problems import Invalid

HOW = "ISO 8601 with offset, e.g. 2026-09-26T08:00:00+02:00, or a day in Berlin, e.g. 2026-09-26"

_LATEST = Instant(9_000_000_000_000_000)  # the year 2255: what every store can hold


def read_time(name: str, text: str) -> Instant:
    """The instant a caller means; a day is its midnight in Berlin. Raises Invalid (422)."""
    try:
        if len(text) == len("2026-09-26"):
            moment = berlin.at(date.fromisoformat(text))
        else:
            moment = parse(text.replace(" ", "+"))  # an unescaped + arrives as a space
    except (ValueError, OverflowError):
        raise Invalid(f"'{name}' is no time: give {HOW}.") from None
    if not 0 <= moment <= _LATEST:
        raise Invalid(f"'{name}' lies outside 1970 to 2255.")
    return moment
