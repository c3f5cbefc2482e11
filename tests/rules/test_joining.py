"""The kinds that judge several datastreams together. Minutes are event time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.base.language import Language
from stadtsinn.rules import machine
from stadtsinn.rules.kind import RuleKind, Stage, Stream
from stadtsinn.rules.kinds.both import Also, Both
from stadtsinn.rules.kinds.count import Count
from stadtsinn.rules.kinds.difference import Difference
from stadtsinn.rules.kinds.share import Share
from stadtsinn.rules.kinds.threshold import Direction
from stadtsinn.rules.state import Closed, Effect, FellSilent, Opened, Phase, RuleState
from stadtsinn.rules.terms import Terms

LEVELS = Difference(on=0.4, off=0.2, minus=Stream(station="unten"))
FROST = Both(
    on=2,
    off=3,
    direction=Direction.BELOW,
    also=(Also(quantity="relative_humidity", on=90, off=80),),
)
SPACES = Count(on=18, off=15, each_on=1, each_off=0)
DRY = Share(on=60, off=20, each=Direction.BELOW, each_on=15, each_off=20)


def at(minute: float) -> Instant:
    return Instant(int(500_000 * HOUR + minute * MINUTE))


class Course:
    def __init__(self, kind: RuleKind, stations: int | None = None, **terms: Any) -> None:
        silence = (kind.silence_s or 0) * 1_000_000
        self.rule = Terms(kind, stale_after=silence, **terms)
        self.stations = stations
        self.state = RuleState()
        self.effects: list[Effect] = []

    def sample(self, minute: float, streams: Mapping[int, float]) -> Course:
        moment = at(minute)
        step = machine.sample(
            self.rule, self.state, moment, 0, moment, self.stations, streams=streams
        )
        self.state = step[0]
        self.effects += step[1]
        return self

    def tick(self, minute: float) -> Course:
        self.state, effects = machine.tick(self.rule, self.state, at(minute))
        self.effects += effects
        return self

    def opened(self) -> list[tuple[float, float | None]]:
        return [
            ((one.at - at(0)) / MINUTE, one.value)
            for one in self.effects
            if isinstance(one, Opened)
        ]

    def closed(self) -> list[float]:
        return [(one.at - at(0)) / MINUTE for one in self.effects if isinstance(one, Closed)]


# --- difference ------------------------------------------------------------------------


def test_a_difference_is_judged_once_both_are_known() -> None:
    course = Course(LEVELS).sample(0, {0: 2.0}).sample(1, {1: 1.8}).sample(10, {0: 2.2})
    assert course.opened() == [(10, 0.4)]
    assert course.sample(11, {1: 1.9}).opened() == [(10, 0.4)]
    assert course.sample(12, {1: 2.0}).closed() == [12]


def test_a_value_that_is_too_old_is_not_compared_with() -> None:
    """home-assistant/core#87890 and #83504: a missing part is neither zero nor its last value."""
    course = Course(LEVELS).sample(0, {0: 2.0, 1: 2.0}).sample(61, {0: 3.0})
    assert (course.opened(), course.state.last_event) == ([], at(0))
    assert course.sample(62, {1: 2.0}).opened() == [(62, 1.0)]


def test_missing_data_of_one_is_told_and_ends_nothing() -> None:
    """dolezsa/thermal_comfort#345: what is computed is as old as what it is computed from."""
    course = Course(LEVELS).sample(0, {0: 3.0, 1: 2.0}).sample(70, {0: 1.0}).tick(71)
    assert course.closed() == []
    assert [type(one) for one in course.effects[-1:]] == [FellSilent]
    assert course.state.phase is Phase.FIRING


def test_an_older_value_of_the_other_waits_for_the_next() -> None:
    course = Course(LEVELS).sample(0, {0: 2.0, 1: 2.0}).sample(10, {0: 2.0}).sample(5, {1: 1.0})
    assert course.opened() == []
    assert course.sample(11, {0: 2.0}).opened() == [(11, 1.0)]


def test_what_was_never_judged_is_judged_at_its_newest_part() -> None:
    assert Course(LEVELS).sample(10, {0: 3.0}).sample(4, {1: 2.0}).opened() == [(10, 1.0)]


def test_values_of_one_moment_belong_together() -> None:
    """Else the first of two depths that fall at once would be compared with the other's past."""
    course = Course(LEVELS).sample(0, {0: 5.0, 1: 5.0}).sample(10, {0: 2.0, 1: 2.0})
    assert course.opened() == []


def test_fractions_reach_a_limit() -> None:
    assert Course(LEVELS).sample(0, {0: 1.2, 1: 0.8}).opened() == [(0, 0.4)]


def test_a_difference_to_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="always 0"):
        Difference(on=1, off=0, minus=Stream())


# --- and -------------------------------------------------------------------------------


def test_all_conditions_hold_at_once_and_one_ends_it() -> None:
    """prometheus/prometheus#2205: conditions about two places."""
    course = Course(FROST).sample(0, {0: 1.0, 1: 70}).sample(10, {1: 92})
    assert course.opened() == [(10, 1.0)]
    assert course.sample(20, {1: 85}).closed() == [], "between its off and on"
    assert course.sample(30, {1: 80}).closed() == [30]
    assert course.sample(40, {0: 2.5, 1: 95}).opened() == [(10, 1.0)], "not cold enough"


def test_each_condition_has_an_age_of_its_own() -> None:
    slow = Also(quantity="dissolved_oxygen", direction=Direction.BELOW, on=4, off=5, fresh_s=86_400)
    kind = Both(on=25, off=24, fresh_s=3_600, also=(slow,))
    assert kind.silence_s == 3_600
    course = Course(kind).sample(0, {1: 3.0}).sample(600, {0: 26})
    assert course.opened() == [(600, 26)]
    late = Course(kind).sample(0, {0: 26}).sample(600, {1: 3.0})
    assert late.opened() == []


@pytest.mark.parametrize(
    ("also", "said"),
    [
        ({"quantity": "relative_humidity", "on": 80, "off": 90}, "'off' .* below 'on'"),
        ({"on": 80, "off": 70}, "another datastream"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(also: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Both.model_validate({"on": 2, "off": 3, "direction": "below", "also": [also]})


# --- count and share -------------------------------------------------------------------


def test_spaces_fill_and_empty() -> None:
    course = Course(SPACES, stations=20)
    for space in range(20):
        course.sample(space, {space + 100: 1})
    assert course.opened() == [(17, 18)]
    for space in range(5):
        course.sample(30 + space, {space + 100: 0})
    assert course.closed() == [34]


def test_what_is_not_known_begins_nothing_and_ends_nothing() -> None:
    """home-assistant/core#67468 and #121366: a member that is silent is neither on nor off."""
    course = Course(Count(on=3, off=1, each_on=1, each_off=0), stations=5)
    course.sample(0, {1: 1}).sample(1, {2: 1})
    assert course.opened() == []
    course.sample(2, {3: 1}).sample(70, {1: 0}).sample(71, {2: 0})
    assert (course.opened(), course.closed()) == ([(2, 3)], [])
    assert course.sample(72, {3: 0}).sample(73, {4: 0}).closed() == [73]


def test_a_station_between_its_limits_stays_as_it_was() -> None:
    course = Course(DRY, stations=5)
    course.sample(0, {1: 14}).sample(1, {2: 18}).sample(2, {3: 10}).sample(3, {1: 19})
    assert course.opened() == []
    course.sample(4, {4: 15})
    assert course.opened() == [(4, 60)]


def test_a_corrected_value_is_judged_by_what_was_before() -> None:
    course = Course(Count(on=1, off=0, each_on=8, each_off=3), stations=1)
    course.sample(0, {1: 1}).sample(1, {1: 9}).sample(1, {1: 5})
    assert course.closed() == [1]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"each_on": 1, "each_off": 1}, "'each_off' .* below 'each_on'"),
        ({"each": "below", "each_on": 3, "each_off": 2}, "'each_off' .* above 'each_on'"),
        ({"off": -1}, "never end"),
    ],
)
def test_a_state_that_cannot_be_meant_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Count.model_validate({"on": 3, "off": 1, "each_on": 1, "each_off": 0, **values})


# --- words -----------------------------------------------------------------------------


def stage(language: Language, total: float | None = None) -> Stage:
    label = "Wert" if language is Language.DE else "Value"
    return Stage(lambda value: f"{value:g} m", language, permitted=total, label=label)


@pytest.mark.parametrize(
    ("kind", "value", "german", "english"),
    [
        (LEVELS, 0.5, "um 0.5 m verschieden", "different by 0.5 m"),
        (SPACES, 18, "an 18 von 20 Messstellen", "at 18 of 20 stations"),
        (DRY, 60, "bis 15 m an 60 % der Messstellen", "15 m or less at 60% of the stations"),
    ],
)
def test_what_was_judged(kind: RuleKind, value: float, german: str, english: str) -> None:
    assert kind.told(value, stage(Language.DE, 20)) == german
    assert kind.told(value, stage(Language.EN, 20)) == english


def test_the_limits_of_all_conditions_are_said() -> None:
    assert FROST.phrases(stage(Language.DE)).limit == "Grenze 2 m, zugleich Wert ab 90 m"
    assert FROST.phrases(stage(Language.EN)).limit == "limit 2 m, with Value 90 m or more"
