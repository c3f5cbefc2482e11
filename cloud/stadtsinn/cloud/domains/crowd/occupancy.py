"""Occupancy of a zone from the counts of its gates: a pure computation, the only one.

The live number, the history per minute and the public chart all come from `ZoneTally`, so they
cannot disagree. Between two reports of a gate its persons are interpolated; the bounds take
the whole report interval, so they hold whenever the persons really passed. Times are `Instant`,
numbers are persons.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.domains.crowd.counting import CountPoint, CountRule, Report, recent_rate

MISSED_REPORTS = 3
"""A gate is silent after so many expected reports without one."""


SHARE_MAY_GROW = 1.5
"""By how much a silent gate's share of all who pass may have grown since it reported."""

UNSURE_SHARE = 0.02
"""A day is not learned from where more of those who came are uncertain."""

_ENOUGH = 50
"""Persons from which on a share says something."""

_MOST = 2**31 - 1
"""A number of persons that every database keeps."""

POINTS_BEFORE = 6
"""Count points from before the first moment of interest: they give the recent pace."""


class Counted(NamedTuple):
    """Persons of a line up to a moment: estimate, lower and upper bound. `doubt` is how many may
    be wrong, `variance` that of what was estimated for lost counts."""

    estimate: float
    least: float
    most: float
    doubt: int
    variance: int


class Line:
    """The count points of one direction of a gate, in order of time."""

    def __init__(
        self,
        rule: CountRule,
        points: Sequence[CountPoint] = (),
        by_device: Mapping[str, CountRule] = MappingProxyType({}),
    ) -> None:
        """`rule` holds for devices that are not in `by_device`."""
        self.rule = rule
        self._by_device = by_device
        self.points = list(points)
        self.times = [point.time for point in self.points]

    def rule_for(self, report: Report) -> CountRule:
        """How the counter of the device that sent this counts."""
        return self._by_device.get(report.dev_eui, self.rule)

    @property
    def last(self) -> Instant | None:
        return self.points[-1].time if self.points else None

    def drop_before(self, moment: int) -> None:
        """Keep what is needed to compute from a moment on."""
        keep = max(0, bisect_right(self.times, moment) - POINTS_BEFORE)
        del self.points[:keep], self.times[:keep]

    def append(self, point: CountPoint) -> None:
        """Add a point newer than all others."""
        self.points.append(point)
        self.times.append(point.time)

    def at(self, moment: int, unreported: float | None = None) -> Counted:
        """Persons counted up to a moment. `unreported` says how many at most passed since the last
        report; None: as many as at the busiest recent pace."""
        index = bisect_right(self.times, moment)
        if index == 0:
            if not self.points:
                return Counted(0.0, 0.0, 0.0, 0, 0)
            first = self.points[0]
            before = float(first.counted - first.delta)
            return Counted(before, before, before, first.doubt, first.variance)
        earlier = self.points[index - 1]
        counted = earlier.counted
        elapsed = moment - earlier.time
        if elapsed == 0 or index == len(self.points):
            more = self.at_recent_pace(elapsed) if unreported is None else unreported
            most = counted + more
            return Counted(counted, counted, most, earlier.doubt, earlier.variance)
        later = self.points[index]
        between = later.delta * elapsed / (later.time - earlier.time)
        return Counted(counted + between, counted, later.counted, later.doubt, later.variance)

    def is_silent_at(self, moment: int) -> bool:
        """Whether reports are missing: the last one is too long ago."""
        return bool(self.points) and moment - self.times[-1] > MISSED_REPORTS * self.rule.interval

    def passed(self, start: int, end: int) -> float:
        """The estimate of how many passed in a time."""
        return self.at(end, 0).estimate - self.at(start, 0).estimate

    def at_recent_pace(self, elapsed: int) -> float:
        """How many may have passed since the last report: at the busiest recent pace."""
        if not elapsed:
            return 0.0
        pace = max(recent_rate(self.points), 1 / self.rule.interval)
        return min(pace * elapsed, self.most_in(elapsed))

    def most_in(self, elapsed: int) -> float:
        """How many can pass in a time."""
        return self.rule.max_rate / MINUTE * elapsed


def unreported_by(lines: Sequence[Line], start: int, moment: int) -> list[float | None]:
    """How many may have passed at silent lines since their last reports, for each of these lines of
    one direction; None: what its own recent pace says.

    A pace of the past says little about the hours that follow. The lines that report do: while all
    of them reported, from `start` on, the silent one had a share of theirs, and at most
    `SHARE_MAY_GROW` times that share is what it may have of theirs since.
    """
    silent = [line for line in lines if line.is_silent_at(moment)]
    if not silent or len(silent) == len(lines):
        return [None] * len(lines)
    live = [line for line in lines if line not in silent]
    return [_by_share(line, live, start, moment) if line in silent else None for line in lines]


def _by_share(line: Line, live: Sequence[Line], start: int, moment: int) -> float | None:
    last, newest = line.times[-1], line.points[-1].counted
    if newest - line.points[0].counted < _ENOUGH:
        return None  # too few to know a share from, also without looking closely
    own = newest - line.at(start).estimate
    theirs = sum(one.passed(start, last) for one in live)
    if own < _ENOUGH or theirs < _ENOUGH:
        return None
    since = sum(one.passed(last, moment) for one in live)
    at_first = line.at_recent_pace(MISSED_REPORTS * line.rule.interval)
    return min(at_first + SHARE_MAY_GROW * since * own / theirs, line.most_in(moment - last))


@dataclass(frozen=True)
class GateLines:
    """A gate as the zone sees it: persons who came in and who went out."""

    gate_id: int
    inward: Line
    outward: Line

    @property
    def interval(self) -> int:
        return self.inward.rule.interval

    @property
    def last(self) -> int | None:
        """When the gate last reported anything."""
        ends = [line.last for line in (self.inward, self.outward) if line.last is not None]
        return max(ends, default=None)

    @property
    def complete_until(self) -> int | None:
        """Until when both directions are known."""
        ends = [line.last for line in (self.inward, self.outward) if line.last is not None]
        return min(ends, default=None)

    def around(self, start: int, end: int) -> tuple[int | None, int | None]:
        """The newest report at or before `start`, and the first one after it until `end`."""
        before, first = [], []
        for line in (self.inward, self.outward):
            index = bisect_right(line.times, start)
            before += line.times[index - 1 : index] if index else []
            first += [time for time in line.times[index : index + 1] if time <= end]
        return max(before, default=None), min(first, default=None)

    def silent_at(self, moment: int) -> bool:
        """Whether the reports around a moment are too far apart: the gate is silent at it."""
        allowed = MISSED_REPORTS * self.interval
        earlier, later = -math.inf, math.inf
        for line in (self.inward, self.outward):
            index = bisect_right(line.times, moment)
            if index:
                earlier = max(earlier, line.times[index - 1])
            if index < len(line.times):
                later = min(later, line.times[index])
        if later == math.inf:
            return moment - earlier > allowed
        if earlier == -math.inf:
            return later - moment > allowed
        return later - earlier > allowed


@dataclass(frozen=True)
class Estimate:
    """Persons in the zone at a moment; the truth lies within [low, high], all >= 0."""

    time: Instant
    occupancy: int
    low: int
    high: int
    degraded: bool


@dataclass(frozen=True)
class Clamp:
    """The baseline was raised at a minute, because more persons had left than came."""

    time: Instant
    amount: float


@dataclass(frozen=True)
class _Flow:
    """Sums over the gates at a moment."""

    came: float
    left: float
    low: float  # fewest who came minus most who left
    high: float
    doubt: int
    variance: int


def counting_error(expected_errors: float) -> float:
    """How far counting may be off, given the expected number of wrong counts.

    The stated share of errors holds over many persons. Over few, chance scatters more than
    the share says: twice the standard deviation of so many single errors.
    """
    return max(expected_errors, 2 * math.sqrt(expected_errors))


class ZoneTally:
    """Occupancy from a known number `base` at `start` until the next known number.

    The baseline is raised when more persons left than can have been inside ("zero clamp"),
    decided once per full minute and only when all gates that are not silent have reported
    beyond it (`settle`): before, the shortfall may only be a gate that reports later.
    """

    def __init__(
        self,
        gates: Sequence[GateLines],
        error_in: float,
        error_out: float,
        start: Instant,
        base: int,
        out_ratio: float = 1.0,
    ) -> None:
        """`out_ratio`: who leaves counts so much, see `drift`."""
        self.out_ratio = out_ratio
        self.gates = tuple(gates)
        self.start = start
        self.base = base
        self._error_in = error_in
        self._error_out = error_out
        self._origin: _Flow | None = None
        self.settled = int(start)
        self.clamps: list[Clamp] = []
        self._raised = 0.0
        self._surely = [(int(start), 0.0)]
        """By how much the baseline is raised for certain, from which minutes on."""

    def note_new_point(self, line: Line) -> bool:
        """Call after `line.append`; True when settled minutes had to be opened again."""
        before = line.times[-2] if len(line.times) > 1 else None
        if before is None or before <= self.start:
            self._origin = None
        if before is None or before >= self.settled:
            return False
        # What was known up to the line's report before stays as it was.
        self.settled = max(int(self.start), before // MINUTE * MINUTE)
        self.clamps = [clamp for clamp in self.clamps if clamp.time <= self.settled]
        self._raised = sum(clamp.amount for clamp in self.clamps)
        while self._surely[-1][0] > self.settled:
            self._surely.pop()
        return True

    @property
    def newest(self) -> int | None:
        """The newest report of any gate."""
        return max((gate.last for gate in self.gates if gate.last is not None), default=None)

    def horizon(self, moment: int) -> int | None:
        """Until when all gates that are not silent at `moment` have reported."""
        ends = [
            gate.complete_until
            for gate in self.gates
            if gate.complete_until is not None
            and moment - gate.complete_until <= MISSED_REPORTS * gate.interval
        ]
        return min(ends, default=None)

    def settle(self, until: int) -> list[Clamp]:
        """Decide the zero clamp of each full minute up to `until`; returns the new ones."""
        fresh: list[Clamp] = []
        minute = (self.settled // MINUTE + 1) * MINUTE
        while minute <= until:
            flow = self._flow(minute)
            shortfall = -(self.base + flow.came - flow.left)
            if shortfall > self._raised + 1e-9:
                fresh.append(Clamp(Instant(minute), shortfall - self._raised))
                self._raised = shortfall
            if (surely := -(self.base + flow.high)) > self._surely[-1][1]:
                self._surely.append((minute, surely))
            self.settled = minute
            minute += MINUTE
        self.clamps += fresh
        return fresh

    def estimate(self, moment: int) -> Estimate:
        """Persons inside at a moment not before `start`, by what is known so far."""
        flow = self._flow(moment)
        errors = self._error_in * max(0.0, flow.came) + self._error_out * max(0.0, flow.left)
        margin = counting_error(errors) + flow.doubt + 2 * math.sqrt(flow.variance)
        middle = self.base + flow.came - flow.left + self._raised
        high = max(middle, self.base + flow.high + self._raised, 0.0) + margin
        low = min(middle, self.base + flow.low + self._surely[-1][1]) - margin
        return Estimate(
            Instant(moment),
            occupancy=min(_MOST, round(max(0.0, middle))),
            low=min(_MOST, max(0, math.floor(low + 1e-9))),
            high=min(_MOST, math.ceil(high - 1e-9)),
            degraded=any(gate.silent_at(moment) for gate in self.gates),
        )

    def recovers_at(self, moment: int) -> bool:
        """Whether all gates were silent until just now, and some have not reported again.

        What may have passed at those meanwhile is in the upper bound, and goes with their next
        report. After as long as makes a gate silent they are, and the bound stands for what it is.
        """
        allowed = MISSED_REPORTS * max((gate.interval for gate in self.gates), default=0)
        spans = [gate.around(moment - allowed, moment) for gate in self.gates]
        first = min((first for _, first in spans if first is not None), default=None)
        before = max((before for before, _ in spans if before is not None), default=None)
        if first is None or before is None or first - before <= allowed:
            return False
        return any(before is not None and own is None for before, own in spans)

    def whole_day(self, end: Instant) -> tuple[int, int] | None:
        """How many came and left until `end`, as they were counted; None where that is not known
        well enough to learn from."""
        flow = self._flow(end)
        unsure = flow.doubt + 2 * math.sqrt(flow.variance) > UNSURE_SHARE * flow.came
        minutes = range(self.start, end, HOUR)
        if unsure or any(gate.silent_at(minute) for gate in self.gates for minute in minutes):
            return None
        return round(flow.came), round(flow.left / self.out_ratio)

    def _flow(self, moment: int) -> _Flow:
        """Who came and left since `start`."""
        if self._origin is None:
            self._origin = self._sums(self.start)
        now, then = self._sums(moment), self._origin
        return _Flow(
            now.came - then.came,
            now.left - then.left,
            # The uncertainty at the start widens the bounds: persons of the report interval that
            # contains it may have passed before or after the known number.
            now.low - (then.high if moment > self.start else then.low),
            now.high - (then.low if moment > self.start else then.high),
            now.doubt - then.doubt,
            now.variance - then.variance,
        )

    def _sums(self, moment: int) -> _Flow:
        came = left = low = high = 0.0
        doubt = variance = 0
        inwards = unreported_by([gate.inward for gate in self.gates], self.start, moment)
        outwards = unreported_by([gate.outward for gate in self.gates], self.start, moment)
        for gate, more_in, more_out in zip(self.gates, inwards, outwards, strict=True):
            inward, outward = gate.inward.at(moment, more_in), gate.outward.at(moment, more_out)
            came += inward.estimate
            left += self.out_ratio * outward.estimate
            low += inward.least - self.out_ratio * outward.most
            high += inward.most - self.out_ratio * outward.least
            doubt += inward.doubt + outward.doubt
            variance += inward.variance + outward.variance
        return _Flow(came, left, low, high, doubt, variance)


def minutes_between(start: int, end: int) -> range:
    """The full minutes with start <= minute < end."""
    return range(-(-start // MINUTE) * MINUTE, end, MINUTE)
