"""What went wrong elsewhere with duty plans, clock changes and holidays, tried here.

Each case names where it was reported; words, data and persons are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from stadtsinn.base import berlin
from stadtsinn.base.calendar import EVERY_DAY, Hours, Span
from stadtsinn.base.instant import HOUR, parse
from stadtsinn.cloud.alarms.duty.people import People
from stadtsinn.cloud.alarms.duty.plan_file import read_plan
from stadtsinn.cloud.alarms.duty.regions import holiday
from stadtsinn.cloud.alarms.duty.roster import Roster, Weekly

NOW = parse("2026-01-01T00:00:00+01:00")
PEOPLE = People({"meier": ("Anna Meier",), "schulze": ("Bernd Schulze",)})


def _read(*lines: str, head: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Beginnings and ends of the shifts of one event."""
    text = "\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//test",
            *head,
            "BEGIN:VEVENT",
            "UID:1",
            "SUMMARY:Meier",
            *lines,
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )
    plan = read_plan(text.encode(), PEOPLE, NOW)
    assert not plan.errors
    return [
        (berlin.isoformat(one.span.start), berlin.isoformat(one.span.end))
        for one in sorted(plan.shifts)
    ]


def test_a_repetition_in_the_skipped_hour_moves_none_after_it() -> None:
    """github.com/sabre-io/vobject/issues/648: all later ones came an hour late."""
    found = _read(
        "DTSTART;TZID=Europe/Berlin:20260328T023000",
        "DTEND;TZID=Europe/Berlin:20260328T100000",
        "RRULE:FREQ=DAILY;COUNT=3",
    )
    assert [start for start, _ in found] == [
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]
    assert {end[11:19] for _, end in found} == {"10:00:00"}


def test_a_short_shift_in_the_skipped_hour_spoils_none_after_it() -> None:
    """github.com/DHTMLX/scheduler/pull/28: its end was taken from its length."""
    found = _read(
        "DTSTART;TZID=Europe/Berlin:20260328T021000",
        "DTEND;TZID=Europe/Berlin:20260328T025000",
        "RRULE:FREQ=DAILY;COUNT=3",
    )
    assert found == [
        ("2026-03-28T02:10:00+01:00", "2026-03-28T02:50:00+01:00"),
        ("2026-03-30T02:10:00+02:00", "2026-03-30T02:50:00+02:00"),
    ]


def test_a_repetition_that_begins_on_the_long_day_ends_at_its_time() -> None:
    """github.com/telerik/kendo-angular/issues/3118: 0–4 became 0–5 on all days."""
    found = _read(
        "DTSTART;TZID=Europe/Berlin:20261025T000000",
        "DTEND;TZID=Europe/Berlin:20261025T040000",
        "RRULE:FREQ=DAILY;COUNT=2",
    )
    assert found == [
        ("2026-10-25T00:00:00+02:00", "2026-10-25T04:00:00+01:00"),
        ("2026-10-26T00:00:00+01:00", "2026-10-26T04:00:00+01:00"),
    ]


def test_handing_over_weekly_leaves_no_hour_uncovered_and_none_doubly() -> None:
    """github.com/grafana-cold-storage/oncall/issues/5247: a week was 168 hours long."""
    shifts = Hours(EVERY_DAY, "09:00", "09:00")
    roster = Roster(weekly=(Weekly("meier", shifts),))
    year = Span(berlin.at(date(2026, 1, 1)), berlin.at(date(2027, 1, 1)))
    assert roster.gaps(year) == []
    found = _read(
        "DTSTART;TZID=Europe/Berlin:20261019T090000",
        "DTEND;TZID=Europe/Berlin:20261026T090000",
        "RRULE:FREQ=WEEKLY;COUNT=2",
    )
    assert found[0][1] == found[1][0] == "2026-10-26T09:00:00+01:00"


def test_shifts_stay_at_their_local_time_all_year() -> None:
    """github.com/grafana-cold-storage/oncall/issues/3261: in winter all came an hour early."""
    shift = Hours(EVERY_DAY, "08:30", "17:30")
    year = Span(berlin.at(date(2026, 1, 1)), berlin.at(date(2027, 1, 1)))
    found = list(shift.between(year, lambda _: False))
    assert {(berlin.clock_time(one.start), berlin.clock_time(one.end)) for one in found} == {
        ("08:30", "17:30")
    }
    assert {one.end - one.start for one in found} == {9 * HOUR}


def test_a_google_export_in_utc_says_its_zone_apart() -> None:
    """github.com/remotehour/rrule-duration/issues/213: a repetition by offset, not by zone."""
    found = _read(
        "DTSTART:20261023T060000Z",
        "DTEND:20261023T180000Z",
        "RRULE:FREQ=WEEKLY;COUNT=2",
        head=["X-WR-TIMEZONE:Europe/Berlin"],
    )
    assert found == [
        ("2026-10-23T08:00:00+02:00", "2026-10-23T20:00:00+02:00"),
        ("2026-10-30T08:00:00+01:00", "2026-10-30T20:00:00+01:00"),
    ]


def test_outlooks_name_of_our_zone_without_its_description() -> None:
    """github.com/home-assistant/core/issues/179613: the whole calendar was refused."""
    found = _read(
        "DTSTART;TZID=W. Europe Standard Time;VALUE=DATE-TIME:20260601T080000",
        "DTEND;TZID=W. Europe Standard Time;VALUE=DATE-TIME:20260601T200000",
    )
    assert found == [("2026-06-01T08:00:00+02:00", "2026-06-01T20:00:00+02:00")]


def test_exchanges_name_of_a_zone_that_only_the_file_describes() -> None:
    """github.com/owncloud-archive/apps/issues/696: an unknown name was an error."""
    zone = '"(GMT+01.00) Sarajevo/Warsaw/Zagreb"'
    head = [
        "BEGIN:VTIMEZONE",
        f"TZID:{zone.strip(chr(34))}",
        "BEGIN:STANDARD",
        "DTSTART:16010101T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:16010101T020000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
    ]
    found = _read(
        f"DTSTART;TZID={zone}:20261024T200000",
        f"DTEND;TZID={zone}:20261025T080000",
        "RRULE:FREQ=DAILY;COUNT=2",
        head=head,
    )
    assert found == [
        ("2026-10-24T20:00:00+02:00", "2026-10-25T08:00:00+01:00"),
        ("2026-10-25T20:00:00+01:00", "2026-10-26T08:00:00+01:00"),
    ]


def test_a_zone_with_a_stroke_before_its_name() -> None:
    """github.com/thomersch/openstreetmap-calendar/issues/185: written so for Outlook's sake."""
    found = _read(
        "DTSTART;TZID=/Europe/Vienna:20260601T080000", "DTEND;TZID=/Europe/Vienna:20260601T200000"
    )
    assert found == [("2026-06-01T08:00:00+02:00", "2026-06-01T20:00:00+02:00")]


def test_the_last_day_of_a_repetition_belongs_to_it() -> None:
    """RFC 5545, 3.3.10: UNTIL bounds inclusively; a day without a time means all of it."""
    found = _read(
        "DTSTART;TZID=Europe/Berlin:20260601T080000",
        "DTEND;TZID=Europe/Berlin:20260601T200000",
        "RRULE:FREQ=WEEKLY;UNTIL=20260615",
    )
    assert [start[:10] for start, _ in found] == ["2026-06-01", "2026-06-08", "2026-06-15"]


@pytest.mark.parametrize(
    ("region", "day", "name"),
    [
        # github.com/vacanza/holidays/issues/68: once, in 2017, in every Land
        *[(land, date(2017, 10, 31), "Reformationstag") for land in ("BW", "BY", "BE", "NW", "SL")],
        ("BY", date(2018, 10, 31), None),
        ("NI", date(2017, 10, 31), "Reformationstag"),
        ("NI", date(2018, 10, 31), "Reformationstag"),
        # github.com/commenthol/date-holidays/pull/658: Augsburg has both of these
        ("BY-augsburg", date(2026, 8, 8), "Augsburger Hohes Friedensfest"),
        ("BY-augsburg", date(2026, 8, 15), "Mariä Himmelfahrt"),
        ("BY", date(2026, 8, 8), None),
        ("BY", date(2026, 8, 15), None),
        ("BY-katholisch", date(2026, 8, 15), "Mariä Himmelfahrt"),
        # Sächsisches SFG § 1, Thüringer FtG § 2: in some municipalities only
        ("SN", date(2026, 6, 4), None),
        ("SN-katholisch", date(2026, 6, 4), "Fronleichnam"),
        ("TH", date(2026, 6, 4), None),
        ("TH-katholisch", date(2026, 6, 4), "Fronleichnam"),
        ("NW", date(2026, 6, 4), "Fronleichnam"),
        ("SN", date(2026, 11, 18), "Buß- und Bettag"),
        ("BB", date(2026, 4, 5), "Ostersonntag"),
        # github.com/focus-shift/jollyday/pull/1367: lost on a Sunday, never moved
        ("NW", date(2026, 11, 2), None),
        ("BE", date(2026, 3, 8), "Frauentag"),
        ("BE", date(2026, 5, 8), None),
    ],
)  # fmt: skip
def test_public_holidays_of_the_laender(region: str, day: date, name: str | None) -> None:
    assert holiday(region, day) == name
