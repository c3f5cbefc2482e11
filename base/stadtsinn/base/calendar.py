"""Times of day on days of the week, as moments. Pure: no clock, no storage.

A time of day is that of clocks in Berlin. What begins begins with the first moment at which clocks
show its time, what ends ends with the last one: the hour that comes twice in October belongs to
both of two shifts that meet in it. A time that clocks skip in March is the moment of the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from stadtsinn.base import berlin
from stadtsinn.base.instant import HOUR, Instant


class Day(StrEnum):
    """A day of the week that is no public holiday, or a public holiday on whatever day."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"
    HOLIDAY = "holiday"


EVERY_DAY = tuple(Day)
_WEEK = EVERY_DAY[:7]

IsHoliday = Callable[[date], bool]


@dataclass(frozen=True, order=True)
class Span:
    """From `start` on, and before `end`."""

    start: Instant
    end: Instant

    def within(self, other: Span) -> Span | None:
        """The part of it that lies in the other; None where there is none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start, end) if start < end else None


@dataclass(frozen=True)
class Hours:
    """The same hours on some days. Where `end` is not after `start`, it is the next day's."""

    days: tuple[Day, ...]
    start: str
    """Time of day, ``HH:MM``."""
    end: str

    def on(self, day: date) -> Span | None:
        """What begins on this day; None where the clock skips all of it."""
        last = day + timedelta(days=1) if self.end <= self.start else day
        span = Span(first_moment(_at(day, self.start)), last_moment(_at(last, self.end)))
        return span if span.start < span.end else None

    def between(self, whole: Span, is_holiday: IsHoliday) -> Iterator[Span]:
        """What of it lies in the whole, in its order; nothing is cut off."""
        for day in self.beginnings(whole, is_holiday):
            span = self.on(day)
            if span is not None and span.within(whole) is not None:
                yield span

    def are_of(self, day: date, is_holiday: IsHoliday) -> bool:
        """Whether they begin on this day."""
        return day_of(day, is_holiday) in self.days

    def beginnings(self, whole: Span, is_holiday: IsHoliday) -> Iterator[date]:
        """The days on which it begins, from the one before the whole on."""
        day = berlin.local(whole.start).date() - timedelta(days=1)
        last = berlin.local(whole.end).date()
        while day <= last:
            if self.are_of(day, is_holiday):
                yield day
            day += timedelta(days=1)

    def skipped_edges(self, day: date) -> list[datetime]:
        """Its edges on a day that no clock shows."""
        last = day + timedelta(days=1) if self.end <= self.start else day
        edges = (_at(day, self.start), _at(last, self.end))
        return [edge for edge in edges if not berlin.moments(edge)]


def day_of(day: date, is_holiday: IsHoliday) -> Day:
    return Day.HOLIDAY if is_holiday(day) else _WEEK[day.weekday()]


def first_moment(shown: datetime) -> Instant:
    """The first moment at which clocks show this, or what comes after it."""
    found = berlin.moments(shown)
    return found[0] if found else _change(shown)


def last_moment(shown: datetime) -> Instant:
    """The last moment at which clocks show this; where they never do, that of the change."""
    found = berlin.moments(shown)
    return found[-1] if found else _change(shown)


def _change(skipped: datetime) -> Instant:
    """Clocks change at whole hours, and `berlin.at` counts on from there."""
    as_if = berlin.at(skipped.date(), f"{skipped:%H:%M:%S}")
    return Instant(as_if - as_if % HOUR)


def _at(day: date, time_of_day: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(time_of_day))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few spans as possible."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def uncovered(spans: Iterable[Span], whole: Span) -> list[Span]:
    """What of the whole lies in none of the spans."""
    found = []
    reached = whole.start
    for span in merged(spans):
        if span.start >= whole.end:
            break
        if span.start > reached:
            found.append(Span(reached, span.start))
        reached = max(reached, span.end)
    if reached < whole.end:
        found.append(Span(reached, whole.end))
    return found


def holding(spans: Sequence[Span], at: Instant) -> Span | None:
    """The one of merged spans that holds the moment."""
    return next((span for span in spans if span.start <= at < span.end), None)
