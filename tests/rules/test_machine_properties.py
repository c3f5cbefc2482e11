"""What has to hold for every course of events, whatever the rule."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.rules import machine
from stadtsinn.rules.kinds.threshold import Threshold
from stadtsinn.rules.state import (
    Announced,
    Closed,
    CloseReason,
    Effect,
    Opened,
    Phase,
    RuleState,
    Step,
)
from stadtsinn.rules.terms import Terms

pytestmark = pytest.mark.slow

START = 1_000 * HOUR

rules = st.builds(
    Terms,
    kind=st.sampled_from([Threshold(on=10, off=9), Threshold(on=10, off=5)]),
    hold=st.sampled_from([0, MINUTE, 4 * MINUTE]),
    min_samples=st.integers(1, 3),
    keep_firing=st.sampled_from([0, MINUTE, 4 * MINUTE]),
    stale_after=st.sampled_from([2 * MINUTE, 6 * MINUTE]),
    max_age=st.sampled_from([5 * MINUTE, 30 * MINUTE]),
    alert_on_stale=st.booleans(),
    patience=st.sampled_from([0, MINUTE // 2, 3 * MINUTE]),
)


def threshold(rule: Terms) -> Threshold:
    assert isinstance(rule.kind, Threshold)
    return rule.kind


@dataclass(frozen=True)
class Event:
    """At half-minute `now` a sample about `at` comes, or (value None) only time passes."""

    now: int
    at: int
    value: float | None


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Half-minutes; samples may be late, twice or out of order, and time goes on."""
    now, found = 0, []
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.integers(0, 12))
        if draw(st.booleans()):
            found.append(Event(now, now, None))
        else:
            late = draw(st.sampled_from([0, 0, 0, 1, 3, 40]))
            found.append(Event(now, now - late, draw(st.sampled_from([0.0, 5, 8, 9.5, 10, 30]))))
    return found


def moment(half_minutes: int) -> Instant:
    return Instant(START + half_minutes * MINUTE // 2)


def step(rule: Terms, state: RuleState, event: Event) -> Step:
    if event.value is None:
        return machine.tick(rule, state, moment(event.now))
    return machine.sample(rule, state, moment(event.at), event.value, moment(event.now))


def run(rule: Terms, course: list[Event]) -> list[tuple[RuleState, Event, Effect]]:
    """Each effect with the state before it and the event it came of."""
    state, found = RuleState(), []
    for event in course:
        after, effects = step(rule, state, event)
        found += [(state, event, effect) for effect in effects]
        state = after
    return found


@settings(max_examples=150, deadline=None)
@given(rules, events())
def test_there_are_never_two_open_incidents(rule: Terms, course: list[Event]) -> None:
    open_at: Instant | None = None
    for _, _, effect in run(rule, course):
        if isinstance(effect, Opened):
            assert open_at is None
            open_at = effect.at
        elif isinstance(effect, Closed):
            assert effect.opened_at == open_at
            assert effect.at >= effect.opened_at
            open_at = None
        elif isinstance(effect, Announced):
            assert effect.opened_at == open_at


@settings(max_examples=150, deadline=None)
@given(rules, events())
def test_an_incident_is_told_at_most_once(rule: Terms, course: list[Event]) -> None:
    announced = [
        effect.opened_at for _, _, effect in run(rule, course) if isinstance(effect, Announced)
    ]
    assert len(announced) == len(set(announced))


@settings(max_examples=150, deadline=None)
@given(rules, events())
def test_silence_never_resolves(rule: Terms, course: list[Event]) -> None:
    """Every end rests on a calm value no older than what counts as silence."""
    for before, event, effect in run(rule, course):
        if not isinstance(effect, Closed) or effect.reason is not CloseReason.RECOVERED:
            continue
        newest = before.last_event
        # A corrected value may be older than what it ends: then it ends where it began.
        by_this_sample = event.value is not None and effect.at == max(
            moment(event.at), effect.opened_at
        )
        value = event.value if by_this_sample else before.last_value
        assert value is not None
        assert threshold(rule).recovered(value)
        if not by_this_sample:
            assert newest is not None
            assert effect.at <= max(newest + rule.stale_after, effect.opened_at)


@settings(max_examples=150, deadline=None)
@given(rules, events())
def test_what_comes_late_changes_nothing(rule: Terms, course: list[Event]) -> None:
    state = RuleState()
    for event in course:
        after, effects = step(rule, state, event)
        newest = state.last_event
        if event.value is not None and newest is not None and moment(event.at) < newest:
            assert after is state
            assert effects == ()
        state = after


@settings(max_examples=150, deadline=None)
@given(rules, events())
def test_nobody_is_told_of_the_past(rule: Terms, course: list[Event]) -> None:
    for _, event, effect in run(rule, course):
        if isinstance(effect, Announced):
            assert moment(event.now) - effect.at <= rule.max_age


@settings(max_examples=150, deadline=None)
@given(rules, events())
def test_the_hold_is_honoured_in_event_time(rule: Terms, course: list[Event]) -> None:
    """No value below the threshold lies within the hold before an incident begins."""
    judged: list[tuple[Instant, float]] = []
    state = RuleState()
    for event in course:
        after, effects = step(rule, state, event)
        late = state.last_event is not None and moment(event.at) < state.last_event
        for effect in effects:
            if isinstance(effect, Opened) and not rule.alert_on_stale:
                within = [value for at, value in judged if effect.at - rule.hold < at < effect.at]
                assert all(threshold(rule).reached(value) for value in within)
        if event.value is not None and not late:
            judged.append((moment(event.at), event.value))
        state = after


@settings(max_examples=150, deadline=None)
@given(rules, st.lists(st.tuples(st.integers(1, 8), st.sampled_from([0.0, 5, 9.5, 10, 30]))))
def test_ticks_do_not_change_history(rule: Terms, gaps: list[tuple[int, float]]) -> None:
    """With ticks in between, without any, or all at once after an outage: the same incidents."""
    course, now = [], 0
    for gap, value in gaps:
        now += gap
        course.append(Event(now, now, value))
    ticked = [
        Event(half, half, None) if half != event.now else event
        for before, event in zip([Event(0, 0, None), *course], course, strict=False)
        for half in range(before.now + 1, event.now + 1)
    ]
    backlog = [
        *[Event(half, half, None) for half in range(now)],
        *[Event(now + 100, event.at, event.value) for event in course],
    ]
    assert history(rule, ticked) == history(rule, course) == history(rule, backlog)


def history(rule: Terms, course: list[Event]) -> list[object]:
    found: list[object] = []
    for _, _, effect in run(rule, course):
        if isinstance(effect, Opened):
            found.append(("opened", effect.at, effect.value))
        elif isinstance(effect, Closed):
            found.append(("closed", effect.at, effect.value))
    return found


@settings(max_examples=150, deadline=None)
@given(rules, events(), st.integers(0, 39))
def test_due_times_miss_nothing(rule: Terms, course: list[Event], until: int) -> None:
    """A tick before `next_due` changes nothing, so the follower may leave it out."""
    state = RuleState()
    for event in course[:until]:
        state, _ = step(rule, state, event)
    due = machine.next_due(rule, state)
    for half in range(200):
        now = moment(course[-1].now + half) if course else moment(half)
        if due is not None and now >= due:
            break
        assert machine.tick(rule, state, now) == (state, ())


@settings(max_examples=150, deadline=None)
@given(rules, events())
def test_levels_and_times_fit_the_phase(rule: Terms, course: list[Event]) -> None:
    state = RuleState()
    for event in course:
        state, _ = step(rule, state, event)
        assert state.opened_at is not None or not state.alarmed
        waiting = state.phase is Phase.PENDING or state.since is not None
        assert (state.level > 0) == (state.alarmed or waiting)
        assert (state.since is not None) or state.phase not in (Phase.PENDING, Phase.RECOVERING)
