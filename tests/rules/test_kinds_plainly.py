"""Each kind finds what a plain reference finds, which keeps all samples and looks at all of them.

Whatever the order of samples and ticks: late, repeated, corrected. Samples are half an hour apart,
so that nothing flaps and no two share a part of a span.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.active import Active, Recurring
from stadtsinn.base.calendar import EVERY_DAY, Hours
from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant
from stadtsinn.rules import machine
from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.kinds.band import Band
from stadtsinn.rules.kinds.change import Change, Trend
from stadtsinn.rules.kinds.increase import Increase
from stadtsinn.rules.kinds.levels import Levels
from stadtsinn.rules.kinds.levels import Step as LevelStep
from stadtsinn.rules.kinds.low_battery import LowBattery
from stadtsinn.rules.kinds.no_data import NoData
from stadtsinn.rules.kinds.overstay import Overstay
from stadtsinn.rules.kinds.permit import Permit
from stadtsinn.rules.kinds.registry import KINDS
from stadtsinn.rules.kinds.stuck import Stuck
from stadtsinn.rules.kinds.sum import Sum
from stadtsinn.rules.kinds.threshold import Direction, Threshold
from stadtsinn.rules.state import Closed, Effect, Opened, RuleState
from stadtsinn.rules.terms import Terms

START, STEP = 1_000 * HOUR, 30 * MINUTE
SPAN_S = 5_400
SPAN = SPAN_S * SECOND
PERMITTED = 10.0
UNDER_WAY = 1
"""A tick leaves the moment itself open: a value of it may still come, and decides then."""


@dataclass(frozen=True)
class Value:
    at: int
    value: float
    source: str


Judge = Callable[[Sequence[Value], int], str]
"""What is so at a moment, by all values up to then: reached, between or recovered."""


def by_limits(on: float, off: float, measure: Callable[[Sequence[Value], int], float]) -> Judge:
    def judge(values: Sequence[Value], moment: int) -> str:
        found = round(measure(values, moment), 9)
        return "reached" if found >= on else "recovered" if found <= off else "between"

    return judge


def of_newest_device(values: Sequence[Value]) -> list[Value]:
    return [one for one in values if one.source == values[-1].source]


def newest(values: Sequence[Value], _moment: int) -> float:
    return values[-1].value


def rise(values: Sequence[Value], moment: int) -> float:
    within = [one.value for one in of_newest_device(values) if one.at >= moment - SPAN]
    return values[-1].value - min(within, default=values[-1].value)


def fall(values: Sequence[Value], moment: int) -> float:
    return rise([replace(one, value=-one.value) for one in values], moment)


def amount(values: Sequence[Value], moment: int) -> float:
    return sum(one.value for one in values if one.at > moment - SPAN)


def growth(values: Sequence[Value], moment: int) -> float:
    found = 0.0
    for before, one in pairwise(values):
        if one.source == before.source and one.at > moment - SPAN:
            found += max(0, one.value - before.value)
    return found


def outside(values: Sequence[Value], _moment: int) -> float:
    return abs(values[-1].value - 5)


def stands_still(values: Sequence[Value], moment: int) -> str:
    first = values[0]
    for one in values:
        if one.source != first.source or abs(one.value - first.value) > 1:
            first = one
    return "reached" if moment - first.at >= SPAN else "recovered"


def is_low(values: Sequence[Value], moment: int) -> str:
    mine = of_newest_device(values)
    if mine[-1].value >= 5:
        return "recovered"
    within = [one.value for one in mine if one.at >= moment - SPAN]
    return "reached" if moment - mine[0].at >= SPAN and max(within, default=9) <= 3 else "between"


def never(_values: Sequence[Value], _moment: int) -> str:
    return "recovered"


CASES: list[tuple[RuleKind, Judge]] = [
    (Threshold(on=8, off=3), by_limits(8, 3, newest)),
    (
        Threshold(on=3, off=8, direction=Direction.BELOW),
        by_limits(-3, -8, lambda values, moment: -newest(values, moment)),
    ),
    (Permit(), by_limits(9, 8.5, newest)),
    (Band(low=2, high=8, margin=1), by_limits(3, 2, outside)),
    (Change(on=5, off=1, within_s=SPAN_S), by_limits(5, 1, rise)),
    (Change(on=5, off=1, within_s=SPAN_S, trend=Trend.FALLING), by_limits(5, 1, fall)),
    (Sum(on=12, off=4, within_s=SPAN_S), by_limits(12, 4, amount)),
    (Increase(on=8, off=2, within_s=SPAN_S), by_limits(8, 2, growth)),
    (Stuck(unchanged_s=SPAN_S, tolerance=1), stands_still),
    (LowBattery(on=3, off=5, within_s=SPAN_S), is_low),
    (NoData(silent_s=SPAN_S), never),
    (Levels(levels=(LevelStep(on=8),), margin=5), by_limits(8, 3, newest)),
    # How long a stay may last is the engine's, see test_overstay.py.
    (Overstay(longest_s=SPAN_S, gap_s=0), by_limits(1, 0, newest)),
]


EVENING = (18, 21)
"""When a rule may fire, where it may not always: each day, by the clock."""


def evening_of(moment: int) -> tuple[int, int]:
    """The one that holds the moment, or the next one. In winter Berlin is an hour ahead."""
    midnight = (moment + HOUR) // (24 * HOUR) * 24 * HOUR - HOUR
    start, end = (midnight + hour * HOUR for hour in EVENING)
    return (start, end) if moment < end else (start + 24 * HOUR, end + 24 * HOUR)


@dataclass
class Plain:
    """The incidents of a rule that waits for nothing: when each began and ended."""

    judge: Judge
    of_silence: bool
    by_evening: bool = False
    """It may fire in the evening only."""
    shut_at: int = 0
    values: list[Value] = field(default_factory=list)
    incidents: list[tuple[int, int | None]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return bool(self.incidents) and self.incidents[-1][1] is None

    def sample(self, one: Value) -> None:
        if (self.values and one.at < self.values[-1].at) or one.at < self.shut_at:
            return
        self.time(one.at - 1)
        if (end := self._shuts_at()) is not None and end == one.at:
            self._shut(end)
        self.values = [*(old for old in self.values if old.at != one.at), one]
        self._judged(one.at)

    def time(self, until: int) -> None:
        """Nothing comes until then."""
        if not self.values:
            return
        last = self.values[-1].at
        if self.of_silence:
            self._silence(last + SPAN, until)
            return
        leaving = (one.at + SPAN + more for one in self.values for more in (0, 1))
        end = self._shuts_at()
        for moment in sorted(one for one in leaving if last < one <= until):
            if (end is None or moment < end) and self.judge(self.values, moment) == "recovered":
                self._close(moment)
        if end is not None and end <= until:
            self._shut(end)

    def _silence(self, since: int, until: int) -> None:
        while True:
            moment = max(since, self.shut_at)
            if self.by_evening:
                moment = max(moment, evening_of(moment)[0])
            if until > moment and not self.is_open:
                self._open(moment)
            end = self._shuts_at()
            if end is None or end > until:
                return
            self._shut(end)

    def _shuts_at(self) -> int | None:
        if not self.by_evening or not self.is_open:
            return None
        return evening_of(max(self.values[-1].at, self.incidents[-1][0]))[1]

    def _shut(self, moment: int) -> None:
        self._close(moment)
        self.shut_at = moment

    def _judged(self, moment: int) -> None:
        found = self.judge(self.values, moment)
        if self.by_evening and moment < evening_of(moment)[0]:
            return
        if found == "reached" and not self.is_open:
            self._open(moment)
        elif found == "recovered":
            self._close(moment)

    def _open(self, moment: int) -> None:
        # Two incidents never begin at the same moment.
        before = self.incidents[-1][0] + 1 if self.incidents else moment
        self.incidents.append((max(moment, before), None))

    def _close(self, moment: int) -> None:
        if self.is_open:
            opened_at = self.incidents[-1][0]
            self.incidents[-1] = (opened_at, max(moment, opened_at))


@dataclass(frozen=True)
class Event:
    """At `now` a value comes, or time passes."""

    now: int
    sample: Value | None = None


@st.composite
def courses(draw: st.DrawFn, late: Sequence[int] = (0, 0, 0, 0, 1, 2, 5)) -> list[Event]:
    """In steps. A moment has two values at most; from `swap` on there is another device."""
    now, swap, found = 0, draw(st.integers(0, 30)), []
    times: list[int] = []
    for _ in range(draw(st.integers(4, 16))):
        now += draw(st.sampled_from([0, 1, 1, 1, 2, 3, 6]))
        at = now - draw(st.sampled_from(late))
        if draw(st.integers(0, 3)) == 0 or times.count(at) > 1:
            found.append(Event(START + now * STEP))
            continue
        times.append(at)
        value = draw(st.sampled_from([0.0, 1, 2, 3, 5, 8, 9, 12]))
        one = Value(START + at * STEP, value, "b" if at >= swap else "a")
        found.append(Event(START + now * STEP, one))
    return [*found, Event(START + (now + 1) * STEP), Event(START + (now + 9) * STEP)]


def engine(kind: RuleKind, *, by_evening: bool = False) -> Terms:
    silence = SPAN if kind.of_silence else 10_000 * HOUR
    hours = Hours(EVERY_DAY, *(f"{hour:02}:00" for hour in EVENING))
    active = Active([Recurring(hours)]) if by_evening else None
    age = 10_000 * HOUR
    return Terms(kind, stale_after=silence, max_age=age, patience=UNDER_WAY, active=active)


def found_by(
    kind: RuleKind,
    course: Iterable[Event],
    state: RuleState | None = None,
    *,
    by_evening: bool = False,
) -> tuple[list[tuple[int, int | None]], RuleState]:
    rule, state, effects = (
        engine(kind, by_evening=by_evening),
        state or RuleState(),
        cast("list[Effect]", []),
    )
    for event in course:
        now, one = Instant(event.now), event.sample
        if one is None:
            state, some = machine.tick(rule, state, now)
        else:
            step = machine.sample(
                rule, state, Instant(one.at), one.value, now, PERMITTED, one.source
            )
            state, some = step
        effects += some
    ends = {one.opened_at: one.at for one in effects if isinstance(one, Closed)}
    opened = [one.at for one in effects if isinstance(one, Opened)]
    return [(at, ends.get(at)) for at in opened], state


def plainly(
    kind: RuleKind, judge: Judge, course: Iterable[Event], *, by_evening: bool = False
) -> list[tuple[int, int | None]]:
    plain = Plain(judge, kind.of_silence, by_evening)
    for event in course:
        if event.sample is None:
            plain.time(event.now - UNDER_WAY)
        else:
            plain.sample(event.sample)
    return plain.incidents


IDS = [f"{kind.kind_name}-{number}" for number, (kind, _) in enumerate(CASES)]


def test_every_kind_has_a_reference() -> None:
    joining = {name for name, kind in KINDS.items() if kind.joins}
    assert {kind.kind_name for kind, _ in CASES} == set(KINDS) - joining, "test_joining_plainly.py"


@pytest.mark.parametrize(("kind", "judge"), CASES, ids=IDS)
def test_the_incidents_are_those_of_the_reference(kind: RuleKind, judge: Judge) -> None:
    @settings(max_examples=25, deadline=None)
    @given(courses())
    def holds(course: list[Event]) -> None:
        assert found_by(kind, course)[0] == plainly(kind, judge, course)

    holds()


@pytest.mark.parametrize(("kind", "judge"), CASES, ids=IDS)
def test_the_same_where_a_rule_may_fire_in_the_evening_only(kind: RuleKind, judge: Judge) -> None:
    """With a rebuild: ticks in between only find out sooner what time did."""

    @settings(max_examples=12, deadline=None)
    @given(courses(late=(0,)))
    def holds(course: list[Event]) -> None:
        found, state = found_by(kind, course, by_evening=True)
        assert found == plainly(kind, judge, course, by_evening=True)
        log = [*(event for event in course if event.sample is not None), course[-1]]
        assert found_by(kind, log, machine.forget(state), by_evening=True)[0] == found

    holds()


@pytest.mark.parametrize(("kind", "judge"), CASES, ids=IDS)
def test_a_rebuild_gives_the_same_history(kind: RuleKind, judge: Judge) -> None:
    """Also without the ticks in between, which only find out sooner what time did."""

    @settings(max_examples=12, deadline=None)
    @given(courses(late=(0,)))
    def holds(course: list[Event]) -> None:
        found, state = found_by(kind, course)
        log = [event for event in course if event.sample is not None]
        again, _ = found_by(kind, [*log, course[-1]], machine.forget(state))
        assert again == found == plainly(kind, judge, [*log, course[-1]])

    holds()
