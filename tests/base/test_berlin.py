"""Local time of Berlin, above all in the two nights when the clock changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from stadtsinn.base import berlin
from stadtsinn.base.instant import HOUR, parse

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)],
)
def test_a_day_goes_from_midnight_to_midnight(day: date, hours: int) -> None:
    start = berlin.at(day)
    assert berlin.next_midnight(start) - start == hours * HOUR
    for moment in (start, start + 1, start + hours * HOUR - 1):
        assert berlin.midnight(moment) == start
        assert berlin.next_midnight(moment) == start + hours * HOUR


def test_the_repeated_hour_belongs_to_its_day() -> None:
    for twice in ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"):
        assert berlin.midnight(parse(twice)) == parse("2026-10-25T00:00:00+02:00")


def test_a_time_of_day_that_is_skipped_or_comes_twice() -> None:
    assert berlin.at(date(2026, 3, 29), "02:30") == parse("2026-03-29T02:30:00+01:00")
    assert berlin.at(date(2026, 10, 25), "02:30") == parse("2026-10-25T02:30:00+02:00")
    with pytest.raises(ValueError, match="hour"):
        berlin.at(date(2026, 10, 25), "25:00")


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-25T02:59:59.999999+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-03-29T01:59:59+01:00",
        "2026-03-29T03:00:00+02:00",
        "1970-01-01T01:00:00+01:00",
    ],
)
def test_times_are_written_with_berlins_offset_of_that_moment(text: str) -> None:
    assert berlin.isoformat(parse(text)) == text


def test_times_are_shown_as_germans_read_them() -> None:
    moment = parse("2026-01-05T23:05:59Z")
    assert berlin.clock_time(moment) == "00:05"
    assert berlin.date_and_time(moment) == "06.01.2026, 00:05"


def test_no_other_module_names_the_time_zone() -> None:
    parts = (
        *("base", "decoders", "rules", "edge", "cloud", "simulator"),
        *("gateway-firmware-tools", "cli"),
    )
    found = [
        path.relative_to(ROOT)
        for part in parts
        for path in (ROOT / part).rglob("*.py")
        if "ZoneInfo(" in path.read_text(encoding="utf-8")
    ]
    calendars = Path(
        "cloud/stadtsinn/cloud/alarms/duty/plan_ical.py"
    )  # looks whether a zone exists
    assert found == [Path("base/stadtsinn/base/berlin.py"), calendars]
