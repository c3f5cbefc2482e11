"""When something counts: on some days, at some times of day, in a season. Pure, as the calendar.

Times may meet or overlap: then they are one, without a break between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from stadtsinn.base import berlin
from stadtsinn.base.calendar import Hours, IsHoliday, Span, merged
from stadtsinn.base.instant import Instant

NEVER_ENDS = Instant(2**62)
_DAY = timedelta(days=1)
_ENDLESS = 800
"""Days without a break that are taken for all days there are."""
_LOOKED_AHEAD = 41 * 366
"""Days: a 29th of February on a given day of the week comes every 28 years, at most 40 apart."""


@dataclass(frozen=True)
class Season:
    """From a day of the year to another, both belong to it. Over New Year where it ends earlier
    in the year than it begins. Month and day."""

    first: tuple[int, int] = (1, 1)
    last: tuple[int, int] = (12, 31)

    def holds(self, day: date) -> bool:
        one = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= one <= self.last
        return one >= self.first or one <= self.last


@dataclass(frozen=True)
class Recurring:
    """Hours of some days in a season. What begins in it goes on beyond its last midnight."""

    hours: Hours
    season: Season = Season()
    is_holiday: IsHoliday = lambda _: False

    def beginning(self, day: date) -> Span | None:
        """What of it begins on this day."""
        if not self.season.holds(day) or not self.hours.are_of(day, self.is_holiday):
            return None
        return self.hours.on(day)


class Active:
    """Some such times together. It remembers the last stretch and the last break, for it is asked
    again and again, by several threads."""

    def __init__(self, times: Sequence[Recurring]) -> None:
        self._times = tuple(times)
        self._known = Span(Instant(0), Instant(0))
        self._break = Span(Instant(-1), Instant(-1))

    def until(self, at: Instant) -> Instant | None:
        """When the stretch ends that holds the moment; None where none does."""
        known = self._known
        if not known.start <= at < known.end:
            found = self._stretch(at)
            if found is None:
                return None
            known = self._known = found
        return known.end

    def start_from(self, at: Instant) -> Instant | None:
        """The moment itself where it counts, else the next at which it does; None: never again."""
        if self.until(at) is not None:
            return at
        known = self._break
        if not known.start <= at <= known.end:
            known = self._break = Span(at, self._next_start(at))
        return None if known.end == NEVER_ENDS else known.end

    def _next_start(self, at: Instant) -> Instant:
        """Looks through the days of years, where times are rare."""
        day = berlin.local(at).date()
        for _ in range(_LOOKED_AHEAD):
            if starts := [one.start for one in self._beginning(day) if one.start >= at]:
                return min(starts)
            day += _DAY
        return NEVER_ENDS

    def longest(self, since: Instant) -> int:
        """The longest stretch of the year from its first beginning after `since`; 0: there is
        none. In microseconds."""
        first = self.start_from(since)
        if first is None:
            return 0
        day = berlin.local(first).date()
        spans = [one for number in range(367) for one in self._beginning(day + number * _DAY)]
        longest = max((one.end - one.start for one in merged(spans)), default=0)
        return NEVER_ENDS if self.until(first) == NEVER_ENDS else longest

    def _stretch(self, at: Instant) -> Span | None:
        day = berlin.local(at).date()
        held = [one for one in self._near(day) if one.start <= at < one.end]
        if not held:
            return None
        start, end = min(one.start for one in held), max(one.end for one in held)
        for _ in range(_ENDLESS):
            near = self._near(berlin.local(end).date())
            longer = max((one.end for one in near if one.start <= end), default=end)
            if longer <= end:
                return Span(start, end)
            end = longer
        return Span(start, NEVER_ENDS)

    def _near(self, day: date) -> Iterator[Span]:
        """What may hold a moment of this day: nothing lasts longer than to the next one."""
        yield from self._beginning(day - _DAY)
        yield from self._beginning(day)

    def _beginning(self, day: date) -> Iterator[Span]:
        for one in self._times:
            if (span := one.beginning(day)) is not None:
                yield span
