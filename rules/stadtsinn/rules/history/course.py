"""What a rule would have done over a history, step by step as if it had been judged then.

Each value is judged at the moment at which it was measured, as if none had come late, and time
passes between them as ticks let it. The engine is the one that judges live. Where a scan says that
nothing can lead the rule on, the values up to the next one that may are passed over; the state
behind them is the one that the engine would have come to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import Instant
from stadtsinn.rules import machine
from stadtsinn.rules.history.column import NOTHING, Column, Mask, Numbers
from stadtsinn.rules.history.scan import Scan
from stadtsinn.rules.kind import Notes
from stadtsinn.rules.state import Effect, Phase, RuleState
from stadtsinn.rules.terms import Terms


@dataclass(frozen=True)
class Happened:
    """What a step at `now` led to; `before` is the state that it led on, `notes` are those of the
    kind after it."""

    now: Instant
    effect: Effect
    before: RuleState
    notes: Notes
    permitted: float | None = None


@dataclass(frozen=True)
class Section:
    """From `start` on it is judged by these terms: other devices report otherwise often."""

    start: Instant
    terms: Terms


class Exhausted(Exception):
    """The engine would have to judge more values than it may."""


class Course:
    """A rule that goes through a history. `judged` counts what the engine judged itself, at most
    `most` values: then it raises Exhausted. `second` is what a comparison sensor measured."""

    def __init__(
        self,
        column: Column,
        found: Scan | None = None,
        most: int | None = None,
        second: Column = NOTHING,
    ) -> None:
        self._most = most
        self._second = second
        self._beside = 0
        self.state = RuleState()
        self.judged = 0
        self._column = column
        self._scan = found
        self._rousing = _places(found.rouses) if found else None
        self._freeing = _places(found.frees) if found and found.frees is not None else None
        self._judging = _places(found.judges) if found and found.judges is not None else None
        self._gaps: dict[int, Numbers] = {}

    def run(self, sections: Sequence[Section], end: Instant) -> Iterator[Happened]:
        """All that happens up to `end`, in its order; the first section begins it."""
        ends = [*(one.start for one in sections[1:]), end]
        for section, until in zip(sections, ends, strict=True):
            yield from self._section(section, until)

    def _section(self, section: Section, until: Instant) -> Iterator[Happened]:
        terms, column = section.terms, self._column
        number, last = column.first_at(section.start), column.first_at(until)
        while number < last:
            judged = self._next_to_judge(terms, number, last)
            if judged > number:
                self._pass_over(number, judged - 1)
                number = judged
                continue
            one = column.sample(number)
            yield from self._tick(terms, one.at)
            self._look_beside(terms, one.at)
            before = self.state
            self.state, effects = machine.sample(
                terms, before, one.at, one.value, one.at, one.permitted, one.source, one.streams
            )
            self.judged += 1
            if self._most is not None and self.judged > self._most:
                raise Exhausted
            for effect in effects:
                yield Happened(one.at, effect, before, self.state.notes, one.permitted)
            number += 1
        yield from self._tick(terms, until)

    def _look_beside(self, terms: Terms, until: Instant) -> None:
        """Note what a comparison sensor measured up to then."""
        second = self._second
        while self._beside < len(second) and second.times[self._beside] <= until:
            self.state = machine.beside(terms, self.state, second.sample(self._beside))
            self._beside += 1

    def _tick(self, terms: Terms, until: Instant) -> Iterator[Happened]:
        """What time alone does before `until`, at the moments at which it is due."""
        while (due := machine.next_due(terms, self.state)) is not None and due < until:
            before = self.state
            self.state, effects = machine.tick(terms, before, due)
            for effect in effects:
                yield Happened(due, effect, before, self.state.notes)
            if self.state == before:
                return

    def _next_to_judge(self, terms: Terms, number: int, last: int) -> int:
        """The first value from this number on that may lead the rule on."""
        state = self.state
        if self._judging is not None:
            judging = min(last, _first_from(self._judging, number))
            if judging > number:
                return self._before_time_leads_on(terms, number, judging)
        if self._rousing is None or state.last_event is None or state.since is not None:
            return number
        if state.phase is Phase.OK:
            places = [self._rousing]
        elif (
            state.phase is Phase.FIRING
            and state.announced
            and terms.active is None
            and self._freeing is not None
        ):
            places = [self._freeing]
        else:
            return number
        if state.phase is not Phase.OK or terms.kind.of_silence:
            if state.stale or self._column.times[number] - state.last_event > terms.stale_after:
                return number
            places.append(self._behind_gaps(terms.stale_after))
        found = min([last, *(_first_from(some, number) for some in places)])
        if self._judging is None or state.phase is Phase.OK:
            return found
        # Behind the last that is judged there may be a while in which data is missing.
        before = int(np.searchsorted(self._judging, found)) - 1
        return found if before < 0 else int(self._judging[before]) + 1

    def _before_time_leads_on(self, terms: Terms, number: int, judging: int) -> int:
        """The first value from this number on before which time leads on; the one of `judging` at
        the latest. Those before are only noted."""
        due = machine.next_due(terms, self.state)
        if due is None:
            return judging
        return max(number, min(judging, int(np.searchsorted(self._column.times, due, "right"))))

    def _behind_gaps(self, stale_after: int) -> Numbers:
        """The values before which data was missing."""
        found = self._gaps.get(stale_after)
        if found is None:
            times, judging = self._column.times, self._judging
            if judging is None:
                found = np.flatnonzero(np.diff(times) > stale_after) + 1
            else:
                found = judging[1:][np.diff(times[judging]) > stale_after]
            self._gaps[stale_after] = found
        return found

    def _pass_over(self, first: int, last: int) -> None:
        """The state after the values of these numbers, which led to nothing."""
        assert self._scan is not None
        notes, value = self._scan.noted(last)
        if self._judging is not None:
            behind = int(np.searchsorted(self._judging, last, "right"))
            last = int(self._judging[behind - 1]) if behind else -1
        if last < first:
            self.state = replace(self.state, notes=notes)
            return
        self.state = replace(
            self.state,
            level=0 if self.state.phase is Phase.OK else self.state.level,
            samples=0,
            stale=False,
            last_event=Instant(int(self._column.times[last])),
            last_value=value,
            notes=notes,
        )


def _places(mask: Mask) -> Numbers:
    return np.flatnonzero(mask)


def _first_from(places: Numbers, number: int) -> int:
    """The first of the places that is not before `number`; behind all of them: none is."""
    found = int(np.searchsorted(places, number))
    return int(places[found]) if found < len(places) else _NONE


_NONE = 2**62
