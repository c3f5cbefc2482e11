"""Real counts as the gates of a zone: published counts become persons who pass, and persons become
the reports of counters that lose uplinks, begin at zero again and die.

A published count says how many passed in a quarter of an hour; when in it they passed is drawn.
Who left before anybody was counted in was there at the beginning: that number is known.
"""

from __future__ import annotations

import csv
import random
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from real_parts import require_shared
from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant, parse
from stadtsinn.cloud.domains.crowd.counting import CountKind, CountRule, Report, fold
from stadtsinn.cloud.domains.crowd.occupancy import POINTS_BEFORE, GateLines, Line, ZoneTally
from stadtsinn.cloud.domains.crowd.setup import CLICKERS_SIGN_OF_LIFE

QUARTERS = 96
STATED_ERROR = 0.02
"""What the data sheets state; each gate's own bias is drawn up to it, in either direction."""
LOST = 0.2
DAWN = parse("2026-06-01T00:00:00+02:00")

_NEVER = Instant(DAWN + 2 * DAY)

Day = Sequence[tuple[int, int]]
"""How many came and left, by equal parts of a day."""


@dataclass(frozen=True)
class Passages:
    """When persons passed a gate inwards and outwards, in order."""

    came: Sequence[int]
    left: Sequence[int]

    @property
    def directions(self) -> tuple[Sequence[int], Sequence[int]]:
        return self.came, self.left


def bicycles(name: str) -> list[Day]:
    """The whole days of a file: without those when the clocks change, and those with gaps."""
    days: dict[str, list[tuple[int, int]]] = {}
    path = require_shared(f"data/muenster-bicycles/{name}.csv")
    for row in csv.reader(path.read_text().splitlines()[1:]):
        counted = days.setdefault(row[0][:10], [])
        if row[2] and row[3]:
            counted.append((int(row[2]), int(row[3])))
    return [day for day in days.values() if len(day) == QUARTERS]


def pedestrians(name: str) -> list[Day]:
    """The days of a file, by hours."""
    days: dict[str, list[tuple[int, int]]] = {}
    path = require_shared(f"data/moers-pedestrians/{name}.csv")
    lines = path.read_text(encoding="iso-8859-1").splitlines()[1:]
    for row in csv.reader(lines, delimiter=";"):
        days.setdefault(row[1][:10], []).append((int(row[6]), int(row[7])))
    return [day for day in days.values() if len(day) == 24]


def passages(day: Day, chance: random.Random) -> Passages:
    part = DAY // len(day)
    return Passages(*(_times([one[way] for one in day], part, chance) for way in (0, 1)))


def _times(counts: Sequence[int], part: int, chance: random.Random) -> list[int]:
    return sorted(
        DAWN + index * part + chance.randrange(part)
        for index, count in enumerate(counts)
        for _ in range(count)
    )


@dataclass(frozen=True)
class Faults:
    """What goes wrong at a gate: when its counter begins at zero again, and from when on it is
    dead. A `joins` one joins anew at a reset."""

    resets: tuple[Instant, ...] = ()
    dead_from: Instant = _NEVER
    joins: bool = True


def reports(
    index: int, kind: CountKind, passing: Passages, faults: Faults, chance: random.Random
) -> Iterator[tuple[Report, Report]]:
    """What arrives of a counter, a pair for its two directions, in order of time."""
    bias = chance.uniform(-STATED_ERROR, STATED_ERROR)
    seen = [list(_seen(times, bias, chance)) for times in passing.directions]
    summed = [[0, *accumulate(times for _, times in line)] for line in seen]
    moments = [[time for time, _ in line] for line in seen]
    began, before, session = [0, 0], [0, 0], 0
    resets = list(faults.resets)
    phase = chance.randrange(MINUTE)
    for f_cnt, time in enumerate(range(DAWN + phase, DAWN + DAY, MINUTE)):
        if time >= faults.dead_from:
            return
        counted = [
            total[bisect_right(line, time)] for line, total in zip(moments, summed, strict=True)
        ]
        if resets and resets[0] <= time:
            at = resets.pop(0)
            began = [t[bisect_right(line, at)] for line, t in zip(moments, summed, strict=True)]
            before, session = list(began), session + 1
        steps = [now - then for now, then in zip(counted, before, strict=True)]
        if kind is CountKind.CLICKER and not any(steps) and f_cnt % 10:
            continue  # it sends when it was pressed, and a sign of life each ten minutes
        before = counted
        if chance.random() < LOST:
            continue
        address = f"0000000{session if faults.joins else 0}"
        totals = [now - start for now, start in zip(counted, began, strict=True)]
        coming, leaving = (
            Report(
                Instant(time),
                f"70b3d5e75e00000{index}",
                address,
                0,
                f_cnt,
                totals[way] if kind is CountKind.TOTAL else None,
                steps[way],
            )
            for way in (0, 1)
        )
        yield coming, leaving


def _seen(times: Sequence[int], bias: float, chance: random.Random) -> Iterator[tuple[int, int]]:
    """Passages as a counter sees them: some missed, or some counted twice."""
    for time in times:
        wrong = chance.random() < abs(bias)
        yield time, 1 + (wrong if bias > 0 else -wrong)


@dataclass(frozen=True)
class Minute:
    """One minute of a replay: what was said, and what was so."""

    time: Instant
    truth: int
    low: int
    high: int
    degraded: bool

    @property
    def holds(self) -> bool:
        return self.low <= self.truth <= self.high


def replay(
    days: Sequence[Day], kinds: Sequence[CountKind], seed: int, faults: Mapping[int, Faults]
) -> list[Minute]:
    """A day of a zone with one gate for each of `days`, as it is seen while it passes."""
    chance = random.Random(seed)
    passing = [passages(day, chance) for day in days]
    base = _there_at_dawn(passing)
    lines = [[Line(_rule(kind)), Line(_rule(kind))] for kind in kinds]
    gates = [GateLines(index, *pair) for index, pair in enumerate(lines)]
    tally = ZoneTally(gates, STATED_ERROR, STATED_ERROR, DAWN, base)
    arriving = sorted(
        (
            (pair[0].time, index, pair)
            for index, kind in enumerate(kinds)
            for pair in reports(index, kind, passing[index], faults.get(index, Faults()), chance)
        ),
        key=lambda one: one[:2],
    )
    found, reached = [], 0
    for minute in range(DAWN + 10 * MINUTE, DAWN + DAY, MINUTE):
        while reached < len(arriving) and arriving[reached][0] <= minute:
            _, index, pair = arriving[reached]
            reached += 1
            for line, report in zip(lines[index], pair, strict=True):
                point = fold(line.points[-POINTS_BEFORE:], report, line.rule)
                if point is not None:
                    line.append(point)
                    tally.note_new_point(line)
        horizon = tally.horizon(minute)
        if horizon is not None:
            tally.settle(horizon)
        said = tally.estimate(minute)
        inside = base + sum(
            bisect_right(one.came, minute) - bisect_right(one.left, minute) for one in passing
        )
        found.append(Minute(Instant(minute), inside, said.low, said.high, said.degraded))
    return found


def _there_at_dawn(passing: Sequence[Passages]) -> int:
    steps = sorted(
        [(time, 1) for one in passing for time in one.came]
        + [(time, -1) for one in passing for time in one.left]
    )
    return -min(0, *accumulate(step for _, step in steps))


def _rule(kind: CountKind) -> CountRule:
    interval = CLICKERS_SIGN_OF_LIFE if kind is CountKind.CLICKER else MINUTE
    return CountRule(65_536, 120, interval, kind)


def a_bad_day(seed: int, gates: int) -> dict[int, Faults]:
    """Three resets at three gates, and a fourth one that dies at some time between six and six."""
    chance = random.Random(seed)
    unlucky = chance.sample(range(gates), 4)
    found = {
        gate: Faults((Instant(DAWN + chance.randrange(6 * HOUR, 20 * HOUR)),), joins=joins)
        for gate, joins in zip(unlucky, (True, False, True), strict=False)
    }
    found[unlucky[3]] = Faults(dead_from=Instant(DAWN + chance.randrange(6 * HOUR, 18 * HOUR)))
    return found
