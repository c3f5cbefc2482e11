"""Cases that users of other systems reported, as courses of values. Minutes are event time."""

from __future__ import annotations

from stadtsinn.base.active import Active, Recurring
from stadtsinn.base.calendar import EVERY_DAY, Hours
from stadtsinn.base.instant import HOUR, MINUTE, Instant, parse
from stadtsinn.rules import machine
from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.kinds.sum import Sum
from stadtsinn.rules.kinds.threshold import Threshold
from stadtsinn.rules.state import Closed, Effect, Opened, Phase, RuleState
from stadtsinn.rules.terms import Terms

EIGHT = parse("2026-06-01T08:00:00+02:00")


def at(minute: float) -> Instant:
    return Instant(EIGHT + round(minute * MINUTE))


class Course:
    def __init__(self, kind: RuleKind, **terms: int | Active) -> None:
        self.rule = Terms(kind, **{"stale_after": 24 * HOUR, **terms})  # type: ignore[arg-type]
        self.state = RuleState()
        self.effects: list[Effect] = []

    def sample(self, minute: float, value: float) -> Course:
        self.state, some = machine.sample(self.rule, self.state, at(minute), value, at(minute))
        self.effects += some
        return self

    def tick(self, minute: float) -> Course:
        self.state, some = machine.tick(self.rule, self.state, at(minute))
        self.effects += some
        return self

    def said(self) -> list[tuple[str, float]]:
        return [
            (type(one).__name__, (one.at - EIGHT) / MINUTE)
            for one in self.effects
            if isinstance(one, Opened | Closed)
        ]


def test_a_threshold_of_23_with_one_degree_of_hysteresis() -> None:
    """home-assistant/core#116397: on above 23, off below 22, and nothing in between."""
    course = Course(Threshold(on=23, off=22))
    for minute, value in enumerate((22.5, 23, 22.5, 22.1, 22, 22.5, 22.9)):
        course.sample(minute, value)
    assert course.said() == [("Opened", 1), ("Closed", 4)]


def test_an_alarm_in_the_band_outlives_a_gap() -> None:
    """home-assistant/core#133377: after a restart and a gap, 40 lies between 5 and 120."""
    course = Course(Threshold(on=120, off=5), stale_after=HOUR).sample(0, 132).tick(90)
    assert course.state.stale
    course.sample(95, 40)
    assert (course.state.phase, course.said()) == (Phase.FIRING, [("Opened", 0)])


def test_the_rain_of_an_hour_is_less_without_a_further_value() -> None:
    """home-assistant/core#90099: the last 60 minutes slide, they are no total that only grows."""
    course = Course(Sum(on=20, off=5, within_s=3_600)).sample(0, 18).sample(10, 4)
    course.tick(59).tick(71)
    assert course.said()[0] == ("Opened", 10)
    assert [name for name, _ in course.said()] == ["Opened", "Closed"]
    assert course.said()[1][1] == 60


def test_what_has_to_last_counts_from_the_first_value_in_the_time() -> None:
    """thingsboard/thingsboard#16118: a duration and a schedule together."""
    nine = Active([Recurring(Hours(EVERY_DAY, "09:00", "17:00"))])
    course = Course(Threshold(on=1, off=0), hold=30 * MINUTE, active=nine)
    course.sample(0, 1).sample(50, 1).sample(65, 1).sample(94, 1)
    assert course.said() == []
    assert course.sample(95, 1).said() == [("Opened", 95)]
