"""Shifts on days on which clocks are changed, and on public holidays."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from stadtsinn.base import berlin
from stadtsinn.base.calendar import EVERY_DAY, Day, Hours, Span, merged, uncovered
from stadtsinn.base.instant import HOUR, MINUTE, Instant, parse

SPRING = date(2026, 3, 29)
AUTUMN = date(2026, 10, 25)
EVE, FALL = date(2026, 3, 28), date(2026, 10, 24)
"""The days before."""


def _span(hours: Hours, day: date) -> tuple[str, str]:
    span = hours.on(day)
    assert span is not None
    return berlin.isoformat(span.start), berlin.isoformat(span.end)


@pytest.mark.parametrize(
    ("day", "start", "end", "expected", "hours"),
    [
        # 08–20 is local 08–20, whatever the day
        (SPRING, "08:00", "20:00", ("2026-03-29T08:00:00+02:00", "2026-03-29T20:00:00+02:00"), 12),
        (AUTUMN, "08:00", "20:00", ("2026-10-25T08:00:00+01:00", "2026-10-25T20:00:00+01:00"), 12),
        # across the change: an hour less, an hour more
        (EVE, "20:00", "08:00", ("2026-03-28T20:00:00+01:00", "2026-03-29T08:00:00+02:00"), 11),
        (FALL, "20:00", "08:00", ("2026-10-24T20:00:00+02:00", "2026-10-25T08:00:00+01:00"), 13),
        # the whole day
        (SPRING, "00:00", "00:00", ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"), 23),
        (AUTUMN, "00:00", "00:00", ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"), 25),
        # edges in the hour that does not exist are the moment of the change
        (SPRING, "02:30", "10:00", ("2026-03-29T03:00:00+02:00", "2026-03-29T10:00:00+02:00"), 7),
        (SPRING, "00:00", "02:30", ("2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00"), 2),
        (SPRING, "00:00", "02:00", ("2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00"), 2),
        # the hour that comes twice belongs to both shifts that meet in it
        (AUTUMN, "00:00", "02:30", ("2026-10-25T00:00:00+02:00", "2026-10-25T02:30:00+01:00"), 3.5),
        (AUTUMN, "02:30", "08:00", ("2026-10-25T02:30:00+02:00", "2026-10-25T08:00:00+01:00"), 6.5),
        (AUTUMN, "02:00", "03:00", ("2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"), 2),
    ],
)  # fmt: skip
def test_a_shift_is_what_the_clock_on_the_wall_says(
    day: date, start: str, end: str, expected: tuple[str, str], hours: float
) -> None:
    shift = Hours(EVERY_DAY, start, end)
    assert _span(shift, day) == expected
    span = shift.on(day)
    assert span is not None
    assert span.end - span.start == hours * HOUR


def test_a_shift_inside_the_hour_that_does_not_exist_is_none() -> None:
    shift = Hours(EVERY_DAY, "02:10", "02:50")
    assert shift.on(SPRING) is None
    assert shift.skipped_edges(SPRING) == [
        datetime(2026, 3, 29, 2, 10),  # noqa: DTZ001
        datetime(2026, 3, 29, 2, 50),  # noqa: DTZ001
    ]
    assert shift.skipped_edges(AUTUMN) == []


def test_friday_night_crosses_midnight_and_belongs_to_friday() -> None:
    night = Hours((Day.FRI,), "22:00", "06:00")
    week = Span(berlin.at(date(2026, 6, 1)), berlin.at(date(2026, 6, 8)))
    found = list(night.between(week, lambda _: False))
    assert [(berlin.isoformat(one.start), berlin.isoformat(one.end)) for one in found] == [
        ("2026-06-05T22:00:00+02:00", "2026-06-06T06:00:00+02:00")
    ]
    saturday = Span(berlin.at(date(2026, 6, 6)), berlin.at(date(2026, 6, 7)))
    assert list(night.between(saturday, lambda _: False)) == found  # what began the day before


def test_on_a_holiday_only_what_names_it_begins() -> None:
    ascension = date(2026, 5, 14)  # a Thursday
    day = Span(berlin.at(ascension), berlin.at(date(2026, 5, 15)))
    workdays = Hours((Day.MON, Day.TUE, Day.WED, Day.THU, Day.FRI), "08:00", "16:00")
    holidays = Hours((Day.SUN, Day.HOLIDAY), "00:00", "00:00")
    assert list(workdays.between(day, lambda one: one == ascension)) == []
    assert len(list(holidays.between(day, lambda one: one == ascension))) == 1
    assert len(list(workdays.between(day, lambda _: False))) == 1


def test_what_is_covered_and_what_is_not() -> None:
    start = parse("2026-06-01T00:00:00Z")

    def span(first: int, last: int) -> Span:
        return Span(Instant(start + first * MINUTE), Instant(start + last * MINUTE))

    assert merged([span(5, 6), span(0, 2), span(1, 3), span(3, 4)]) == [span(0, 4), span(5, 6)]
    assert uncovered([span(1, 3), span(2, 4), span(8, 20)], span(0, 10)) == [
        span(0, 1),
        span(4, 8),
    ]
    assert uncovered([], span(0, 1)) == [span(0, 1)]
    assert uncovered([span(0, 1)], span(0, 1)) == []
    assert uncovered([span(20, 30)], span(0, 10)) == [span(0, 10)]
