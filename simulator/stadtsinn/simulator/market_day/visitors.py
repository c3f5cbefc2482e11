"""The visitors of the market: who goes through which gate when, and what its counter makes of it.

The programme of the day fixes how many people are on the square; each minute some more come
and go without changing that number. Two things are kept apart: the persons (the truth) and the
passages a counter saw. A counter misses one person in some hundred or counts one twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.simulator.market_day.calendar import DayPlan, Span
from stadtsinn.simulator.market_day.town import COUNTERS, CounterPlan
from stadtsinn.simulator.randomness import stream

PROGRAMME = (
    ("07:00", 0),  # the market opens
    ("08:00", 150),
    ("09:00", 350),
    ("10:00", 520),
    ("10:35", 600),
    ("10:50", 980),  # brass band: more persons than the limit
    ("11:08", 1010),
    ("11:22", 390),
    ("11:46", 380),  # a speech: hardly anybody comes or goes, and then the line is cut
    ("11:58", 1000),  # glockenspiel: more than the limit, during the outage
    ("12:03", 995),
    ("12:14", 390),
    ("13:05", 500),
    ("13:20", 1020),  # tombola: more than the limit again
    ("13:42", 1000),
    ("14:00", 460),
    ("14:30", 250),
    ("15:00", 40),
    ("15:15", 0),  # the square is cleaned
)
"""Local time and persons on the square; straight lines between."""

_TURNOVER = 3.5
"""Persons a minute who come while as many others go."""

_SPEECH = ("11:26", "11:46")
_TURNOVER_AT_SPEECH = 0.3
"""When the line is cut the cloud must expect people to keep moving as they last did. After a
quiet quarter of an hour that does not fill the square within the hour of the outage."""

_FIRST_MISCOUNT = (70, 130)
"""Persons between two miscounts: about one per cent, and never above one in seventy, so that
the zone's stated error of two per cent holds from the first person on."""

_DOUBLED_SHARE = 0.3


@dataclass(frozen=True)
class Passages:
    """Moments in order at which somebody crossed a gate, inwards and outwards."""

    inwards: tuple[Instant, ...]
    outwards: tuple[Instant, ...]

    def count(self, moment: Instant) -> tuple[int, int]:
        """Passages inwards and outwards up to and including `moment`."""
        return bisect_right(self.inwards, moment), bisect_right(self.outwards, moment)


@dataclass(frozen=True)
class Gate:
    """A gate of the market with its persons and with what its counter saw of them."""

    plan: CounterPlan
    persons: Passages
    counted: Passages


@dataclass(frozen=True)
class Visitors:
    """Everybody who was at the market."""

    gates: tuple[Gate, ...]

    def inside(self, moment: Instant) -> int:
        """Persons on the square at `moment`."""
        return _difference([gate.persons for gate in self.gates], moment)

    def counted_inside(self, moment: Instant) -> int:
        """Persons on the square if the counters were right."""
        return _difference([gate.counted for gate in self.gates], moment)

    def counted_passages(self, moment: Instant) -> tuple[int, int]:
        """Passages seen by all counters up to `moment`, inwards and outwards."""
        counts = [gate.counted.count(moment) for gate in self.gates]
        return sum(inwards for inwards, _ in counts), sum(outwards for _, outwards in counts)


def _difference(gates: Sequence[Passages], moment: Instant) -> int:
    counts = [passages.count(moment) for passages in gates]
    return sum(inwards - outwards for inwards, outwards in counts)


def market_visitors(plan: DayPlan, seed: int) -> Visitors:
    """The visitors of a day; the same for the same seed."""
    inwards, outwards = _movements(plan, stream(seed, "visitors"))
    chance = stream(seed, "gates")
    by_gate_in = _spread(inwards, [gate.share_in for gate in COUNTERS], chance)
    by_gate_out = _spread(outwards, [gate.share_out for gate in COUNTERS], chance)
    gates = []
    for counter, coming, going in zip(COUNTERS, by_gate_in, by_gate_out, strict=True):
        error = stream(seed, f"miscounts {counter.slug}")
        counted = Passages(_miscounted(coming, error), _miscounted(going, error))
        gates.append(Gate(counter, Passages(tuple(coming), tuple(going)), counted))
    return Visitors(tuple(gates))


def _movements(plan: DayPlan, chance: Random) -> tuple[list[Instant], list[Instant]]:
    """Arrivals and departures of the whole square, in order."""
    arrivals: list[Instant] = []
    departures: list[Instant] = []
    levels = _levels(plan, chance)
    speech = Span(plan.at(_SPEECH[0]), plan.at(_SPEECH[1]))
    for (minute, before), (_next, after) in pairwise(levels):
        # Only persons present at the minute's start leave in it: occupancy never gets negative.
        usual = _TURNOVER_AT_SPEECH if minute in speech else _TURNOVER
        turnover = min(_poisson(usual, chance), before // 4, after // 4)
        coming, going = turnover + max(after - before, 0), turnover + max(before - after, 0)
        arrivals += sorted(_moments(minute, coming, chance))
        departures += sorted(_moments(minute, going, chance))
    return arrivals, departures


def _levels(plan: DayPlan, chance: Random) -> list[tuple[Instant, int]]:
    """Persons on the square at each full minute of the programme."""
    levels = []
    marks = [(plan.at(clock), level) for clock, level in PROGRAMME]
    speech = Span(plan.at(_SPEECH[0]), plan.at(_SPEECH[1]))
    for (start, low), (end, high) in pairwise(marks):
        for minute in map(Instant, range(start, end, MINUTE)):
            exact = low + (high - low) * (minute - start) / (end - start)
            noise = chance.gauss(0, 3) if exact > 50 and minute not in speech else 0
            levels.append((minute, round(exact + noise)))
    return [*levels, marks[-1]]


def _moments(minute: Instant, number: int, chance: Random) -> list[Instant]:
    return [Instant(minute + chance.randrange(60_000) * SECOND // 1000) for _ in range(number)]


def _poisson(mean: float, chance: Random) -> int:
    """Events in a minute with `mean` expected, by the gaps between them."""
    number, passed = 0, chance.expovariate(mean)
    while passed < 1:
        number += 1
        passed += chance.expovariate(mean)
    return number


def _spread(
    moments: Sequence[Instant], shares: Sequence[float], chance: Random
) -> list[list[Instant]]:
    """Give each person a gate."""
    by_gate: list[list[Instant]] = [[] for _ in shares]
    chosen = chance.choices(range(len(shares)), shares, k=len(moments))
    for gate, moment in zip(chosen, moments, strict=True):
        by_gate[gate].append(moment)
    return by_gate


def _miscounted(persons: Sequence[Instant], chance: Random) -> tuple[Instant, ...]:
    """What a counter saw of `persons`."""
    counted: list[Instant] = []
    until_error = chance.randint(*_FIRST_MISCOUNT)
    for moment in persons:
        until_error -= 1
        if until_error:
            counted.append(moment)
            continue
        until_error = chance.randint(*_FIRST_MISCOUNT)
        if chance.random() < _DOUBLED_SHARE:
            counted += [moment, moment]
    return tuple(counted)
