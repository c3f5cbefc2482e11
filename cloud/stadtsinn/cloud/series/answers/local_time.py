"""Times as the API of series reads and writes them: Europe/Berlin's, with their offset."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

from stadtsinn.base.instant import HOUR, SECOND, Instant, from_datetime, parse, to_datetime
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.series.stores.windows import BERLIN

HOW = "ISO 8601 with offset, e.g. 2026-09-26T08:00:00+02:00, or a day in Berlin, e.g. 2026-09-26"

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (the offset is added by hand)
_LATEST = Instant(9_000_000_000_000_000)  # the year 2255: what every store can hold


def read_time(name: str, text: str) -> Instant:
    """The instant a caller means; a day is its midnight in Berlin. Raises Invalid (422)."""
    try:
        if len(text) == len("2026-09-26"):
            day = date.fromisoformat(text)
            moment = from_datetime(datetime.combine(day, time(), tzinfo=BERLIN))
        else:
            moment = parse(text.replace(" ", "+"))  # an unescaped + arrives as a space
    except (ValueError, OverflowError):
        raise Invalid(f"'{name}' is no time: give {HOW}.") from None
    if not 0 <= moment <= _LATEST:
        raise Invalid(f"'{name}' lies outside 1970 to 2255.")
    return moment


def write_time(moment: int) -> str:
    """``2026-10-25T02:30:00+01:00``: readable here, and unambiguous when clocks go back."""
    shift, suffix = _berlin(moment // HOUR)
    return (_EPOCH + timedelta(microseconds=moment + shift)).isoformat() + suffix


@lru_cache(maxsize=20_000)
def _berlin(hour: int) -> tuple[int, str]:
    """Offset in an hour since 1970: clocks change at whole hours, and maps show many times."""
    local = to_datetime(hour * HOUR).astimezone(BERLIN)
    offset = local.utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * SECOND, local.isoformat()[-len("+01:00") :]
