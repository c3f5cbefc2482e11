"""Events of a zone: market days and festivals, outside of which nobody is counted there.

Times of day are those of `base.calendar`: an event from 08:00 to 20:00 is that on the days as well
on which clocks change, and one that ends no later than it starts ends on the next day. Of two that
meet in the hour that comes twice the first goes on to its end and the other follows it: each has
the part that its own clock times name, and a zone has one at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Annotated, Self

from pydantic import Field, model_validator

from stadtsinn.base.berlin import local
from stadtsinn.base.calendar import Hours, Span
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.platform.api.fields import LocalTime, Name, OptionalName, Slug
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.platform.api.times import GivenDay

MOST_EVENTS = 200
"""Of a zone."""

_Day = date
_ONE = timedelta(days=1)
_WEEK = 7
_DAY_MINUTES = 1_440


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


_WEEKDAYS = tuple(Weekday)


class ZoneEvent(Model):
    """A market day or festival. Eine Veranstaltung."""

    slug: Slug
    name: Annotated[Name, Field(description="German, as citizens read it.")]
    name_en: OptionalName = ""
    days: Annotated[
        tuple[Weekday, ...],
        Field(max_length=_WEEK, description="Every week on these days; or `date`."),
    ] = ()
    date: Annotated[GivenDay | None, Field(description="Once, on this day; or `days`.")] = None
    first: Annotated[GivenDay | None, Field(description="Weekly: not before this day.")] = None
    last: Annotated[GivenDay | None, Field(description="Weekly: not after this day.")] = None
    start: LocalTime
    end: Annotated[LocalTime, Field(description="Not after `start`: on the next day.")]
    permitted: Annotated[
        int | None,
        Field(ge=1, le=10_000_000, description="Persons permitted meanwhile; null: the zone's."),
    ] = None
    staff: Annotated[OptionalName, Field(description="Who is on duty there.")] = ""

    @model_validator(mode="after")
    def _once_or_weekly(self) -> Self:
        if bool(self.days) == (self.date is not None):
            raise Unusable(
                "give either 'days' (every week) or 'date' (once)",
                "entweder 'days' angeben (jede Woche) oder 'date' (einmal)",
            )
        if self.date is not None and (self.first or self.last):
            raise Unusable(
                "'first' and 'last' belong to 'days', not to 'date'",
                "'first' und 'last' gehören zu 'days', nicht zu 'date'",
            )
        if self.first and self.last and self.last < self.first:
            raise Unusable(
                f"'last' ({self.last}) lies before 'first' ({self.first})",
                f"'last' ({self.last}) liegt vor 'first' ({self.first})",
            )
        return self

    def on(self, day: _Day) -> bool:
        """Whether it begins on this day."""
        if self.date is not None:
            return day == self.date
        if (self.first and day < self.first) or (self.last and day > self.last):
            return False
        return _WEEKDAYS[day.weekday()] in self.days

    def span(self, day: _Day) -> Span | None:
        """Its time where it begins on this day; None where clocks skip all of it."""
        return Hours((), self.start, self.end).on(day)

    def begins_first(self) -> _Day | None:
        """The first day that it may begin on; None: it has none."""
        return self.date or self.first

    def begins_last(self) -> _Day | None:
        """The last day that it may begin on; None: it has none."""
        return self.date or self.last


@dataclass(frozen=True)
class Occurrence:
    """One time that an event takes place: start <= moment < end."""

    event: ZoneEvent
    start: Instant
    end: Instant


def occurrences(events: Sequence[ZoneEvent], start: int, end: int) -> list[Occurrence]:
    """What takes place at any time with start <= moment < end, in order."""
    day, last = local(start).date() - 2 * _ONE, local(end).date()
    found: list[Occurrence] = []
    while day <= last:
        for event in events:
            span = event.span(day) if event.on(day) else None
            if span is not None:
                found.append(Occurrence(event, span.start, span.end))
        day += _ONE
    in_turn = _one_after_the_other(sorted(found, key=lambda one: one.start))
    return [one for one in in_turn if one.start < end and start < one.end]


def _one_after_the_other(found: Iterable[Occurrence]) -> Iterator[Occurrence]:
    reached = Instant(0)
    for one in found:
        start = max(one.start, reached)
        if start < one.end:
            yield Occurrence(one.event, start, one.end)
            reached = one.end


def next_start(events: Sequence[ZoneEvent], moment: int) -> Instant | None:
    """When the next one begins; None: none does any more."""
    for running in occurrences(events, moment, moment + 1):
        if any(
            next_one.start == running.end
            for next_one in occurrences(events, running.end, running.end + 1)
        ):
            return running.end
    today = local(moment).date()
    found = []
    for event in events:
        day = max(today, event.begins_first() or today)
        for ahead in range(_WEEK + 2):
            one = day + ahead * _ONE
            span = event.span(one) if event.on(one) else None
            if span is not None and span.start > moment:
                found.append(span.start)
                break
    return min(found, default=None)


class Agenda:
    """What takes place when. Without any event a zone is always open."""

    def __init__(self, events: Sequence[ZoneEvent]) -> None:
        self.events = events
        self._known: tuple[int, int, Occurrence | None] = (0, 0, None)

    def occurrence_at(self, moment: int) -> Occurrence | None:
        """What takes place at a moment."""
        start, end, occurrence = self._known
        if not start <= moment < end:
            start, end, occurrence = self._known = self._look(moment)
        return occurrence

    def is_open(self, moment: int) -> bool:
        return not self.events or self.occurrence_at(moment) is not None

    def open_until(self, moment: int) -> Instant | None:
        """When what takes place ends; None where nothing does."""
        occurrence = self.occurrence_at(moment)
        return None if occurrence is None else occurrence.end

    def permitted_at(self, moment: int, permitted: int | None) -> int | None:
        """What is permitted: by the event, by the zone where the event does not say it."""
        occurrence = self.occurrence_at(moment) if self.events else None
        own = None if occurrence is None else occurrence.event.permitted
        return permitted if own is None else own

    def _look(self, moment: int) -> tuple[int, int, Occurrence | None]:
        for one in occurrences(self.events, moment, moment + 1):
            return one.start, one.end, one
        following = occurrences(self.events, moment, moment + DAY)
        return moment, following[0].start if following else moment + DAY, None


def require_apart(events: Sequence[ZoneEvent]) -> None:
    """Raises Unusable where two of them take place at the same time, or have the same name.

    A zone is read again and again and may have very many pairs of events: most are told apart by
    their times of day.
    """
    if len(events) > MOST_EVENTS:
        raise Unusable(
            f"a zone has at most {MOST_EVENTS} events: a weekly one counts once",
            f"eine Zone hat höchstens {MOST_EVENTS} Veranstaltungen: eine wöchentliche zählt "
            "einmal",
        )
    for slug, times in Counter(event.slug for event in events).items():
        if times > 1:
            raise Unusable(
                f"two events are called '{slug}'", f"zwei Veranstaltungen heißen '{slug}'"
            )
    timed = [(event, *_minutes(event)) for event in events]
    for (one, *ours), (other, *theirs) in combinations(timed, 2):
        apart = [days for days in (-1, 0, 1) if _meet(ours, theirs, days)]
        if apart and (day := _overlap(one, other, apart)):
            raise Unusable(
                f"the events '{one.slug}' and '{other.slug}' overlap on {day}: one zone can have "
                "one at a time",
                f"die Veranstaltungen '{one.slug}' und '{other.slug}' überschneiden sich am "
                f"{day}: eine Zone kann nur eine zur selben Zeit haben",
            )


def _overlap(one: ZoneEvent, other: ZoneEvent, apart: Sequence[int]) -> date | None:
    """The first day on which both take place at the same time; None: there is none. Their times of
    day do where the other begins so many days later as `apart` says.

    Weekly ones repeat: the first days on which both can begin show all there is.
    """
    beginnings = [day for day in (one.begins_first(), other.begins_first()) if day]
    begin = max(beginnings, default=date(2026, 1, 1)) - _ONE
    if any(day < begin for day in (one.begins_last(), other.begins_last()) if day):
        return None
    for ours in [one.date] if one.date else [begin + day * _ONE for day in range(_WEEK + 3)]:
        if one.on(ours):
            for days in apart:
                theirs = ours + days * _ONE
                if other.on(theirs):
                    return max(ours, theirs)
    return None


def _minutes(event: ZoneEvent) -> tuple[int, int]:
    """Begin and end in minutes of the day of its beginning."""
    start, end = (60 * int(at[:2]) + int(at[3:]) for at in (event.start, event.end))
    return start, end if end > start else end + _DAY_MINUTES


def _meet(ours: Sequence[int], theirs: Sequence[int], days: int) -> bool:
    """Whether they are at the same time, where theirs begins so many days after ours."""
    later = days * _DAY_MINUTES
    return ours[0] < theirs[1] + later and theirs[0] + later < ours[1]
