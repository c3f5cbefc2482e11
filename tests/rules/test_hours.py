"""Rules that may fire at some times only: what a time ends, and what the next one begins."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from stadtsinn.base.active import Active, Recurring
from stadtsinn.base.calendar import EVERY_DAY, Hours
from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant, parse
from stadtsinn.rules import machine
from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.kinds.no_data import NoData
from stadtsinn.rules.kinds.sum import Sum
from stadtsinn.rules.kinds.threshold import Threshold
from stadtsinn.rules.state import (
    Announced,
    Closed,
    CloseReason,
    Effect,
    FellSilent,
    Opened,
    Phase,
    RuleState,
)
from stadtsinn.rules.terms import Terms

MIDNIGHT = parse("2026-06-01T00:00:00+02:00")
DAYTIME = Active([Recurring(Hours(EVERY_DAY, "08:00", "20:00"))])
LEVEL = Threshold(on=8, off=3)


def at(hour: float) -> Instant:
    return Instant(MIDNIGHT + round(hour * HOUR))


@dataclass
class Course:
    """Hours count from a midnight; the rule may fire from 8 to 20."""

    kind: RuleKind = LEVEL
    hold: int = 0
    keep_firing: int = 0
    stale_after: int = 3 * HOUR
    patience: int = MINUTE
    state: RuleState = field(default_factory=RuleState)
    effects: list[Effect] = field(default_factory=list)

    @property
    def rule(self) -> Terms:
        return Terms(
            self.kind,
            hold=self.hold,
            keep_firing=self.keep_firing,
            stale_after=self.stale_after,
            patience=self.patience,
            active=DAYTIME,
        )

    def sample(self, hour: float, value: float, now: float | None = None) -> Course:
        arrived = at(hour if now is None else now)
        self.state, some = machine.sample(self.rule, self.state, at(hour), value, arrived)
        self.effects += some
        return self

    def tick(self, hour: float) -> Course:
        self.state, some = machine.tick(self.rule, self.state, at(hour))
        self.effects += some
        return self

    def incidents(self) -> list[tuple[float, float | None, str | None]]:
        ends = {one.opened_at: one for one in self.effects if isinstance(one, Closed)}
        found: list[tuple[float, float | None, str | None]] = []
        for one in self.effects:
            if isinstance(one, Opened):
                end = ends.get(one.at)
                closed = (None, None) if end is None else (hour_of(end.at), end.reason.value)
                found.append((hour_of(one.at), *closed))
        return found


def hour_of(moment: int) -> float:
    return round((moment - MIDNIGHT) / HOUR, 4)


def test_nothing_fires_outside_and_what_still_is_so_fires_with_the_next_value() -> None:
    """grafana/grafana#50266, prometheus/alertmanager#3367: what still is so is told."""
    course = Course().sample(6, 9).sample(7, 9)
    assert (course.incidents(), course.state.phase) == ([], Phase.OK)
    assert course.sample(8, 9).incidents() == [(8, None, None)]


def test_the_end_of_the_time_ends_an_alarm_and_says_why() -> None:
    """grafana/grafana#87007: an alarm that ends while nobody is told must not stay open."""
    course = Course().sample(18, 9).sample(19, 9)
    assert machine.next_due(course.rule, course.state) == at(20) + MINUTE
    course.tick(20)
    assert course.state.phase is Phase.FIRING, "a sample of before may be under way"
    course.tick(20 + 1 / 60)
    assert course.incidents() == [(18, 20, "not_active")]
    closed = course.effects[-1]
    assert isinstance(closed, Closed)
    assert closed.reason is CloseReason.NOT_ACTIVE
    assert course.sample(21, 1).sample(32, 9).incidents()[1:] == [(32, None, None)]


def test_a_value_of_the_end_itself_is_outside() -> None:
    course = Course().sample(19, 9).sample(20, 1)
    assert course.incidents() == [(19, 20, "not_active")]


def test_what_comes_late_of_a_time_that_was_ended_fires_nothing() -> None:
    course = Course().sample(18, 9).tick(20.5)
    before = course.state
    course.sample(19, 1, now=21).sample(19.5, 9, now=21)
    assert course.state == before
    assert course.incidents() == [(18, 20, "not_active")]


def test_a_backlog_ends_with_the_time_as_it_would_have_live() -> None:
    """thingsboard/thingsboard#8191: values in chunks are of the time of their measurement."""
    live, late = Course(), Course()
    for hour, value in ((18.0, 1.0), (19.0, 9.0), (20.5, 9.0), (32.5, 9.0), (33.0, 1.0)):
        live.sample(hour, value).tick(hour + 0.2)
        late.sample(hour, value, now=40)
    assert live.incidents() == late.incidents()
    assert live.incidents() == [(19, 20, "not_active"), (32.5, 33, "recovered")]


def test_what_has_to_last_does_not_begin_outside_nor_go_on_beyond() -> None:
    course = Course(hold=2 * HOUR)
    course.sample(7, 9).sample(8.5, 9).sample(10, 9)
    assert course.incidents() == []
    assert course.sample(10.5, 9).incidents() == [(10.5, None, None)]
    other = Course(hold=2 * HOUR).sample(19, 9).sample(19.9, 9).tick(21.5)
    assert (other.state.phase, other.incidents()) == (Phase.OK, [])


def test_recovering_when_the_time_ends_is_no_all_clear() -> None:
    course = Course(keep_firing=2 * HOUR).sample(18, 9).sample(19, 1).tick(22)
    assert course.incidents() == [(18, 20, "not_active")]


def test_missing_data_at_the_end_ends_it_as_well() -> None:
    course = Course(stale_after=HOUR).sample(18, 9).tick(19.5).tick(20.1)
    assert [type(one) for one in course.effects] == [Opened, Announced, FellSilent, Closed]
    assert course.state.stale
    assert machine.next_due(course.rule, course.state) is None


def test_the_rain_of_the_night_counts_in_the_morning() -> None:
    course = Course(Sum(on=20, off=5, within_s=6 * 3_600))
    course.sample(3, 12).sample(5, 6).sample(7, 1).sample(8, 2)
    assert course.incidents() == [(8, None, None)]


def test_silence_is_told_when_the_time_begins_and_again_in_each_one() -> None:
    course = Course(NoData(silent_s=7_200), stale_after=7_200 * SECOND).sample(2, 5)
    course.tick(5)
    assert course.incidents() == []
    assert machine.next_due(course.rule, course.state) == at(8) + 1
    course.tick(8.1).tick(20.1).tick(33)
    assert course.incidents() == [(8, 20, "not_active"), (32, None, None)]
    assert [type(one) for one in course.effects].count(Announced) == 2
    assert course.sample(34, 5).incidents()[1] == (32, 34, "recovered")


@pytest.mark.parametrize("by_tick", [True, False])
def test_days_of_silence_that_nobody_looked_at_are_on_record_and_told_once(by_tick: bool) -> None:
    course = Course(NoData(silent_s=7_200), stale_after=7_200 * SECOND).sample(2, 5)
    course.tick(58) if by_tick else course.sample(58, 5)
    days = [(8, 20, "not_active"), (32, 44, "not_active"), (56, None, None)]
    if not by_tick:
        days[-1] = (56, 58, "recovered")
    assert course.incidents() == days
    told = [one for one in course.effects if isinstance(one, Announced)]
    assert [hour_of(one.opened_at) for one in told] == ([56] if by_tick else [])


def test_a_corrected_value_of_the_last_moment_counts() -> None:
    course = Course().sample(19.5, 9).sample(19.5, 1)
    assert course.incidents() == [(19.5, 19.5, "recovered")]
