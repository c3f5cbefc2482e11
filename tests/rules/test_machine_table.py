"""The rows of the state machine's table, one by one. Minutes are event time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.rules import machine
from stadtsinn.rules.kinds.threshold import Direction, Threshold
from stadtsinn.rules.state import (
    Announced,
    Closed,
    CloseReason,
    Effect,
    FellSilent,
    Opened,
    Phase,
    RuleState,
    Step,
)
from stadtsinn.rules.terms import Terms

RULE = Terms(Threshold(on=900, off=850), stale_after=3 * MINUTE, max_age=15 * MINUTE)
PATIENT = replace(RULE, hold=2 * MINUTE, keep_firing=5 * MINUTE)


def at(minute: float) -> Instant:
    return Instant(int(1_000 * HOUR + minute * MINUTE))


class Course:
    """A rule and what happens to it."""

    def __init__(self, rule: Terms, state: RuleState | None = None) -> None:
        self.rule = rule
        self.state = state or RuleState()
        self.effects: list[Effect] = []

    def sample(self, minute: float, value: float, now: float | None = None) -> Course:
        moment = at(minute if now is None else now)
        return self._take(machine.sample(self.rule, self.state, at(minute), value, moment))

    def tick(self, minute: float) -> Course:
        return self._take(machine.tick(self.rule, self.state, at(minute)))

    def _take(self, step: Step) -> Course:
        self.state = step[0]
        self.effects += step[1]
        return self

    def kinds(self) -> list[type]:
        return [type(effect) for effect in self.effects]


def test_row_1_fires_at_once_without_for() -> None:
    course = Course(RULE).sample(0, 900)
    assert course.state.phase is Phase.FIRING
    assert course.effects == [Opened(at(0), 900, late=False), Announced(at(0), at(0), 900, at(0))]


def test_row_2_waits_for_the_hold() -> None:
    course = Course(PATIENT).sample(0, 950)
    assert (course.state.phase, course.state.since, course.effects) == (Phase.PENDING, at(0), [])


def test_row_3_a_value_below_ends_the_wait() -> None:
    course = Course(PATIENT).sample(0, 950).sample(1, 899).sample(3, 950)
    assert (course.state.phase, course.state.since) == (Phase.PENDING, at(3))
    assert course.effects == []


def test_row_4_fires_when_held_long_enough_by_a_sample() -> None:
    course = Course(PATIENT).sample(0, 950).sample(1, 960).sample(2, 970)
    assert course.effects[0] == Opened(at(2), 970, late=False)
    assert course.state.phase is Phase.FIRING


def test_row_4_fires_between_samples_when_held_long_enough() -> None:
    course = Course(PATIENT).sample(0, 950).tick(1.9)
    assert course.state.phase is Phase.PENDING
    course.tick(2.5)
    assert course.effects[0] == Opened(at(2), 950, late=False), (
        "the time is the rule's, not the tick's"
    )


def test_row_4_a_sample_at_the_end_of_the_hold_decides() -> None:
    course = Course(PATIENT).sample(0, 950).sample(1, 950).sample(2, 899)
    assert (course.state.phase, course.effects) == (Phase.OK, [])


def test_row_4_a_tick_waits_for_a_sample_that_may_be_under_way() -> None:
    rule = replace(PATIENT, patience=MINUTE)
    course = Course(rule).sample(0, 950).sample(1, 950).tick(2.9).sample(2, 899, now=2.95)
    assert course.effects == []
    assert machine.next_due(rule, Course(rule).sample(0, 950).state) == at(3)


def test_row_4_needs_enough_samples() -> None:
    course = Course(replace(PATIENT, min_samples=3)).sample(0, 950).sample(1.5, 950).tick(4)
    assert course.state.phase is Phase.PENDING
    course.sample(4.2, 950)
    assert course.effects[0] == Opened(at(4.2), 950, late=False)


def test_row_4_a_corrected_value_of_the_same_moment_is_no_second_sample() -> None:
    course = Course(replace(RULE, min_samples=2)).sample(0, 950).sample(0, 951)
    assert course.state.phase is Phase.PENDING


def test_row_5_a_pending_rule_that_falls_silent_does_not_fire() -> None:
    course = Course(replace(PATIENT, hold=10 * MINUTE)).sample(0, 950).tick(3.1)
    assert course.state.phase is Phase.OK
    assert course.state.stale
    assert course.effects == [FellSilent(None, at(0))]


def test_row_5_may_fire_on_silence_by_policy() -> None:
    rule = replace(PATIENT, hold=10 * MINUTE, alert_on_stale=True)
    course = Course(rule).sample(0, 950).tick(3.1)
    assert course.effects[0] == Opened(at(3), 950, late=False)
    assert course.state.phase is Phase.FIRING
    assert course.state.stale


def test_row_6_between_off_and_on_nothing_happens() -> None:
    course = Course(RULE).sample(0, 950).sample(1, 899).sample(2, 851)
    assert course.state.phase is Phase.FIRING
    assert course.kinds() == [Opened, Announced]


def test_row_7_recovers_at_off() -> None:
    course = Course(PATIENT).sample(0, 950).sample(2, 950).sample(3, 850)
    assert (course.state.phase, course.state.since) == (Phase.RECOVERING, at(3))


def test_row_7_without_keep_firing_closes_at_once() -> None:
    course = Course(RULE).sample(0, 950).sample(1, 850)
    assert course.effects[-1] == Closed(at(0), at(1), 850, CloseReason.RECOVERED)
    assert course.state.phase is Phase.OK


def test_row_8_a_relapse_is_the_same_incident_without_a_message() -> None:
    course = Course(PATIENT).sample(0, 950).sample(2, 950).sample(3, 840).sample(4, 860)
    assert course.state.phase is Phase.FIRING
    course.sample(5, 980)
    assert course.kinds() == [Opened, Announced]


def test_row_9_recovery_waits() -> None:
    course = Course(PATIENT).sample(0, 950).sample(2, 950).sample(3, 840).sample(5, 840).tick(7.9)
    assert course.state.phase is Phase.RECOVERING


def test_row_9_the_time_without_data_does_not_count() -> None:
    course = Course(PATIENT).sample(0, 950).sample(2, 950).sample(3, 840).tick(20)
    assert course.state.stale
    assert course.state.phase is Phase.RECOVERING
    course.sample(20, 840).tick(21.9)
    assert course.state.phase is Phase.RECOVERING, "three of five minutes were seen before"
    course.tick(22)
    assert course.effects[-1] == Closed(at(2), at(22), 840, CloseReason.RECOVERED)


def test_row_10_closes_when_calm_long_enough() -> None:
    course = Course(PATIENT).sample(0, 950).sample(2, 950).sample(3, 840).sample(5.5, 830).tick(8)
    assert course.effects[-1] == Closed(at(2), at(8), 830, CloseReason.RECOVERED)


def test_row_10_a_sample_at_the_end_of_the_calm_decides() -> None:
    calm = Course(PATIENT).sample(0, 950).sample(2, 950).sample(3, 840).sample(5.5, 830)
    relapse = Course(PATIENT, calm.state).sample(8, 860)
    assert (relapse.state.phase, relapse.effects) == (Phase.FIRING, [])
    end = Course(PATIENT, calm.state).sample(8, 820)
    assert end.effects == [Closed(at(2), at(8), 820, CloseReason.RECOVERED)]


def test_row_11_silence_never_resolves_and_is_told_once() -> None:
    course = Course(RULE).sample(0, 950)
    for minute in range(1, 600):
        course.tick(minute)
    assert course.state.phase is Phase.FIRING
    assert course.state.stale
    assert course.effects[2:] == [FellSilent(at(0), at(0))]


def silences(course: Course) -> list[FellSilent]:
    return [effect for effect in course.effects if isinstance(effect, FellSilent)]


def test_row_11_a_link_that_flutters_is_told_once_in_an_hour() -> None:
    course = Course(RULE).sample(0, 950)
    for minute in range(5, 125, 5):
        course.tick(minute - 1).sample(minute, 950)
    assert silences(course) == [FellSilent(at(0), at(0)), FellSilent(at(0), at(60))]


def test_row_11_a_silence_that_goes_on_after_the_hour_is_told_then() -> None:
    """Who mended the link after the first message has to hear that it is broken again."""
    course = Course(RULE).sample(0, 950).tick(4).sample(5, 950).tick(9)
    assert machine.next_due(RULE, course.state) == at(63)
    course.tick(62.9)
    assert silences(course) == [FellSilent(at(0), at(0))]
    course.tick(63).tick(200)
    assert silences(course)[1:] == [FellSilent(at(0), at(5))]
    assert machine.next_due(RULE, course.state) is None


def test_row_11_a_new_incident_tells_its_own_silence() -> None:
    course = Course(RULE).sample(0, 950).tick(4).sample(5, 100).sample(6, 950).tick(10)
    assert silences(course) == [FellSilent(at(0), at(0)), FellSilent(at(6), at(6))]


def test_row_5_technicians_hear_of_a_link_that_flutters_once_in_an_hour() -> None:
    course = Course(replace(PATIENT, hold=10 * MINUTE)).sample(0, 950)
    for minute in range(5, 125, 5):
        course.tick(minute - 1).sample(minute, 950)
    assert silences(course) == [FellSilent(None, at(0)), FellSilent(None, at(60))]


def test_row_18_a_third_opening_within_an_hour_is_flapping() -> None:
    """One message says so; then it lasts until it was calm for an hour."""
    course = Course(RULE)
    for minute in range(0, 30, 2):
        course.sample(minute, 950).sample(minute + 1, 800)
    told = [effect for effect in course.effects if isinstance(effect, Announced)]
    assert [(effect.opened_at, effect.flapping) for effect in told] == [
        (at(0), False),
        (at(2), False),
        (at(4), True),
    ]
    assert course.state.phase is Phase.RECOVERING
    for minute in range(30, 91):
        course.sample(minute, 800)
    closed = [effect for effect in course.effects if isinstance(effect, Closed)]
    assert [effect.at for effect in closed] == [at(1), at(3), at(29 + 60)]
    assert not course.state.flapping
    assert not Course(RULE, course.state).sample(95, 950).state.flapping


def test_row_18_openings_further_apart_are_no_flapping() -> None:
    course = Course(RULE)
    for minute in (0, 30, 60, 90):
        course.sample(minute, 950).sample(minute + 1, 800)
    assert all(not effect.flapping for effect in course.effects if isinstance(effect, Announced))
    assert course.kinds().count(Closed) == 4


def test_row_18_what_was_reached_for_an_hour_flaps_no_more() -> None:
    course = Course(RULE)
    for minute in (0, 2, 4):
        course.sample(minute, 950).sample(minute + 1, 800)
    assert course.state.flapping
    for minute in range(6, 67):
        course.sample(minute, 950)
    course.sample(67, 800)
    assert course.effects[-1] == Closed(at(4), at(67), 800, CloseReason.RECOVERED)


def test_row_12_a_sample_ends_staleness_and_is_judged() -> None:
    course = Course(RULE).sample(0, 100).tick(60)
    assert course.state.stale
    course.sample(61, 950)
    assert not course.state.stale
    assert course.state.phase is Phase.FIRING


def test_row_12_a_wait_begins_anew_after_a_gap() -> None:
    course = Course(PATIENT).sample(0, 950).sample(1, 950)
    gap = Course(replace(PATIENT, hold=10 * MINUTE), course.state).sample(9, 950)
    assert (gap.state.phase, gap.state.since) == (Phase.PENDING, at(9))


def test_row_19_a_late_sample_is_history_only() -> None:
    course = Course(RULE).sample(5, 100)
    before = course.state
    course.sample(4, 2_000, now=5)
    assert course.state is before
    assert course.effects == []


def test_row_20_an_edit_ends_the_alarm_with_its_reason() -> None:
    firing = Course(RULE).sample(0, 950).state
    state, effects = machine.edit(firing, at(3), CloseReason.RULE_CHANGED)
    assert effects == (Closed(at(0), at(3), 950, CloseReason.RULE_CHANGED),)
    assert (state.phase, state.level) == (Phase.OK, 0)


def test_row_20_an_edited_rule_does_not_judge_the_past() -> None:
    course = Course(replace(RULE, valid_from=at(10))).sample(9, 2_000)
    assert course.effects == []
    course.sample(10, 2_000)
    assert course.state.phase is Phase.FIRING


def test_row_21_an_old_alarm_is_recorded_and_not_told() -> None:
    course = Course(RULE).sample(0, 950, now=16).sample(1, 100, now=16)
    assert course.effects == [
        Opened(at(0), 950, late=True),
        Closed(at(0), at(1), 100, CloseReason.RECOVERED),
    ]


def test_row_21_an_old_alarm_that_goes_on_is_told_once_it_is_current() -> None:
    course = Course(RULE).sample(0, 950, now=40).sample(20, 960, now=40)
    assert course.kinds() == [Opened]
    course.sample(39, 970, now=40).sample(40, 980)
    assert course.effects[1:] == [Announced(at(0), at(39), 970, at(39))]


def test_row_21_between_off_and_on_an_old_alarm_stays_untold() -> None:
    course = Course(RULE).sample(0, 950, now=40).sample(39, 880, now=40)
    assert course.kinds() == [Opened]


def test_an_outage_leads_to_the_same_incident_as_none() -> None:
    """The line is cut while the rule waits: ticks say "stale", the backlog proves them wrong."""
    rule = replace(PATIENT, hold=10 * MINUTE)
    calm = Course(rule)
    for minute in range(12):
        calm.sample(minute, 950)
    cut = Course(rule).sample(0, 950).sample(1, 950)
    for minute in range(2, 60):
        cut.tick(minute)
    for minute in range(2, 12):
        cut.sample(minute, 950, now=60)
    opened = [effect.at for effect in calm.effects if isinstance(effect, Opened)]
    assert opened == [at(10)]
    assert [effect.at for effect in cut.effects if isinstance(effect, Opened)] == opened


def test_below_is_the_mirror_of_above() -> None:
    rule = replace(RULE, kind=Threshold(on=15, off=18, direction=Direction.BELOW))
    course = Course(rule).sample(0, 15.1).sample(1, 15).sample(2, 17.9).sample(3, 18)
    assert course.kinds() == [Opened, Announced, Closed]


def test_forgetting_keeps_what_was_told() -> None:
    fired = Course(RULE).sample(0, 950).state
    again = Course(RULE, machine.forget(fired)).sample(0, 950, now=1)
    assert again.kinds() == [Opened], "its message was sent before the history was judged again"
    again.sample(1, 950)
    assert again.kinds() == [Opened, Announced], "the outbox drops messages that were sent already"


@pytest.mark.parametrize(
    ("on", "off", "direction"),
    [
        (900, 900, Direction.ABOVE),
        (900, 901, Direction.ABOVE),
        (15, 14, Direction.BELOW),
        (float("nan"), 0, Direction.ABOVE),
        (float("inf"), 0, Direction.ABOVE),
    ],
)
def test_thresholds_without_hysteresis_are_refused(
    on: float, off: float, direction: Direction
) -> None:
    with pytest.raises(ValueError, match=r"\bon\b"):
        Threshold(on=on, off=off, direction=direction)
