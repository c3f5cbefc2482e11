"""When something counts: seasons, days and times of day, on the clock of Berlin."""

from __future__ import annotations

from datetime import date

import pytest

from stadtsinn.base.active import NEVER_ENDS, Active, Recurring, Season
from stadtsinn.base.calendar import EVERY_DAY, Day, Hours
from stadtsinn.base.instant import HOUR, Instant, parse

WEEK = EVERY_DAY[:5]


def at(text: str) -> Instant:
    return parse(text)


def daily(start: str, end: str, *days: Day, season: Season | None = None) -> Recurring:
    return Recurring(Hours(days or EVERY_DAY, start, end), season or Season())


def test_it_holds_from_its_start_until_before_its_end() -> None:
    active = Active([daily("08:00", "20:00")])
    assert active.until(at("2026-06-01T07:59:59+02:00")) is None
    assert active.until(at("2026-06-01T08:00:00+02:00")) == at("2026-06-01T20:00:00+02:00")
    assert active.until(at("2026-06-01T20:00:00+02:00")) is None
    assert active.start_from(at("2026-06-01T20:00:00+02:00")) == at("2026-06-02T08:00:00+02:00")
    assert active.start_from(at("2026-06-01T09:00:00+02:00")) == at("2026-06-01T09:00:00+02:00")


@pytest.mark.parametrize(("day", "offset"), [("2026-03-30", "+02:00"), ("2026-03-28", "+01:00")])
def test_eight_o_clock_is_that_of_the_clock_in_summer_and_winter(day: str, offset: str) -> None:
    """prometheus/alertmanager#2646, grafana/grafana#48508 and #82988: hours in UTC shift twice
    a year."""
    active = Active([daily("08:00", "20:00")])
    assert active.until(at(f"{day}T08:00:00{offset}")) == at(f"{day}T20:00:00{offset}")
    assert active.until(Instant(at(f"{day}T08:00:00{offset}") - 1)) is None


def test_a_night_has_nine_hours_in_autumn_and_seven_in_spring() -> None:
    """home-assistant/core#105018 and #2158: from evening to morning is one time, not none."""
    night = Active([daily("22:00", "06:00")])
    for evening, hours in (("2026-10-24T22:00:00+02:00", 9), ("2026-03-28T22:00:00+01:00", 7)):
        end = night.until(at(evening))
        assert end is not None
        assert (end - at(evening)) == hours * HOUR
        assert night.until(Instant(end - 1)) == end


def test_a_time_that_clocks_skip_does_not_come_on_that_day() -> None:
    active = Active([daily("02:10", "02:50")])
    assert active.start_from(at("2026-03-29T00:00:00+01:00")) == at("2026-03-30T02:10:00+02:00")


def test_a_friday_night_is_friday_s_until_saturday_morning() -> None:
    """prometheus/alertmanager#3368: days and hours hold together."""
    active = Active([daily("20:00", "04:00", Day.FRI)])
    assert active.until(at("2026-06-06T03:59:00+02:00")) == at("2026-06-06T04:00:00+02:00")
    assert active.until(at("2026-06-06T20:30:00+02:00")) is None, "Saturday evening"
    assert active.start_from(at("2026-06-06T04:00:00+02:00")) == at("2026-06-12T20:00:00+02:00")


def test_two_times_of_a_day_are_two() -> None:
    """thingsboard/thingsboard#15189."""
    active = Active([daily("00:00", "08:00", *WEEK), daily("17:00", "19:00", *WEEK)])
    assert active.until(at("2026-06-01T07:00:00+02:00")) == at("2026-06-01T08:00:00+02:00")
    assert active.start_from(at("2026-06-01T08:00:00+02:00")) == at("2026-06-01T17:00:00+02:00")


def test_a_winter_goes_over_new_year() -> None:
    """UtilitechAS/amsreader-firmware#919: the first of October to the end of March as one."""
    active = Active([daily("00:00", "00:00", season=Season((10, 1), (3, 31)))])
    assert active.until(at("2026-12-31T23:59:00+01:00")) == at("2027-04-01T00:00:00+02:00")
    assert active.until(at("2027-04-01T00:00:00+02:00")) is None
    assert active.start_from(at("2027-04-01T00:00:00+02:00")) == at("2027-10-01T00:00:00+02:00")


def test_what_begins_on_the_last_day_goes_on_to_its_end() -> None:
    active = Active([daily("22:00", "06:00", season=Season((4, 1), (10, 31)))])
    assert active.until(at("2026-11-01T05:00:00+01:00")) == at("2026-11-01T06:00:00+01:00")
    assert active.until(at("2026-11-01T22:30:00+01:00")) is None
    assert active.until(at("2026-04-01T05:00:00+02:00")) is None, "it began in March"


def test_times_that_meet_or_overlap_are_one() -> None:
    active = Active([daily("06:00", "14:00"), daily("14:00", "22:00"), daily("20:00", "23:00")])
    assert active.until(at("2026-06-01T06:00:00+02:00")) == at("2026-06-01T23:00:00+02:00")
    assert active.longest(at("2026-01-01T00:00:00+01:00")) == 17 * HOUR


def test_all_days_whole_never_end() -> None:
    active = Active([daily("00:00", "00:00", Day.MON), daily("00:00", "00:00", *EVERY_DAY[1:])])
    assert active.until(at("2026-06-01T06:00:00+02:00")) == NEVER_ENDS
    assert active.longest(at("2026-06-01T06:00:00+02:00")) == NEVER_ENDS


def test_a_leap_day_comes_after_years_and_a_day_that_is_never_a_holiday_never_does() -> None:
    leap = Season((2, 29), (2, 29))
    active = Active([daily("08:00", "09:00", Day.MON, season=leap)])
    assert active.start_from(at("2026-01-01T00:00:00+01:00")) == at("2044-02-29T08:00:00+01:00")
    never = Active([daily("08:00", "09:00", Day.HOLIDAY)])
    assert never.start_from(at("2026-01-01T00:00:00+01:00")) is None
    assert never.longest(at("2026-01-01T00:00:00+01:00")) == 0


def test_a_break_is_looked_through_once() -> None:
    """A leap day on a Saturday is years away, and the next sample asks again."""
    looked: list[date] = []
    hours, leap = Hours((Day.SAT,), "08:00", "09:00"), Season((2, 29), (2, 29))

    def is_holiday(day: date) -> bool:
        looked.append(day)
        return False

    active = Active([Recurring(hours, leap, is_holiday)])
    start, comes = at("2026-01-01T00:00:00+01:00"), at("2048-02-29T08:00:00+01:00")
    assert active.start_from(start) == comes
    once = len(looked)
    assert [active.start_from(Instant(one)) for one in (start + HOUR, comes - 1, comes)] == [
        comes
    ] * 3
    assert len(looked) <= once + 6
    assert active.start_from(Instant(comes + HOUR)) == at("2076-02-29T08:00:00+01:00")
    assert active.start_from(Instant(start - HOUR)) == comes


def test_a_public_holiday_is_no_monday() -> None:
    easter = date(2026, 4, 6)
    active = Active([Recurring(Hours((Day.MON,), "08:00", "12:00"), Season(), easter.__eq__)])
    assert active.until(at("2026-04-06T09:00:00+02:00")) is None
    assert active.until(at("2026-04-13T09:00:00+02:00")) is not None
