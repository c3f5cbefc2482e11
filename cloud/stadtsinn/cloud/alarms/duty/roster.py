"""Who is on duty when: weekly shifts, those of a plan, and stand-ins together. Pure.

A plan and the shifts of the week add up. That two are on duty at once is allowed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from stadtsinn.base.calendar import Hours, IsHoliday, Span, merged, uncovered
from stadtsinn.base.instant import Instant


@dataclass(frozen=True)
class Weekly:
    """A member's shift of every week."""

    person: str
    hours: Hours


@dataclass(frozen=True, order=True)
class Planned:
    """A member's shift of a plan."""

    span: Span
    person: str


@dataclass(frozen=True)
class StandIn:
    """Who takes another's shifts for a while."""

    span: Span
    absent: str
    stand_in: str


@dataclass(frozen=True, order=True)
class Turn:
    """Somebody is on duty, for another or as the plan says."""

    span: Span
    person: str
    instead_of: str | None = None


@dataclass(frozen=True)
class Skipped:
    """A shift's edge that no clock shows, since clocks are put forward: the moment of the change
    takes its place."""

    shown: datetime
    person: str


@dataclass(frozen=True)
class Overlap:
    """Several are on duty at once."""

    span: Span
    people: tuple[str, ...]


@dataclass(frozen=True)
class Roster:
    """All that says who of a group is on duty."""

    weekly: tuple[Weekly, ...] = ()
    planned: tuple[Planned, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()
    is_holiday: IsHoliday = lambda _: False

    @property
    def is_list(self) -> bool:
        """Nobody ever has a shift: a mere list of people, all of whom are told."""
        return not self.weekly and not self.planned

    def shifts(self, whole: Span) -> Iterator[Planned]:
        """Every shift of which something lies in the whole, with nobody standing in."""
        for one in self.weekly:
            for span in one.hours.between(whole, self.is_holiday):
                yield Planned(span, one.person)
        for shift in self.planned:
            if shift.span.within(whole) is not None:
                yield shift

    def turns(self, whole: Span) -> list[Turn]:
        """Who is on duty when, within the whole; adjacent turns of a person are one."""
        found: list[Turn] = []
        standing_in = _StandIns(self.stand_ins)
        for shift in sorted(self.shifts(whole)):
            for piece in standing_in.pieces(shift.span):
                inside = piece.within(whole)
                if inside is not None:
                    person = standing_in.instead_of(shift.person, piece.start)
                    other = None if person == shift.person else shift.person
                    found.append(Turn(inside, person, other))
        return _joined(found)

    def on_duty(self, at: Instant) -> list[Turn]:
        """Who is on duty at a moment, each with the whole of the turn."""
        moment = Span(at, Instant(at + 1))
        near = [shift.span for shift in self.shifts(moment)]
        if not near:
            return []
        whole = Span(min(span.start for span in near), max(span.end for span in near))
        return [turn for turn in self.turns(whole) if turn.span.start <= at < turn.span.end]

    def gaps(self, whole: Span) -> list[Span]:
        """When nobody is on duty."""
        return uncovered((shift.span for shift in self.shifts(whole)), whole)

    def overlaps(self, whole: Span) -> list[Overlap]:
        """When more than one person is on duty."""
        edges: dict[Instant, Counter[str]] = defaultdict(Counter)
        for turn in self.turns(whole):
            edges[turn.span.start][turn.person] += 1
            edges[turn.span.end][turn.person] -= 1
        found: list[Overlap] = []
        present: Counter[str] = Counter()
        for start, end in pairwise(sorted(edges)):
            present.update(edges[start])
            people = tuple(sorted(one for one, turns in present.items() if turns > 0))
            if len(people) < 2:
                continue
            if found and found[-1].people == people and found[-1].span.end == start:
                start = found.pop().span.start  # noqa: PLW2901 (it began earlier)
            found.append(Overlap(Span(start, end), people))
        return found

    def skipped(self, whole: Span) -> list[Skipped]:
        """Edges of weekly shifts that lie in the hour that does not exist."""
        return [
            Skipped(edge, one.person)
            for one in self.weekly
            for day in one.hours.beginnings(whole, self.is_holiday)
            for edge in one.hours.skipped_edges(day)
        ]


class _StandIns:
    """Who stands in for whom, ready to be asked often."""

    def __init__(self, stand_ins: Sequence[StandIn]) -> None:
        self._edges = sorted({edge for one in stand_ins for edge in (one.span.start, one.span.end)})
        self._by_absent: dict[str, list[StandIn]] = defaultdict(list)
        for one in stand_ins:
            self._by_absent[one.absent].append(one)

    def pieces(self, span: Span) -> Iterator[Span]:
        """A span, cut where somebody begins or ends to stand in."""
        first = bisect_right(self._edges, span.start)
        between = self._edges[first : bisect_left(self._edges, span.end, first)]
        for start, end in pairwise([span.start, *between, span.end]):
            yield Span(start, end)

    def instead_of(self, person: str, at: Instant) -> str:
        """Who takes this person's shift; a stand-in may have a stand-in. Where they stand in for
        each other in a ring, it stays as planned."""
        passed = [person]
        while (taken := self._taking(passed[-1], at)) is not None:
            if taken in passed:
                return person
            passed.append(taken)
        return passed[-1]

    def _taking(self, person: str, at: Instant) -> str | None:
        return next(
            (
                one.stand_in
                for one in self._by_absent.get(person, ())
                if one.span.start <= at < one.span.end
            ),
            None,
        )


def _joined(turns: Sequence[Turn]) -> list[Turn]:
    """Turns of one person that meet are one; they are in the order of time."""
    spans: dict[tuple[str, str | None], list[Span]] = {}
    for turn in turns:
        spans.setdefault((turn.person, turn.instead_of), []).append(turn.span)
    return sorted(
        (Turn(span, *who) for who, some in spans.items() for span in merged(some)),
        key=lambda turn: (turn.span, turn.person, turn.instead_of or ""),
    )
