"""Tests the expectation itself: which incidents a rule has to find."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.rules.kinds.threshold import Direction
from stadtsinn.simulator.market_day.calendar import Span
from stadtsinn.simulator.market_day.expected_incidents import (
    AmbiguousDay,
    Bounds,
    Incident,
    expected_incidents,
)

OUTAGE = Span(Instant(100 * MINUTE), Instant(160 * MINUTE))
END = Instant(300 * MINUTE)


def rule(**changes: object) -> Rule:
    settings: dict[str, object] = {
        "slug": "voll", "name": "Voll", "zone": "markt", "on": 900, "off": 850, "max_age_s": 900
    }  # fmt: skip
    return Rule.model_validate({**settings, **changes})


def judged(levels: Mapping[int, float | tuple[float, float]], **changes: object) -> list[Incident]:
    """`levels` holds from a minute on, as one value or as bounds."""
    values = []
    low = high = 0.0
    for minute in range(300):
        if minute in levels:
            level = levels[minute]
            low, high = level if isinstance(level, tuple) else (level, level)
        values.append(Bounds(Instant(minute * MINUTE), low, high))
    return expected_incidents(rule(**changes), values, OUTAGE, END)


def spans(found: list[Incident]) -> list[tuple[int, int, int, int]]:
    return [
        (
            one.start // MINUTE,
            one.start_latest // MINUTE,
            one.end // MINUTE,
            one.end_latest // MINUTE,
        )
        for one in found
    ]


def test_exact_values_give_exact_incidents() -> None:
    assert spans(judged({10: 950, 20: 800, 40: 900, 45: 850})) == [
        (10, 10, 20, 20),
        (40, 40, 45, 45),
    ]


def test_between_the_levels_an_incident_stays_open() -> None:
    assert spans(judged({10: 950, 20: 870, 30: 950, 40: 800})) == [(10, 10, 40, 40)]


def test_bounds_leave_room_for_beginning_and_end() -> None:
    levels = {10: (850, 950), 15: (910, 1000), 20: (840, 900), 25: (700, 800)}
    assert spans(judged(levels)) == [(10, 15, 20, 25)]


def test_a_rule_that_waits_ignores_what_is_too_short() -> None:
    with pytest.raises(AmbiguousDay):
        judged({10: 950, 12: 800}, for_s=300)
    assert spans(judged({10: 950, 20: 800}, for_s=300)) == [(10, 15, 20, 20)]


def test_samples_are_needed_as_well_as_time() -> None:
    assert spans(judged({10: 950, 20: 800}, min_samples=4)) == [(10, 13, 20, 20)]


def test_an_incident_ends_when_it_was_calm_long_enough() -> None:
    assert spans(judged({10: 950, 20: 800, 22: 870, 24: 800}, keep_firing_s=300)) == [
        (10, 10, 20, 29)
    ]


def test_a_rule_may_look_downwards() -> None:
    levels: dict[int, float | tuple[float, float]] = {0: 30, 10: 14, 30: 25}
    assert spans(judged(levels, on=15, off=20, direction=Direction.BELOW)) == [(10, 10, 30, 30)]


def test_an_incident_without_end_lasts_until_the_day_is_over() -> None:
    assert spans(judged({10: 950})) == [(10, 10, 300, 300)]


def test_an_incident_inside_the_outage_is_hidden_if_it_is_forgotten_in_time() -> None:
    assert [one.visible_live for one in judged({110: 950, 120: 800})] == [False]


@pytest.mark.parametrize(
    "levels",
    [
        {99: 950, 120: 800},  # begins while the line is being cut
        {150: 950, 158: 800},  # still worth a message when the line is back
        {10: (850, 950), 20: (0, 10)},  # it is open whether there was one
        {10: 950, 20: (840, 900), 30: 950},  # one or two?
    ],
)
def test_a_day_that_decides_nothing_is_refused(levels: dict[int, float]) -> None:
    with pytest.raises(AmbiguousDay):
        judged(dict(levels))


def test_an_incident_announced_before_the_outage_may_last_through_it() -> None:
    assert [one.visible_live for one in judged({50: 950, 200: 800})] == [True]
