"""Acknowledgement, repeats, escalation: a test per row, and against a slow, obvious model."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.rules.attention import (
    Attention,
    Due,
    Escalate,
    Plan,
    Repeat,
    acknowledge,
    next_due,
    told,
    wait,
)

PLAN = Plan(repeat=10 * MINUTE, steps=(15 * MINUTE, 25 * MINUTE))


def at(minutes: int) -> Instant:
    return Instant((1_000_000 + minutes) * MINUTE)


def let_pass(state: Attention, *minutes: int, plan: Plan = PLAN) -> tuple[Attention, list[Due]]:
    done: list[Due] = []
    for one in minutes:
        state, due = wait(plan, state, at(one))
        done += due
    return state, done


def test_rows_15_and_16_step_by_step_until_somebody_has_it() -> None:
    state, done = let_pass(told(None, 1), *range(46))
    assert done == [Repeat(1), Escalate(1), Repeat(2), Escalate(2), Repeat(3), Repeat(4)]
    state, first = acknowledge(state, 1)
    assert first  # row 14
    assert let_pass(state, *range(46, 300)) == (state, [])
    assert next_due(PLAN, state) is None


def test_row_14_the_second_is_told_so() -> None:
    state, _ = acknowledge(told(None, 1), 1)
    assert acknowledge(state, 1) == (state, False)


def test_row_13_a_further_level_needs_another_one_and_the_same_again_does_not() -> None:
    state, _ = acknowledge(told(None, 1), 1)
    assert told(state, 1) == state
    higher = told(state, 2)
    assert not higher.is_acknowledged
    assert let_pass(higher, *range(17))[1] == [Repeat(1), Escalate(1)]
    assert told(higher, 1) == higher


def test_who_answers_to_a_warning_has_not_acknowledged_the_alarm_that_came_since() -> None:
    state, first = acknowledge(told(told(None, 1), 2), 1)
    assert first
    assert not state.is_acknowledged


def test_nothing_is_waited_for_before_anybody_could_know() -> None:
    state = told(None, 1)
    assert wait(PLAN, state, at(0), known=False) == (state, ())
    assert let_pass(state, 500, 509)[1] == []
    assert let_pass(state, 500, 510)[1] == [Repeat(1)]


def test_what_is_about_to_end_troubles_nobody_and_goes_on_where_it_does_not() -> None:
    state, _ = let_pass(told(None, 1), 0)
    state, due = wait(PLAN, state, at(60), calm=True)
    assert due == ()
    assert wait(PLAN, state, at(61))[1] == (Escalate(1), Repeat(1))


@pytest.mark.parametrize("jump", [60, 10_000_000])
def test_a_clock_put_forward_or_an_outage_is_one_message_of_each_kind(jump: int) -> None:
    state, done = let_pass(told(None, 1), 0, jump)
    assert done == [Escalate(1), Repeat(1)]
    assert let_pass(state, *range(jump, jump + 10))[1] == []
    assert let_pass(state, jump + 10)[1] == [Escalate(2), Repeat(2)]


@pytest.mark.parametrize("back", [1, 60, 900_000])
def test_a_clock_put_back_delays_by_one_wait_at_most(back: int) -> None:
    state, _ = let_pass(told(None, 1), 0, -back)
    assert let_pass(state, 9 - back)[1] == []
    assert let_pass(state, 10 - back)[1] == [Repeat(1)]
    assert let_pass(state, 10 - back, 15 - back)[1] == [Repeat(1), Escalate(1)]


def test_without_a_plan_it_is_only_remembered() -> None:
    state, done = let_pass(told(None, 1), 0, 100_000, plan=Plan())
    assert done == []
    assert next_due(Plan(), state) is None


# --- against a model that keeps everything and looks at all of it ------------------------


@dataclass
class Model:
    """All that happened, in its order; every question is answered by looking through it."""

    plan: Plan
    happened: list[tuple[str, int, int]] = field(default_factory=list)
    """What, at which level, and when."""

    def level(self) -> int:
        return max(level for what, level, _ in self.happened if what == "told")

    def acknowledged(self) -> int:
        return max((level for what, level, _ in self.happened if what == "acked"), default=0)

    def of_this_level(self) -> list[tuple[str, int]]:
        level = self.level()
        first = self.happened.index(("told", level, 0))
        return [(what, when) for what, _, when in self.happened[first:] if what != "told"]

    def waited(self, kind: str, now: int) -> int | None:
        """How long since it was said last, as far as the clock shows it; None: not begun."""
        began = None
        for what, when in [*self.of_this_level(), ("looked", now)]:
            if what == kind or (what == "looked" and (began is None or when < began)):
                began = when
        return None if began is None else now - began

    def count(self, kind: str) -> int:
        return sum(what == kind for what, _ in self.of_this_level())

    def tell(self, level: int) -> None:
        if not self.happened or level > self.level():
            self.happened.append(("told", level, 0))

    def acknowledge(self, level: int) -> bool:
        level = min(level, self.level())
        if level <= self.acknowledged():
            return False
        self.happened.append(("acked", level, 0))
        return True

    def look(self, now: int) -> list[Due]:
        if self.acknowledged() >= self.level():
            return []
        done: list[Due] = []
        step, said = self.count("step"), self.count("repeat")
        waits = [0, *self.plan.steps]
        since_step, since_said = self.waited("step", now), self.waited("repeat", now)
        assert since_step is not None
        assert since_said is not None
        self.happened.append(("looked", self.level(), now))
        if step < len(self.plan.steps) and since_step >= waits[step + 1] - waits[step]:
            self.happened.append(("step", self.level(), now))
            done.append(Escalate(step + 1))
        if self.plan.repeat is not None and since_said >= self.plan.repeat:
            self.happened.append(("repeat", self.level(), now))
            done.append(Repeat(said + 1))
        return done


_WAITS = st.integers(1, 30)
_PLANS = st.builds(
    lambda repeat, waits: Plan(
        None if repeat is None else repeat * MINUTE,
        tuple(sum(waits[: n + 1]) * MINUTE for n in range(len(waits))),
    ),
    st.none() | _WAITS,
    st.lists(_WAITS, max_size=4),
)
_EVENTS = st.one_of(
    st.tuples(st.just("tell"), st.integers(1, 3)),
    st.tuples(st.just("ack"), st.integers(1, 3)),
    st.tuples(st.just("pass"), st.integers(0, 20)),
    st.tuples(st.just("jump"), st.integers(-200, 200)),
)


@given(_PLANS, st.lists(_EVENTS, max_size=40))
def test_it_does_what_a_slow_and_obvious_model_does(
    plan: Plan, events: list[tuple[str, int]]
) -> None:
    state, model, now = told(None, 1), Model(plan), 0
    model.tell(1)
    for what, number in events:
        if what == "tell":
            state = told(state, number)
            model.tell(number)
        elif what == "ack":
            state, first = acknowledge(state, number)
            assert first == model.acknowledge(number)
        else:
            now += number
            due = next_due(plan, state)
            state, found = wait(plan, state, at(now))
            assert list(found) == model.look(at(now))
            if found:
                assert due is not None
                assert at(now) >= due
            elif due and what == "pass":
                assert at(now) < due
        assert state.is_acknowledged == (model.acknowledged() >= model.level())
