"""Levels of a gauge: up, down, several at once, and what a second sensor says of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.base.language import Language
from stadtsinn.rules import machine
from stadtsinn.rules.kind import Sample, Stage
from stadtsinn.rules.kinds.levels import Levels, Step
from stadtsinn.rules.state import Announced, Closed, Effect, Opened, Phase, Raised, RuleState
from stadtsinn.rules.terms import Terms

START = 1_000 * HOUR
GAUGE = Levels(
    levels=(Step(on=1.0), Step(on=1.5, measures="Unterführung sperren"), Step(on=2.0)), margin=0.2
)


def terms(kind: Levels = GAUGE, hold: int = 0) -> Terms:
    return Terms(kind, hold=hold, stale_after=1_000 * HOUR, max_age=1_000 * HOUR)


def course(values: list[float], rule: Terms | None = None) -> tuple[RuleState, list[Effect]]:
    state, effects = RuleState(), list[Effect]()
    for number, value in enumerate(values):
        at = Instant(START + number * 15 * MINUTE)
        state, some = machine.sample(rule or terms(), state, at, value, at)
        effects += some
    return state, effects


def plain_levels(values: list[float]) -> list[int]:
    """What level each value is at: reached, or not yet `margin` below."""
    found, level = [], 0
    for value in values:
        kept = [
            number
            for number, step in enumerate(GAUGE.levels, 1)
            if value >= step.on or (number <= level and value > step.on - GAUGE.margin)
        ]
        level = max(kept, default=0)
        found.append(level)
    return found


VALUES = st.lists(st.sampled_from([0.2, 0.8, 0.9, 1.0, 1.2, 1.4, 1.5, 1.7, 1.9, 2.0, 2.4]))


@settings(max_examples=50, deadline=None)
@given(VALUES)
def test_the_level_is_that_of_the_plain_model(values: list[float]) -> None:
    levels, highest = plain_levels(values), 0
    state, _ = course(values)
    assert state.level == (levels[-1] if levels else 0)
    for end, level in enumerate(levels, 1):
        highest = max(highest, level)
        state, effects = course(values[:end])
        assert (state.phase is not Phase.OK) == (level > 0)
        told = [one.level for one in effects if isinstance(one, Announced)]
        assert max(told, default=0) == highest


def test_a_jump_over_a_level_is_told_at_once() -> None:
    _, effects = course([0.2, 1.1, 2.3])
    assert [one.level for one in effects if isinstance(one, Raised)] == [2, 3]
    assert [one.at for one in effects if isinstance(one, Raised)] == [START + 30 * MINUTE] * 2


def test_a_further_level_has_to_hold_as_the_first() -> None:
    _, effects = course([1.1, 1.1, 2.3, 1.1, 1.1], terms(hold=20 * MINUTE))
    assert [one.level for one in effects if isinstance(one, Opened | Raised)] == [1]


def test_it_ends_below_the_first_level_by_the_margin() -> None:
    _, effects = course([1.0, 0.9, 0.81, 0.8])
    assert [one.at for one in effects if isinstance(one, Closed)] == [START + 45 * MINUTE]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (None, "Unbestätigt."),
        (1.47, "Bestätigt, zweiter Sensor 1.47 m."),
        (0.4, "Unbestätigt, zweiter Sensor 0.4 m."),
    ],
)
def test_a_second_sensor_confirms_or_does_not(second: float | None, said: str) -> None:
    rule, state, at = terms(), RuleState(), Instant(START)
    if second is not None:
        state = machine.beside(rule, state, Sample(at, second))
    state, _ = machine.sample(rule, state, Instant(at + MINUTE), 1.5, at)
    assert GAUGE.remark(state.notes, Stage(lambda value: f"{value:g} m", level=2)) == said
    assert GAUGE.remark(state.notes, Stage(str, Language.EN)).startswith(
        "Confirmed" if said.startswith("Best") else "Unconfirmed"
    )


def test_an_old_value_of_the_second_sensor_says_nothing() -> None:
    rule = terms()
    state = machine.beside(rule, RuleState(), Sample(Instant(START), 1.6))
    state = machine.beside(rule, state, Sample(Instant(START - HOUR), 0.1))
    late = Instant(START + 2 * HOUR)
    state, _ = machine.sample(rule, state, late, 1.5, late)
    assert GAUGE.remark(state.notes, Stage(str)) == "Unbestätigt."


def test_a_second_sensor_neither_begins_nor_ends_an_alarm() -> None:
    rule = terms()
    state = machine.beside(rule, RuleState(), Sample(Instant(START), 9))
    assert (state.phase, state.last_event) == (Phase.OK, None)
    state, _ = course([1.2])
    assert machine.beside(rule, state, Sample(Instant(START + HOUR), 0)).phase is Phase.FIRING


def test_measures_are_of_the_level() -> None:
    assert [GAUGE.measures(level) for level in (1, 2, 3)] == ["", "Unterführung sperren", ""]
    assert GAUGE.phrases(Stage(str, level=2)).limit == "Stufe 2 ab 1.5"


@pytest.mark.parametrize(
    "wrong",
    [
        {"levels": [], "margin": 0.1},
        {"levels": [{"on": 1}, {"on": 1}], "margin": 0.1},
        {"levels": [{"on": 2}, {"on": 1}], "margin": 0.1},
        {"levels": [{"on": 1}], "margin": 0},
        {"levels": [{"on": float("nan")}], "margin": 0.1},
        {"levels": [{"on": n} for n in range(4)], "margin": 0.1},
        {"levels": [{"on": 1, "measures": "x\ny"}], "margin": 0.1},
    ],
)
def test_levels_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Levels.model_validate(wrong)
