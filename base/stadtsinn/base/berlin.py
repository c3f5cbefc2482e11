"""Local time of Europe/Berlin: days of 23, 24 or 25 hours, and times as Germans read them.

The only module that names the time zone. In `at` a time of day that the clock skips in March
counts as if the clock had not been changed yet, and of one that comes twice in October the first
counts. For a time that somebody wrote, `moments` says whether it is one of these.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from stadtsinn.base.instant import HOUR, SECOND, Instant, from_datetime, to_datetime

BERLIN = ZoneInfo("Europe/Berlin")

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (the offset is added by hand)


def local(instant: int) -> datetime:
    """The instant as an aware datetime in Berlin."""
    return to_datetime(instant).astimezone(BERLIN)


def at(day: date, time_of_day: str = "00:00") -> Instant:
    """The instant of a time of day (``HH:MM``) on a local day.

    Raises ValueError for a text that is no time of day, OverflowError at the end of the calendar.
    """
    return from_datetime(
        datetime.combine(
            date(day.year, day.month, day.day), time.fromisoformat(time_of_day), tzinfo=BERLIN
        )
    )


def moments(local_time: datetime) -> tuple[Instant, ...]:
    """When clocks in Berlin show a time without offset: never in the hour that is skipped in
    March, twice in the one that is repeated in October."""
    possible = {from_datetime(local_time.replace(tzinfo=BERLIN, fold=fold)) for fold in (0, 1)}
    return tuple(sorted(one for one in possible if local(one).replace(tzinfo=None) == local_time))


def midnight(instant: int) -> Instant:
    """The beginning of the local day that holds the instant. Clocks change at 2, never at 0."""
    return at(local(instant))


def next_midnight(instant: int) -> Instant:
    """The beginning of the local day after the one that holds the instant."""
    return at(local(instant) + timedelta(days=1))


def isoformat(instant: int) -> str:
    """``2026-10-25T02:30:00+01:00``: readable here, and unambiguous when clocks go back."""
    shift, suffix = _offset(instant // HOUR)
    return (_EPOCH + timedelta(microseconds=instant + shift)).isoformat() + suffix


def write_time(instant: int | None) -> str | None:
    """As `isoformat`, for JSON that may be without a time."""
    return None if instant is None else isoformat(instant)


def for_people(instant: int) -> str:
    """``2026-10-25 02:30:00+01:00``: in output and errors; commands take it back as it is. In
    German `in_german`."""
    return isoformat(instant - instant % SECOND).replace("T", " ")


def clock_time(instant: int) -> str:
    """The time of day: ``14:05``."""
    return f"{local(instant):%H:%M}"


def date_and_time(instant: int) -> str:
    """``26.09.2026, 12:00``."""
    return f"{local(instant):%d.%m.%Y, %H:%M}"


def spreadsheet_time(instant: int) -> str:
    """``26.09.2026 12:00:00``: German spreadsheets take it for a time. See `clock_name`."""
    return f"{local(instant):%d.%m.%Y %H:%M:%S}"


def in_german(instant: int) -> str:
    """``25.10.2026 02:30:00 MEZ``: in German output and errors; commands take it back as it is.

    The clock's name stands there in the hour that comes twice, and nowhere else.
    """
    shown = spreadsheet_time(instant)
    return f"{shown} {clock_name(instant)}" if comes_twice(instant) else shown


def comes_twice(instant: int) -> bool:
    """Whether clocks show this time again, or did so before: in October."""
    return len(moments(local(instant).replace(tzinfo=None, fold=0))) > 1


def clock_name(instant: int) -> str:
    """``MESZ`` or ``MEZ``: which of the two a local time is that comes twice in October."""
    return "MESZ" if local(instant).dst() else "MEZ"


@lru_cache(maxsize=20_000)
def _offset(hour: int) -> tuple[int, str]:
    """Offset in an hour since 1970: clocks change at whole hours, and maps show many times."""
    moment = local(hour * HOUR)
    offset = moment.utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * SECOND, moment.isoformat()[-len("+01:00") :]
