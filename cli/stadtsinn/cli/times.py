"""Times in options: a day, a local time in Berlin, or a time with offset; one reader for all."""

from __future__ import annotations

from datetime import date, datetime

from stadtsinn.base import berlin
from stadtsinn.base.instant import LATEST, Instant, from_datetime
from stadtsinn.base.sentence import Unusable


def read_moment(option: str, written: str) -> Instant:
    """The moment that `option` names; a day is its midnight. Raises ValueError with the remedy."""
    try:
        moment = _moment(option, datetime.fromisoformat(written))
    except _Unclear:
        raise
    except (ValueError, OverflowError):
        raise _Unclear(
            f"{option} '{written}' is no time: give a day like 2026-06-12, a local time like "
            "'2026-06-12 12:00', or one with offset like 2026-06-12T12:00:00+02:00",
            f"{option} '{written}' ist keine Zeit: einen Tag wie 2026-06-12 angeben, eine "
            "Ortszeit wie '2026-06-12 12:00' oder eine Zeit mit Zeitversatz wie "
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
        return date.fromisoformat(written)
    except ValueError:
        raise _Unclear(
            f"{option} '{written}' is no day: give one like 2026-10-01",
            f"{option} '{written}' ist kein Tag: bitte wie 2026-10-01 angeben",
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
            f"{option} '{given}' gibt es nicht: in dieser Stunde wurde die Uhr vorgestellt",
        )
    if len(found) > 1:
        first, second = (berlin.for_people(moment) for moment in found)
        raise _Unclear(
            f"{option} '{given}' came twice, because clocks were put back: "
            f"give '{first}' or '{second}'",
            f"{option} '{given}' gab es zweimal, weil die Uhr zurückgestellt wurde: "
            f"'{first}' oder '{second}' angeben",
        )
    return found[0]


def _is_day(written: str) -> bool:
    try:
        date.fromisoformat(written)
    except ValueError:
        return False
    return True
