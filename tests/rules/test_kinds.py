"""The kinds for one series of values, each over a course of samples. Minutes are event time."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.base.language import Language
from stadtsinn.rules import machine
from stadtsinn.rules.kind import RuleKind, Stage
from stadtsinn.rules.kinds.band import Band
from stadtsinn.rules.kinds.change import Change, Trend
from stadtsinn.rules.kinds.increase import Increase
from stadtsinn.rules.kinds.low_battery import LowBattery
from stadtsinn.rules.kinds.no_data import NoData
from stadtsinn.rules.kinds.registry import KINDS
from stadtsinn.rules.kinds.stuck import Stuck
from stadtsinn.rules.kinds.sum import Sum
from stadtsinn.rules.kinds.threshold import Threshold
from stadtsinn.rules.state import Announced, Closed, Effect, FellSilent, Opened, Phase, RuleState
from stadtsinn.rules.terms import Terms


def at(minute: float) -> Instant:
    return Instant(int(500_000 * HOUR + minute * MINUTE))


class Course:
    """A rule of a kind that waits for nothing, and what happens to it."""

    def __init__(self, kind: RuleKind, **terms: Any) -> None:
        silence = kind.silence_s
        stale_after = 24 * HOUR if silence is None else silence * 1_000_000
        self.rule = Terms(kind, stale_after=stale_after, **terms)
        self.state = RuleState()
        self.effects: list[Effect] = []

    def sample(self, minute: float, value: float, source: str = "a") -> Course:
        moment = at(minute)
        step = machine.sample(self.rule, self.state, moment, value, moment, source=source)
        self.state = step[0]
        self.effects += step[1]
        return self

    def tick(self, minute: float) -> Course:
        self.state, effects = machine.tick(self.rule, self.state, at(minute))
        self.effects += effects
        return self

    @property
    def firing(self) -> bool:
        return self.state.phase is Phase.FIRING

    def opened(self) -> list[tuple[float, float]]:
        """When incidents began, in minutes, and what was judged then."""
        return [
            ((one.at - at(0)) / MINUTE, -1 if one.value is None else round(one.value, 6))
            for one in self.effects
            if isinstance(one, Opened)
        ]

    def closed(self) -> list[float]:
        return [(one.at - at(0)) / MINUTE for one in self.effects if isinstance(one, Closed)]


# --- band ------------------------------------------------------------------------------


def test_a_band_fires_on_either_side_and_ends_well_inside() -> None:
    course = Course(Band(low=2, high=8, margin=1))
    course.sample(0, 5).sample(1, 8).sample(2, 7.5).sample(3, 7).sample(4, 2).sample(5, 2.9)
    assert course.opened() == [(1, 8), (4, 2)]
    assert course.closed() == [3]
    assert course.sample(6, 9).firing, "from one side to the other it is the same alarm"
    assert course.opened() == [(1, 8), (4, 2)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"low": 8, "high": 8, "margin": 1}, "below 'high'"),
        ({"low": 2, "high": 8, "margin": 3.1}, "where the alarm could end"),
        ({"low": 2, "high": 8, "margin": 0}, "greater than 0"),
        ({"low": 2, "high": float("nan"), "margin": 1}, "finite"),
    ],
)
def test_a_band_without_an_inside_is_refused(values: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Band(**values)


# --- change ----------------------------------------------------------------------------


def test_a_rise_is_counted_from_the_least_value_of_the_time() -> None:
    course = Course(Change(on=0.3, off=0.1, within_s=3_600))
    course.sample(0, 1.0).sample(20, 0.9).sample(40, 1.1).sample(60, 1.2)
    assert course.opened() == [(60, 0.3)]
    course.sample(80, 1.2)
    assert course.firing, "the least value of the hour is still the one of minute 20"
    course.tick(80.1)
    assert course.closed() == [pytest.approx(80)], "what stays where it is has not risen"


def test_a_fall_is_the_mirror_of_a_rise_and_has_a_sign() -> None:
    course = Course(Change(on=5, off=1, within_s=600, trend=Trend.FALLING))
    course.sample(0, 20).sample(5, 14.5).sample(6, 30)
    assert course.opened() == [(5, -5.5)]
    assert course.closed() == [6]


def test_a_slow_rise_is_none() -> None:
    course = Course(Change(on=0.3, off=0.1, within_s=3_600))
    for hour in range(20):
        course.sample(hour * 61, hour * 0.29)
    assert course.opened() == []


def test_another_device_with_another_zero_is_no_change() -> None:
    course = Course(Change(on=0.3, off=0.1, within_s=3_600))
    course.sample(0, 1.0).sample(10, 4.0, source="b").sample(20, 4.1, source="b")
    assert course.opened() == []


def test_a_corrected_value_replaces_the_one_of_its_moment() -> None:
    course = Course(Change(on=0.3, off=0.1, within_s=3_600))
    course.sample(0, 1.0).sample(10, 0.1).sample(10, 1.0).sample(20, 1.2)
    assert course.opened() == []
    summed = Course(Sum(on=10, off=1, within_s=3_600))
    assert summed.sample(0, 6).sample(0, 6).sample(0, 4).sample(10, 5).opened() == []


# --- sum and increase ------------------------------------------------------------------


def test_a_sum_slides() -> None:
    course = Course(Sum(on=10, off=2, within_s=3_600))
    course.sample(0, 4).sample(20, 4).sample(40, 1.9).sample(60, 0.5)
    assert course.opened() == [], "the amount of minute 0 fell before this hour"
    course.sample(70, 6)
    assert course.opened() == [(70, 12.4)]
    course.sample(100, 0).sample(125, 0)
    assert course.firing
    course.sample(130, 0)
    assert course.closed() == [130]


@pytest.mark.parametrize(
    "kind", [Sum(on=10, off=2, within_s=3_600), Increase(on=10, off=2, within_s=3_600)]
)
@pytest.mark.parametrize("ticks", [(), (61, 79, 81, 95, 101)])
def test_a_sum_ends_without_a_further_value(kind: RuleKind, ticks: tuple[float, ...]) -> None:
    """A gauge that reports only while it rains."""
    course, total = Course(kind), 700.0
    for minute, amount in ((0, 0), (20, 6), (40, 3), (41, 2)):
        total += amount
        course.sample(minute, total if isinstance(kind, Increase) else amount)
    assert course.opened() == [(41, 11)]
    for moment in ticks:
        course.tick(moment)
        due = machine.next_due(course.rule, course.state)
        assert due is None or due > at(moment)
    course.sample(1_000, total if isinstance(kind, Increase) else 0)
    assert course.closed() == [100], "the 6 leave at 80, the 3 at 100: then 2 are left"


def test_missing_data_stops_what_time_does() -> None:
    """Silence never resolves anything: the rain may go on."""
    course = Course(Sum(on=10, off=2, within_s=3_600))
    course.rule = replace(course.rule, stale_after=30 * MINUTE)
    course.sample(0, 12).tick(300)
    assert course.firing
    assert course.closed() == []


def test_what_has_to_hold_is_given_up_when_it_leaves_the_span() -> None:
    course = Course(Sum(on=10, off=2, within_s=600), hold=10 * MINUTE)
    course.sample(0, 6).sample(5, 6).tick(60)
    assert course.opened() == []
    assert course.state.phase is Phase.OK


def test_a_running_total_is_judged_by_what_it_grew() -> None:
    course = Course(Increase(on=10, off=2, within_s=3_600))
    course.sample(0, 5_000).sample(10, 5_004).sample(20, 5_008)
    assert (course.opened(), course.state.last_value) == ([], 8)
    course.sample(30, 3).sample(40, 4.5)
    assert (course.opened(), course.state.last_value) == ([], 9.5), "a reset adds nothing"
    course.sample(50, 9_000, source="b").sample(55, 9_000.4, source="b")
    assert course.opened() == [], "nor does another device"
    course.sample(56, 9_000.6, source="b")
    assert course.opened() == [(56, 10.1)]


def test_a_corrected_total_counts_from_the_one_before() -> None:
    course = Course(Increase(on=10, off=2, within_s=3_600))
    course.sample(0, 100).sample(10, 190).sample(10, 105).sample(20, 108)
    assert course.state.last_value == 8


def test_what_is_noted_stays_small_and_the_sum_right() -> None:
    """A sample each minute for more than a day."""
    kind = Sum(on=1e9, off=0, within_s=86_400)
    course = Course(kind)
    for minute in range(1_500):
        course.sample(minute, 1)
    assert len(str(course.state.notes)) < 8_000
    assert course.state.last_value == pytest.approx(1_440, rel=1 / 100)


@pytest.mark.parametrize(
    "kind",
    [Sum(on=1e9, off=0, within_s=86_400), Change(on=1e9, off=0, within_s=86_400)],
    ids=lambda kind: kind.kind_name,
)
def test_a_full_span_is_judged_in_as_many_steps_as_an_empty_one(kind: RuleKind) -> None:
    """Thousands of rules may watch one device: notes are cut, and never taken apart."""
    course = Course(kind)
    steps = []
    for minute in range(0, 1_600, 10):
        calls = 0

        def called(_frame: object, event: str, _arg: object) -> None:
            nonlocal calls
            calls += event == "call"

        sys.setprofile(called)
        try:
            course.sample(minute, 1)
        finally:
            sys.setprofile(None)
        steps.append(calls)
    assert len(course.state.notes["window"][0]) > 140
    assert steps[-1] == steps[10]
    assert steps[-1] < 60


# --- stuck, no data, low battery ---------------------------------------------------------


def test_a_value_that_stands_still_is_stuck_until_it_moves() -> None:
    course = Course(Stuck(unchanged_s=7_200, tolerance=0.1))
    for minute in range(0, 150, 30):
        course.sample(minute, 20 + minute % 60 / 600)
    assert course.opened() == [(120, 20)]
    course.sample(150, 20.11)
    assert course.closed() == [150]
    creeping = Course(Stuck(unchanged_s=7_200, tolerance=0.1))
    for minute in range(0, 600, 30):
        creeping.sample(minute, minute / 30 * 0.09)
    assert creeping.opened() == [], "it moved away from where it began"


def test_a_new_device_is_not_stuck_at_the_old_ones_value() -> None:
    course = Course(Stuck(unchanged_s=7_200))
    course.sample(0, 20).sample(60, 20).sample(110, 20, source="b").sample(130, 20, source="b")
    assert course.opened() == []


def test_no_data_fires_when_it_stops_and_ends_with_the_next_value() -> None:
    course = Course(NoData(silent_s=3_600))
    assert course.tick(500).effects == [], "what never sent anything is not missed"
    course.sample(0, 7).tick(60)
    assert course.effects == []
    course.tick(60.1).tick(300)
    assert course.opened() == [(60, 7)]
    assert not any(isinstance(one, FellSilent) for one in course.effects)
    assert machine.next_due(course.rule, course.state) is None
    course.sample(301, 8)
    assert course.closed() == [301]
    assert course.sample(302, 8).tick(363).opened() == [(60, 7), (362, 8)]


def test_no_data_that_is_found_out_late_is_told_while_it_goes_on() -> None:
    """The process was down: when it is back, the data is still missing."""
    course = Course(NoData(silent_s=3_600), max_age=15 * MINUTE).sample(0, 7).tick(600)
    assert [type(one) for one in course.effects] == [Opened, Announced]
    past = Course(NoData(silent_s=3_600), max_age=15 * MINUTE).sample(0, 7).sample(600, 7)
    assert [type(one) for one in past.effects] == [Opened, Closed]


def test_no_data_that_relapses_is_the_same_incident() -> None:
    course = Course(NoData(silent_s=600), keep_firing=HOUR)
    course.sample(0, 7).tick(11).sample(20, 7).tick(31)
    assert course.firing
    for minute in range(40, 110, 5):
        course.sample(minute, 7)
    assert course.opened() == [(10, 7)]
    assert course.closed() == [100]


def test_a_battery_is_low_when_the_best_value_of_a_day_is() -> None:
    course = Course(LowBattery(on=3.0, off=3.3, within_s=86_400))
    for hour in range(0, 48, 6):
        course.sample(hour * 60, 2.9 if hour % 24 == 6 else 3.1)
    assert course.opened() == [], "only the nights were low"
    for hour in range(48, 73, 6):
        course.sample(hour * 60, 2.95)
    assert course.opened() == [(72 * 60, 2.95)]
    course.sample(74 * 60, 3.6)
    assert course.closed() == [74 * 60]


def test_a_battery_is_not_judged_by_its_first_value() -> None:
    course = Course(LowBattery(on=20, off=30, within_s=86_400)).sample(0, 5).sample(60, 5)
    assert course.opened() == []
    assert course.sample(1_500, 5).opened() == [(1_500, 5)]


# --- all -------------------------------------------------------------------------------

SOME: list[RuleKind] = [
    Threshold(on=9, off=8),
    Band(low=2, high=8, margin=1),
    Change(on=5, off=1, within_s=600),
    Change(on=5, off=1, within_s=600, trend=Trend.FALLING),
    Sum(on=10, off=2, within_s=600),
    Increase(on=10, off=2, within_s=600),
    Stuck(unchanged_s=600),
    NoData(silent_s=600),
    LowBattery(on=2, off=3, within_s=600),
]


@pytest.mark.parametrize("kind", SOME, ids=lambda kind: kind.kind_name)
@pytest.mark.parametrize("language", Language)
def test_every_kind_has_words(kind: RuleKind, language: Language) -> None:
    said = kind.phrases(Stage(lambda value: f"{value:g} mm", language))
    assert all((said.limit, said.reached, said.was_reached, said.noun, said.ended))
    german = kind.phrases(Stage(lambda value: f"{value:g} mm"))
    assert language is Language.DE or said.noun + said.limit != german.noun + german.limit
    assert "12 mm" in kind.measured("Niederschlag", "12 mm")


@pytest.mark.parametrize("kind", SOME, ids=lambda kind: kind.kind_name)
def test_a_late_value_never_fires_nor_changes_what_is_noted(kind: RuleKind) -> None:
    course = Course(kind).sample(0, 5).sample(10, 5)
    before = course.state
    for value in (-1e6, 0, 5, 1e6):
        course.sample(5, value)
    assert course.state is before


@pytest.mark.parametrize("kind", SOME, ids=lambda kind: kind.kind_name)
def test_notes_survive_the_database(kind: RuleKind) -> None:
    """As JSON, with each sample: the verdicts stay the same."""
    plain, stored = Course(kind), Course(kind)
    for minute in range(60):
        value = (minute * 7 % 13) / 2
        plain.sample(minute, value)
        stored.sample(minute, value)
        stored.state = replace(stored.state, notes=json.loads(json.dumps(stored.state.notes)))
    assert plain.effects == stored.effects


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("sum", {"on": 5, "off": 5, "within_s": 600}, "below 'on'"),
        ("sum", {"on": 5, "off": -1, "within_s": 600}, "never end"),
        ("change", {"on": 5, "off": -1, "within_s": 600}, "never end"),
        ("increase", {"on": 5, "off": 1, "within_s": 5}, "60"),
        ("low_battery", {"on": 5, "off": 4, "within_s": 600}, "above 'on'"),
        ("stuck", {"unchanged_s": 600, "tolerance": -1}, "0"),
        ("no_data", {}, "silent_s"),
    ],
)
def test_rules_that_cannot_work_are_refused(kind: str, values: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        KINDS[kind](**values)


@pytest.mark.parametrize(
    ("kind", "quantity", "aggregate", "said"),
    [
        (Sum(on=5, off=1, within_s=600), "precipitation_total", "counter", "'increase'"),
        (Sum(on=5, off=1, within_s=600), "air_temperature", "mean", "no amount"),
        (Increase(on=5, off=1, within_s=600), "precipitation", "sum", "'sum'"),
        (LowBattery(on=3, off=4, within_s=600), "soil_moisture", "mean", "battery_voltage"),
    ],
)
def test_what_a_kind_cannot_judge_is_refused_with_what_can(
    kind: RuleKind, quantity: str, aggregate: str, said: str
) -> None:
    refusal = kind.refuses(quantity, aggregate)
    assert refusal is not None
    assert said in refusal.english
    assert refusal.german != refusal.english
    assert Threshold(on=2, off=1).refuses(quantity, aggregate) is None


def test_every_kind_has_a_title_of_its_own_in_both_languages() -> None:
    for language in ("english", "german"):
        titles = [getattr(kind.title, language) for kind in KINDS.values()]
        assert all(titles)
        assert len(set(titles)) == len(KINDS)
