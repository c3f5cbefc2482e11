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

from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.domains.crowd.counting import CountPoint, CountRule, Report, recent_rate

MISSED_REPORTS = 3
"""A gate is silent after so many expected reports without one."""


_MOST = 2**31 - 1
"""A number of persons that every database keeps."""

POINTS_BEFORE = 6
"""Count points from before the first moment of interest: they give the recent pace."""


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

    def at(self, moment: int) -> tuple[float, float, float, int]:
        """Persons counted up to a moment: estimate, lower and upper bound; and their doubt."""
        index = bisect_right(self.times, moment)
        if index == 0:
            if not self.points:
                return 0.0, 0.0, 0.0, 0
            first = self.points[0]
            before = float(first.counted - first.delta)
            return before, before, before, first.doubt
        earlier = self.points[index - 1]
        counted = earlier.counted
        elapsed = moment - earlier.time
        if elapsed == 0:
            return counted, counted, counted, earlier.doubt
        if index == len(self.points):
            return counted, counted, counted + self._unreported(elapsed), earlier.doubt
        later = self.points[index]
        between = later.delta * elapsed / (later.time - earlier.time)
        return counted + between, counted, later.counted, later.doubt

    def _unreported(self, elapsed: int) -> float:
        """How many may have passed since the last report: at the busiest recent pace."""
        pace = max(recent_rate(self.points), 1 / self.rule.interval)
        return min(pace, self.rule.max_rate / MINUTE) * elapsed


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
    ) -> None:
        self.gates = tuple(gates)
        self.start = start
        self.base = base
        self._error_in = error_in
        self._error_out = error_out
        self._origin: _Flow | None = None
        self.settled = int(start)
        self.clamps: list[Clamp] = []
        self._raised = 0.0
        self._raised_surely = 0.0

    def note_new_point(self, line: Line) -> bool:
        """Call after `line.append`; True when settled minutes had to be opened again."""
        before = line.times[-2] if len(line.times) > 1 else None
        if before is None or before <= self.start:
            self._origin = None
        if before is None or before >= self.settled:
            return False
        self.settled = int(self.start)
        self.clamps = []
        self._raised = self._raised_surely = 0.0
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
            self._raised_surely = max(self._raised_surely, -(self.base + flow.high))
            self.settled = minute
            minute += MINUTE
        self.clamps += fresh
        return fresh

    def estimate(self, moment: int) -> Estimate:
        """Persons inside at a moment not before `start`, by what is known so far."""
        flow = self._flow(moment)
        errors = self._error_in * max(0.0, flow.came) + self._error_out * max(0.0, flow.left)
        margin = counting_error(errors) + flow.doubt
        middle = self.base + flow.came - flow.left + self._raised
        high = max(middle, self.base + flow.high + self._raised, 0.0) + margin
        low = min(middle, self.base + flow.low + self._raised_surely) - margin
        return Estimate(
            Instant(moment),
            occupancy=min(_MOST, round(max(0.0, middle))),
            low=min(_MOST, max(0, math.floor(low + 1e-9))),
            high=min(_MOST, math.ceil(high - 1e-9)),
            degraded=any(gate.silent_at(moment) for gate in self.gates),
        )

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
        )

    def _sums(self, moment: int) -> _Flow:
        came = left = low = high = 0.0
        doubt = 0
        for gate in self.gates:
            estimate, least, most, unsure = gate.inward.at(moment)
            came += estimate
            low += least
            high += most
            doubt += unsure
            estimate, least, most, unsure = gate.outward.at(moment)
            left += estimate
            low -= most
            high -= least
            doubt += unsure
        return _Flow(came, left, low, high, doubt)


def minutes_between(start: int, end: int) -> range:
    """The full minutes with start <= minute < end."""
    return range(-(-start // MINUTE) * MINUTE, end, MINUTE)
