"""Gauges: spikes, rates of rise, and a second sensor; lakes: nights, trends, warmth."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.berlin import at
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.domains.water.gauges import (
    LevelDoubt,
    Reading,
    believable,
    gauge_of,
    rise_per_hour,
)
from stadtsinn.cloud.domains.water.lakes import (
    LakeState,
    Night,
    Value,
    lake_of,
    nights_of,
    oxygen_held,
    trend_of,
)

START = 1_000 * HOUR


def course(*levels: float, every: int = 5) -> list[Reading]:
    return [
        Reading(Instant(START + number * every * MINUTE), level)
        for number, level in enumerate(levels)
    ]


def test_a_spike_is_left_out_and_a_flood_is_not() -> None:
    assert [one.level for one in believable(course(1, 1, 3.2, 1, 1))] == [1, 1, 1, 1]
    assert [one.level for one in believable(course(1, 1, 1.7, 1.8, 1.9))] == [1, 1, 1.7, 1.8, 1.9]


def test_a_jump_is_in_doubt_until_the_next_reading_or_the_second_sensor_says_so() -> None:
    jumped = gauge_of(course(1, 1, 1.8))
    assert jumped is not None
    assert (jumped.reading.level, jumped.doubt) == (1.8, LevelDoubt.JUMP)
    again = gauge_of(course(1, 1, 1.8, 1.82))
    assert again is not None
    assert again.doubt is None
    confirmed = gauge_of(course(1, 1, 1.8), course(1, 1, 1.79))
    assert confirmed is not None
    assert (confirmed.confirmed, confirmed.doubt) == (True, None)


def test_two_sensors_that_disagree_are_in_doubt() -> None:
    found = gauge_of(course(1, 1), course(1.2, 1.2))
    assert found is not None
    assert (found.confirmed, found.doubt) == (False, LevelDoubt.DISAGREES)


def test_a_silent_second_sensor_confirms_nothing() -> None:
    old = [Reading(Instant(START - 2 * HOUR), 1.0)]
    found = gauge_of(course(1, 1), old)
    assert found is not None
    assert (found.confirmed, found.second) == (None, None)


def test_no_readings_are_no_gauge() -> None:
    assert gauge_of([]) is None


LEVELS = st.lists(st.floats(0, 5).map(lambda level: round(level, 2)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(LEVELS)
def test_the_rise_is_the_median_of_all_slopes(levels: list[float]) -> None:
    readings = course(*levels)
    recent = readings[-7:]  # half an hour at five minutes
    found = rise_per_hour(readings)
    if len(recent) < 3:
        assert found is None
        return
    slopes = [(b.level - a.level) * HOUR / (b.time - a.time) for a, b in combinations(recent, 2)]
    assert found == pytest.approx(median(slopes), abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(LEVELS)
def test_a_gauge_that_turns_upside_down_falls(levels: list[float]) -> None:
    up, down = course(*levels), course(*(-level for level in levels))
    assert rise_per_hour(up) == (None if (d := rise_per_hour(down)) is None else -d)


def test_very_many_readings_are_thinned_out_and_rise_as_fast() -> None:
    """A billion pairs would keep everybody waiting who asks."""
    many = [Reading(Instant(START + at * 36_000), at / 1_000) for at in range(50_000)]
    assert rise_per_hour(many) == pytest.approx(100.0)
    assert rise_per_hour(many[-3:]) == pytest.approx(100.0)


TODAY = date(2026, 7, 15)


def nights(*oxygen: float, temperature: float | None = 20.0) -> list[Night]:
    first = TODAY - timedelta(days=len(oxygen) - 1)
    return [
        Night(first + timedelta(days=number), value, temperature)
        for number, value in enumerate(oxygen)
    ]


def test_a_night_is_from_evening_to_morning_and_its_least_counts() -> None:
    evening, morning = at(TODAY - timedelta(days=1), "21:00"), at(TODAY, "05:00")
    noon = at(TODAY, "12:00")
    oxygen = [Value(evening, 8), Value(morning, 4.5), Value(at(TODAY, "08:00"), 5), Value(noon, 1)]
    found = nights_of(oxygen, [Value(evening, 22), Value(noon, 28)])
    assert found == [Night(TODAY, 4.5, 22)]


def test_a_night_with_one_value_is_none() -> None:
    assert nights_of([Value(at(TODAY, "05:00"), 4.5)], []) == []


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (nights(8, 8, 8, 8, 8), LakeState.GOOD),
        (nights(4.9), LakeState.STRAINED),
        (nights(2.9), LakeState.CRITICAL),
        (nights(4.9, temperature=25), LakeState.CRITICAL),
        (nights(9, 8.5, 8, 7.5, 7), LakeState.GOOD),
        (nights(9, 8.5, 8, 7.5, 7, temperature=26), LakeState.STRAINED),
        (nights(4.9, temperature=None), LakeState.STRAINED),
    ],
)
def test_oxygen_trend_and_warmth_together(last: list[Night], state: LakeState) -> None:
    assert lake_of(last, TODAY).state is state


def test_a_lake_of_which_nothing_is_known_is_unknown() -> None:
    assert lake_of([], TODAY).state is LakeState.UNKNOWN
    assert lake_of(nights(8), TODAY + timedelta(days=2)).state is LakeState.UNKNOWN


def test_so_many_nights_are_left() -> None:
    found = lake_of(nights(7, 6.5, 6, 5.5, 5), TODAY)
    assert (found.trend, found.days_left) == (-0.5, 4)
    assert lake_of(nights(5, 5, 5, 5, 5), TODAY).days_left is None


def test_one_thunderstorm_turns_no_trend() -> None:
    assert trend_of(nights(8, 7.8, 7.6, 3, 7.2, 7, 6.8)) == pytest.approx(-0.2, abs=0.01)


@pytest.mark.parametrize(("celsius", "held"), [(0, 14.62), (10, 11.29), (20, 9.09), (30, 7.56)])
def test_what_water_holds(celsius: float, held: float) -> None:
    """The table of the USGS for fresh water at 760 mm of mercury."""
    assert oxygen_held(celsius) == pytest.approx(held, abs=0.01)
