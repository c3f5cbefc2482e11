"""Rain sums against a model that goes through every second, and the criteria at their edges."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.water.rain import (
    SPANS,
    Fall,
    Measured,
    RainClass,
    RainSum,
    class_of,
    falls_of_amounts,
    falls_of_totals,
    sums,
)

START = 1_000 * HOUR
INTERVAL_S = 300


def minute(number: float) -> Instant:
    return Instant(START + round(number * MINUTE))


def values(*course: tuple[float, float], source: str = "a") -> list[Measured]:
    return [Measured(minute(when), value, source) for when, value in course]


def plainly(falls: Sequence[Fall], now: int, minutes: int) -> tuple[float, int]:
    """Every minute of a span for itself: how much fell, and how many minutes nobody knows."""
    mm, unknown = 0.0, 0
    reached = max((one.end for one in falls), default=Instant(0))
    for number in range(now - minutes, now):
        middle = minute(number + 0.5)
        covering = [one for one in falls if one.start < middle < one.end]
        if covering and covering[0].mm is not None:
            length = (covering[0].end - covering[0].start) / MINUTE
            mm += covering[0].mm / length
        elif covering or middle < reached or minute(now) - reached > 3 * INTERVAL_S * SECOND:
            unknown += 1
    return mm, unknown


COURSES = st.dictionaries(
    st.integers(0, 60).map(lambda number: number * 5),
    st.sampled_from([0.0, 0.2, 1.0, 4.0, 20.0]),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(COURSES, st.sampled_from([False, True]))
def test_sums_are_those_of_every_minute(course: dict[int, float], totals: bool) -> None:
    found = values(*sorted(course.items()))
    if totals:
        total, growing = 0.0, []
        for one in found:
            total += one.value
            growing.append(Measured(one.time, total, one.source))
        falls = falls_of_totals(growing, INTERVAL_S)
    else:
        falls = falls_of_amounts(found, INTERVAL_S)
    for of_span in sums(falls, minute(300), INTERVAL_S):
        mm, unknown = plainly(falls, 300, of_span.span_s // 60)
        assert of_span.mm == pytest.approx(mm, abs=1e-6)
        assert of_span.unknown_s == unknown * 60


@settings(max_examples=60, deadline=None)
@given(COURSES)
def test_a_total_without_gaps_is_the_sum_of_its_amounts(course: dict[int, float]) -> None:
    """What an uplink lost, the next one brings."""
    total, growing = 0.0, [Measured(minute(-5), 0.0, "a")]
    for when, value in sorted(course.items()):
        total += value
        growing.append(Measured(minute(when), total, "a"))
    day = sums(falls_of_totals(growing, INTERVAL_S), minute(300), INTERVAL_S)[-1]
    assert day.mm == pytest.approx(sum(course.values()), abs=1e-6)


def last_hour(falls: Sequence[Fall], now: float = 60) -> RainSum:
    return sums(falls, minute(now), INTERVAL_S)[SPANS.index(HOUR)]


def every_five_minutes(value: float, until: int = 60) -> list[tuple[float, float]]:
    return [(float(when), value) for when in range(5, until + 1, 5)]


def test_an_hour_of_rain_is_complete() -> None:
    found = last_hour(falls_of_amounts(values(*every_five_minutes(2)), INTERVAL_S))
    assert found == RainSum(3_600, 24.0, 0, RainClass.MARKED)
    assert found.complete


def test_lost_amounts_are_said_and_not_called_dry() -> None:
    course = [one for one in every_five_minutes(2) if not 20 <= one[0] <= 40]
    found = last_hour(falls_of_amounts(values(*course), INTERVAL_S))
    # 15 to 45: the amount at 45 is of its own five minutes.
    assert (found.mm, found.unknown_s) == (14.0, 25 * 60)
    assert not found.complete


def test_a_lost_total_is_spread_over_the_time_it_grew_in() -> None:
    found = sums(falls_of_totals(values((0, 100), (60, 112)), INTERVAL_S), minute(60), INTERVAL_S)
    assert [(one.mm, one.unknown_s) for one in found[:3]] == [(1.0, 0), (3.0, 0), (12.0, 0)]


def test_a_silent_gauge_says_how_much_it_does_not_know() -> None:
    found = last_hour(falls_of_amounts(values(*every_five_minutes(1, 30)), INTERVAL_S))
    assert (found.mm, found.unknown_s) == (6.0, 30 * 60)


def test_a_gauge_that_measured_nothing_knows_nothing() -> None:
    assert [one.unknown_s for one in sums([], minute(0), INTERVAL_S)] == [
        span // SECOND for span in SPANS
    ]


def test_another_devices_total_is_no_rain() -> None:
    swapped = [*values((0, 800), (5, 801)), *values((10, 3), (15, 4), source="b")]
    found = last_hour(falls_of_totals(swapped, INTERVAL_S), 15)
    assert found.mm == 2.0


@pytest.mark.parametrize(
    ("span", "mm", "rain_class"),
    [
        (HOUR, 14.9, RainClass.NONE),
        (HOUR, 15, RainClass.MARKED),
        (HOUR, 25, RainClass.MARKED),
        (HOUR, 25.1, RainClass.SEVERE),
        (HOUR, 40, RainClass.SEVERE),
        (HOUR, 40.1, RainClass.EXTREME),
        (6 * HOUR, 20, RainClass.MARKED),
        (6 * HOUR, 35.1, RainClass.SEVERE),
        (6 * HOUR, 60.1, RainClass.EXTREME),
        (24 * HOUR, 30, RainClass.MARKED),
        (24 * HOUR, 50.1, RainClass.SEVERE),
        (24 * HOUR, 80.1, RainClass.EXTREME),
        (5 * MINUTE, 99, None),
    ],
)
def test_the_criteria_of_the_dwd(span: int, mm: float, rain_class: RainClass | None) -> None:
    assert class_of(span, mm) is rain_class
