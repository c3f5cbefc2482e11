"""Events of a zone: market days and festivals, outside of which nobody is counted there.

Times of day are local ones, Europe/Berlin: an event from 08:00 to 20:00 is that on the days as well
on which clocks change. One that ends no later than it starts ends on the next day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Annotated, Self

from pydantic import Field, model_validator

from stadtsinn.base.berlin import at, local
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


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


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
        return list(Weekday)[day.weekday()] in self.days

    def ends_on(self, day: _Day) -> _Day:
        """The day of its end, where it begins on this one."""
        return day if self.end > self.start else day + _ONE

    def begins_first(self) -> _Day | None:
        """The first day that it may begin on; None: it has none."""
        return self.date or self.first


@dataclass(frozen=True)
class Occurrence:
    """One time that an event takes place: start <= moment < end."""

    event: ZoneEvent
    start: Instant
    end: Instant


def occurrences(events: Sequence[ZoneEvent], start: int, end: int) -> list[Occurrence]:
    """What takes place at any time with start <= moment < end, in order."""
    found = []
    day, last = local(start).date() - _ONE, local(end).date()
    while day <= last:
        for event in events:
            if event.on(day):
                span = at(day, event.start), at(event.ends_on(day), event.end)
                if span[0] < end and start < span[1]:
                    found.append(Occurrence(event, *span))
        day += _ONE
    return sorted(found, key=lambda one: one.start)


def next_start(events: Sequence[ZoneEvent], moment: int) -> Instant | None:
    """When the next one begins; None: none does any more."""
    today = local(moment).date()
    found = []
    for event in events:
        day = max(today, event.begins_first() or today)
        for ahead in range(_WEEK + 2):
            one = day + ahead * _ONE
            if event.on(one) and at(one, event.start) > moment:
                found.append(at(one, event.start))
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
    """Raises Unusable where two of them take place at the same time, or have the same name."""
    if len(events) > MOST_EVENTS:
        raise Unusable(
            f"a zone has at most {MOST_EVENTS} events: a weekly one counts once",
            f"eine Zone hat höchstens {MOST_EVENTS} Veranstaltungen: eine wöchentliche zählt "
            "einmal",
        )
    for one, other in combinations(events, 2):
        if one.slug == other.slug:
            raise Unusable(
                f"two events are called '{one.slug}'",
                f"zwei Veranstaltungen heißen '{one.slug}'",
            )
        if day := _overlap(one, other):
            raise Unusable(
                f"the events '{one.slug}' and '{other.slug}' overlap on {day}: one zone can have "
                "one at a time",
                f"die Veranstaltungen '{one.slug}' und '{other.slug}' überschneiden sich am "
                f"{day}: eine Zone kann nur eine zur selben Zeit haben",
            )


def _overlap(one: ZoneEvent, other: ZoneEvent) -> date | None:
    """The first day on which both take place at the same time; None: there is none.

    Weekly ones repeat: the first days on which both can begin show all there is.
    """
    beginnings = [day for day in (one.begins_first(), other.begins_first()) if day]
    begin = max(beginnings, default=date(2026, 1, 1)) - _ONE
    days = [begin + ahead * _ONE for ahead in range(_WEEK + 3)]
    for ours in _spans(one, days):
        for theirs in _spans(other, days):
            if ours[0] < theirs[1] and theirs[0] < ours[1]:
                return max(ours[0], theirs[0]).date()
    return None


def _spans(event: ZoneEvent, days: Sequence[date]) -> Iterator[tuple[datetime, datetime]]:
    for day in days:
        if event.on(day):
            start = datetime.combine(day, time.fromisoformat(event.start))
            yield start, datetime.combine(event.ends_on(day), time.fromisoformat(event.end))
