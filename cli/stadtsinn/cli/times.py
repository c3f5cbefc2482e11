"""Times in options: a day, a local time in Berlin, or a time with offset; one reader for all."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone

from stadtsinn.base import berlin
from stadtsinn.base.instant import LATEST, Instant, from_datetime
from stadtsinn.base.sentence import Unusable
from stadtsinn.cli.language import text

_SHOWN = "%d.%m.%Y %H:%M:%S"
_GERMAN = re.compile(
    r"(?P<day>\d{1,2}\.\d{1,2}\.\d{4})"
    r"(?:,? (?P<time>\d{1,2}:\d\d(?::\d\d)?)(?: (?P<clock>MESZ|MEZ))?)?"
)
_CLOCKS = {"MESZ": timezone(timedelta(hours=2)), "MEZ": timezone(timedelta(hours=1)), None: None}


def shown_moment(moment: int) -> str:
    """A moment in the reader's language, such that `read_moment` takes it back."""
    return text(berlin.for_people(moment), berlin.in_german(moment))


def shown_day(day: date) -> str:
    """A day in the reader's language, such that options take it back."""
    return text(f"{day:%Y-%m-%d}", f"{day:%d.%m.%Y}")


def read_moment(option: str, written: str) -> Instant:
    """The moment that `option` names; a day is its midnight. Raises ValueError with the remedy."""
    try:
        moment = _moment(option, _datetime(written))
    except _Unclear:
        raise
    except (ValueError, OverflowError):
        raise _Unclear(
            f"{option} '{written}' is no time: give a day like 2026-06-12, a local time like "
            "'2026-06-12 12:00', or one with offset like 2026-06-12T12:00:00+02:00",
            f"{option} '{written}' ist keine Zeit: einen Tag wie 12.06.2026 angeben, eine "
            "Ortszeit wie '12.06.2026 12:00' oder eine Zeit mit Zeitversatz wie "
            "2026-06-12T12:00:00+02:00",
        ) from None
    if not 0 <= moment <= LATEST:
        raise _Unclear(
            f"{option} '{written}': give a time from 1970 to 2255",
            f"{option} '{written}': bitte eine Zeit von 1970 bis 2255 angeben",
        )
    return moment


def read_end(option: str, written: str) -> Instant:
    """The end of a span: a day counts to its last moment, a time stands for itself."""
    moment = read_moment(option, written)
    return berlin.next_midnight(moment) if _is_day(written) else moment


def read_day(option: str, written: str) -> date:
    """The day that `option` names. Raises ValueError with the remedy."""
    try:
        return _date(written)
    except ValueError:
        raise _Unclear(
            f"{option} '{written}' is no day: give one like 2026-10-01",
            f"{option} '{written}' ist kein Tag: bitte wie 01.10.2026 oder 2026-10-01 angeben",
        ) from None


class _Unclear(Unusable):
    """The text names option and remedy."""


def _moment(option: str, given: datetime) -> Instant:
    if given.tzinfo is not None:
        return from_datetime(given)
    found = berlin.moments(given)
    if not found:
        raise _Unclear(
            f"{option} '{given}' does not exist: clocks were put forward in that hour",
            f"{option} '{given:{_SHOWN}}' gibt es nicht: in dieser Stunde wurde die Uhr "
            "vorgestellt",
        )
    if len(found) > 1:
        first, second = (berlin.for_people(moment) for moment in found)
        erste, zweite = (berlin.in_german(moment) for moment in found)
        raise _Unclear(
            f"{option} '{given}' came twice, because clocks were put back: "
            f"give '{first}' or '{second}'",
            f"{option} '{given:{_SHOWN}}' gab es zweimal, weil die Uhr zurückgestellt wurde: "
            f"'{erste}' oder '{zweite}' angeben",
        )
    return found[0]


def _is_day(written: str) -> bool:
    try:
        _date(written)
    except ValueError:
        return False
    return True


def _datetime(written: str) -> datetime:
    """As `shown_moment` writes it in either language, with or without seconds."""
    found = _GERMAN.fullmatch(written)
    if found is None:
        return datetime.fromisoformat(written)
    day, at = _german_day(found["day"]), found["time"] or "0:00"
    clock = at if at[1] != ":" else f"0{at}"
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=_CLOCKS[found["clock"]])


def _date(written: str) -> date:
    found = _GERMAN.fullmatch(written)
    if found is None:
        return date.fromisoformat(written)
    if found["time"]:
        raise ValueError(written)
    return _german_day(found["day"])


def _german_day(written: str) -> date:
    day, month, year = map(int, written.split("."))
    return date(year, month, day)
