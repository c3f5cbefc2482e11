"""A history judged in big strides is what the engine says that judges each value of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.active import Active, Recurring
from stadtsinn.base.calendar import EVERY_DAY, Hours
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.rules.history.column import NOTHING, Column
from stadtsinn.rules.history.course import Course, Happened, Section
from stadtsinn.rules.history.scan import scan
from stadtsinn.rules.kind import Judgement, Past, RuleKind, Sample
from stadtsinn.rules.kinds.band import Band
from stadtsinn.rules.kinds.change import Change, Trend
from stadtsinn.rules.kinds.increase import Increase
from stadtsinn.rules.kinds.levels import Levels, Step
from stadtsinn.rules.kinds.low_battery import LowBattery
from stadtsinn.rules.kinds.no_data import NoData
from stadtsinn.rules.kinds.overstay import Overstay
from stadtsinn.rules.kinds.permit import Permit
from stadtsinn.rules.kinds.registry import KINDS as EVERY_KIND
from stadtsinn.rules.kinds.stuck import Stuck
from stadtsinn.rules.kinds.sum import Sum
from stadtsinn.rules.kinds.threshold import Direction, Threshold
from stadtsinn.rules.state import Announced, Closed, Opened, RuleState
from stadtsinn.rules.terms import Terms

START = 500_000 * HOUR
LENGTH = 120
MORNINGS = Active([Recurring(Hours(EVERY_DAY, "06:00", "11:00"))])
KINDS: list[RuleKind] = [
    Threshold(on=8, off=3),
    Threshold(on=3, off=8, direction=Direction.BELOW),
    Permit(),
    Permit(warn_percent=None, off_percent=60),
    Band(low=2, high=8, margin=1),
    Change(on=5, off=1, within_s=1_800),
    Change(on=5, off=1, within_s=20_000, trend=Trend.FALLING),
    Sum(on=30, off=4, within_s=3_600),
    Increase(on=8, off=2, within_s=7_200),
    Stuck(unchanged_s=2_400),
    Stuck(unchanged_s=2_400, tolerance=1.5),
    LowBattery(on=4, off=8, within_s=2_400),
    NoData(silent_s=2_400),
    Levels(levels=(Step(on=6),), margin=2),
    Levels(levels=(Step(on=4), Step(on=6), Step(on=9)), margin=3, confirm_within_s=1_800),
    Overstay(longest_s=1_800, gap_s=0),
    Overstay(longest_s=3_600, gap_s=900),
]


def column(seed: int) -> Column:
    """Values that often stay where they are, at times that come in bursts and with gaps."""
    chance = np.random.default_rng(seed)
    steps = chance.choice([1_000_000, 30_000_000, MINUTE, 10 * MINUTE, 11 * MINUTE], LENGTH)
    steps[chance.random(LENGTH) < 0.05] = 3 * HOUR
    calm = chance.integers(0, 3)
    drift = np.cumsum(chance.choice([-2.0, -0.5, 0, 0, 0, 0.5, 2], LENGTH)) + 5 * calm
    jumps = chance.random(LENGTH) < 0.2
    values = np.where(jumps, chance.integers(0, 12, LENGTH) * 1.0, drift % 13)
    swaps = np.cumsum(chance.random(LENGTH) < 0.03) % 2
    permitted = np.where(chance.random(LENGTH) < 0.1, np.nan, 10.0)
    return Column(START + np.cumsum(steps), values, swaps, ("a", "b"), permitted)


def terms(kind: RuleKind, chance: st.DataObject) -> Terms:
    def one(*values: int) -> int:
        return chance.draw(st.sampled_from(values))

    return Terms(
        kind,
        hold=one(0, 0, 5, 30) * MINUTE,
        min_samples=one(1, 1, 3),
        keep_firing=one(0, 0, 20) * MINUTE,
        stale_after=kind.silence_s * 1_000_000 if kind.silence_s else one(12, 45, 400) * MINUTE,
        alert_on_stale=bool(one(0, 1)),
        active=MORNINGS if one(0, 0, 1) else None,
        patience=MINUTE,
    )


def told(course: Course, sections: list[Section], end: int) -> tuple[list[Happened], RuleState]:
    return list(course.run(sections, Instant(end))), course.state


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind_name)
def test_the_strides_lead_where_the_engine_leads(kind: RuleKind) -> None:
    @settings(max_examples=10, deadline=None)
    @given(st.integers(0, 2**32), st.data())
    def holds(seed: int, chance: st.DataObject) -> None:
        history = column(seed)
        end = int(history.times[-1]) + 5 * HOUR
        middle = Instant(int(history.times[LENGTH // 2]) + MINUTE // 2)
        sections = [
            Section(Instant(0), terms(kind, chance)),
            Section(middle, terms(kind, chance)),
        ]
        second = NOTHING
        if kind.of_second_sensor and chance.draw(st.booleans()):
            second = column(seed + 1).where(slice(0, None, 3))
        plain = Course(history, second=second)
        fast = Course(history, scan(kind, history, second), second=second)
        assert told(fast, sections, end) == told(plain, sections, end)
        assert fast.judged <= plain.judged == LENGTH

    holds()


def test_every_scan_is_compared() -> None:
    single = {kind for kind in EVERY_KIND.values() if not kind.joins}
    assert single == {type(kind) for kind in KINDS}
    assert single == {kind for kind in single if scan(example_of(kind), NOTHING) is not None}


def example_of(kind: type[RuleKind]) -> RuleKind:
    return next(one for one in KINDS if type(one) is kind)


def test_what_cannot_change_anything_is_passed_over() -> None:
    """A year of a tree that is dry once: of 52,560 values the engine sees a few."""
    times = START + np.arange(52_560) * 10 * MINUTE
    values = np.full(len(times), 30.0)
    values[20_000:24_000] = 10.0
    kind = Threshold(on=15, off=20, direction=Direction.BELOW)
    history = Column(times, values)
    course = Course(history, scan(kind, history))
    section = Section(Instant(0), Terms(kind, hold=HOUR, stale_after=HOUR))
    found = list(course.run([section], Instant(int(times[-1]))))
    assert [type(one.effect) for one in found] == [Opened, Announced, Closed]
    assert course.judged < 20


class Odd(RuleKind):
    """A kind that nobody wrote a scan for."""

    kind_name = "odd"

    def judge(self, sample: Sample, past: Past) -> Judgement:
        return Threshold(on=1, off=0).judge(Sample(sample.at, sample.value % 2), past)

    def phrases(self, stage):  # type: ignore[no-untyped-def] # nobody reads it
        raise AssertionError


def test_a_kind_without_a_scan_is_judged_by_the_engine() -> None:
    history = Column(START + np.arange(4) * MINUTE, np.array([0.0, 1, 2, 3]))
    assert scan(Odd(), history) is None
    course = Course(history)
    found = list(course.run([Section(Instant(0), Terms(Odd()))], Instant(START + HOUR)))
    assert course.judged == 4
    assert [type(one.effect) for one in found].count(Opened) == 2


def test_a_second_sensor_confirms_in_the_past_too() -> None:
    """What it measured up to the moment is noted, and nothing of later."""
    times = START + np.arange(3) * 10 * MINUTE
    history = Column(times, np.array([0.1, 0.6, 0.1]))
    kind = Levels(levels=(Step(on=0.5),), margin=0.1)
    section = Section(Instant(0), Terms(kind, stale_after=HOUR))
    said = {}
    for measured, at in ((0.55, 9), (0.2, 9), (0.55, 11)):
        second = Column(np.array([START + at * MINUTE]), np.array([measured]))
        found = Course(history, second=second).run([section], Instant(START + HOUR))
        alarm = next(one for one in found if isinstance(one.effect, Announced))
        said[measured, at] = alarm.notes.get("confirmed")
    assert said == {(0.55, 9): True, (0.2, 9): False, (0.55, 11): None}


def test_an_empty_history_is_judged() -> None:
    history = Column(np.array([], np.int64), np.array([]))
    for kind in KINDS:
        section = Section(Instant(0), Terms(kind))
        assert told(Course(history, scan(kind, history)), [section], START) == ([], RuleState())
