"""Growth of totals and the bounds of windows, where a mistake would be most tempting."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from stadtsinn.base import berlin
from stadtsinn.base.instant import DAY, HOUR, Instant
from stadtsinn.cloud.series.stores.counters import growth, growth_per_window
from stadtsinn.cloud.series.stores.store import Sample, Window
from stadtsinn.cloud.series.stores.windows import next_window, window_start


@pytest.mark.parametrize(
    ("previous", "current", "bits", "expected"),
    [
        (10, 10, 16, 0),
        (10, 25, 16, 15),
        (65_535, 0, 16, 1),
        (62_260, 100, 16, 3_376),  # 95.0 % full: a wrap
        (62_259, 100, 16, 100),  # not quite: a restart
        (65_000, 100, 32, 100),  # far from full in 32 bits
        (4_294_967_295, 4, 32, 5),
        (65_535, 0, None, 0),
    ],
)
def test_a_smaller_total_is_a_wrap_only_near_the_end_of_its_range(
    previous: int, current: int, bits: int | None, expected: int
) -> None:
    assert growth(float(previous), float(current), None if bits is None else 2.0**bits) == expected


def test_a_first_value_without_a_base_has_no_growth() -> None:
    first = Sample(Instant(5 * HOUR), 1_000.0)
    assert growth_per_window([first], None, Window.HOUR, None) == []
    base = Sample(Instant(0), 990.0)
    assert growth_per_window([first], base, Window.HOUR, None) == [Sample(first.time, 10.0)]


def test_growth_is_counted_where_it_was_noticed() -> None:
    samples = [
        Sample(Instant(HOUR - 1), 5.0),
        Sample(Instant(HOUR), 9.0),
        Sample(Instant(HOUR + 5), 10.0),
    ]
    grown = growth_per_window(samples, Sample(Instant(0), 4.0), Window.HOUR, None)
    assert grown == [Sample(Instant(0), 1.0), Sample(Instant(HOUR), 5.0)]


@pytest.mark.parametrize("year", [1980, 2026, 2040])
def test_windows_of_days_follow_each_other_through_the_year(year: int) -> None:
    day = berlin.at(date(year, 1, 1))
    lengths = []
    for _ in range(366):
        following = next_window(day, Window.DAY)
        lengths.append((following - day) // HOUR)
        assert window_start(following, Window.DAY) == following
        assert window_start(following - 1, Window.DAY) == day
        assert window_start(day + 12 * HOUR, Window.DAY) == day
        day = following
    assert sorted(set(lengths)) == [23, 24, 25]
    assert lengths.count(23) == lengths.count(25) == 1


def test_hours_of_berlin_are_hours_of_utc() -> None:
    """What days are put together from; not true for the time before 1893."""
    moment = datetime(1970, 1, 1, tzinfo=UTC)
    while moment.year < 2040:
        offset = moment.astimezone(berlin.BERLIN).utcoffset()
        assert offset is not None
        assert offset % timedelta(hours=1) == timedelta(0)
        moment += timedelta(days=7)
    assert window_start(Instant(DAY + HOUR + 1), Window.HOUR) == DAY + HOUR
