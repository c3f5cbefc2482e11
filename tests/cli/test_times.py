"""Times in options: one reader for all commands."""

from __future__ import annotations

from datetime import date

import pytest

from stadtsinn.base.instant import parse
from stadtsinn.base.sentence import Unusable
from stadtsinn.cli.times import read_day, read_end, read_moment, shown_day, shown_moment


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-06-12", "2026-06-12T00:00:00+02:00"),
        ("2026-06-12 12:00", "2026-06-12T12:00:00+02:00"),
        ("2026-12-12T12:00:30", "2026-12-12T12:00:30+01:00"),
        ("2026-06-12T10:00:00Z", "2026-06-12T12:00:00+02:00"),
        ("2026-06-12 12:00-05:00", "2026-06-12T19:00:00+02:00"),
        ("2026-10-25 02:30+01:00", "2026-10-25T01:30:00Z"),
        ("2026-10-25 02:30+02:00", "2026-10-25T00:30:00Z"),
        ("2026-10-25 01:59:59", "2026-10-25T01:59:59+02:00"),
        ("2026-10-25 03:00", "2026-10-25T03:00:00+01:00"),
        ("2026-03-29 03:00", "2026-03-29T03:00:00+02:00"),
    ],
)
def test_without_offset_a_time_is_berlins(written: str, moment: str) -> None:
    assert read_moment("--at", written) == parse(moment)


@pytest.mark.parametrize("written", ["2026-10-25 02:00", "2026-10-25 02:30", "2025-10-26 02:59:59"])
def test_a_time_that_comes_twice_is_asked_for_with_its_offset(written: str) -> None:
    with pytest.raises(ValueError, match=r"^--at .*came twice.*02:00' or .*01:00'") as refused:
        read_moment("--at", written)
    first, second = str(refused.value).split("'")[3::2]
    assert read_moment("--at", second) - read_moment("--at", first) == 3600 * 1_000_000


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^--at '2026-03-29 02:30:00' does not exist"):
        read_moment("--at", "2026-03-29 02:30")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("yesterday", "give a day like"),
        ("", "give a day like"),
        ("12:00", "give a day like"),
        ("0001-01-01T00:00:00+14:00", "from 1970 to 2255"),
        ("1969-12-31", "from 1970 to 2255"),
        ("9999-12-31", "from 1970 to 2255"),
    ],
)
def test_what_is_no_time_is_refused_with_the_remedy(written: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^--from .*{message}"):
        read_moment("--from", written)


def test_an_end_includes_its_day() -> None:
    assert read_end("--to", "2026-10-25") == parse("2026-10-26T00:00:00+01:00")
    assert read_end("--to", "2026-10-25 12:00") == parse("2026-10-25T12:00:00+01:00")


def test_a_day() -> None:
    assert read_day("--before", "2026-10-01") == date(2026, 10, 1)
    for wrong in ("2026-10-01 12:00", "2026-02-30", "x"):
        with pytest.raises(ValueError, match=f"^--before '{wrong}' is no day"):
            read_day("--before", wrong)


def test_errors_say_it_in_german_too() -> None:
    for wrong, message in [
        ("x", "ist keine Zeit"),
        ("2026-10-25 02:30", "gab es zweimal"),
        ("2026-03-29 02:30", "gibt es nicht"),
        ("1969-01-01", "1970 bis 2255"),
    ]:
        with pytest.raises(Unusable) as refused:
            read_moment("--at", wrong)
        assert message in refused.value.sentence.german


@pytest.mark.parametrize("language", ["C", "de_DE.UTF-8"])
def test_what_is_printed_can_be_given(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", language)
    for moment in (
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T03:00:00+01:00",
        "1970-01-01T00:00:00Z",
    ):
        assert read_moment("--at", shown_moment(parse(moment))) == parse(moment)
    assert read_day("--before", shown_day(date(2026, 2, 28))) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("12.06.2026", "2026-06-12T00:00:00+02:00"),
        ("1.6.2026 7:05", "2026-06-01T07:05:00+02:00"),
        ("12.06.2026, 12:00", "2026-06-12T12:00:00+02:00"),
        ("25.10.2026 02:30 MESZ", "2026-10-25T02:30:00+02:00"),
        ("25.10.2026 02:30:00 MEZ", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_a_german_time_is_one(written: str, moment: str) -> None:
    assert read_moment("--at", written) == parse(moment)


@pytest.mark.parametrize(
    "written", ["31.02.2026", "12.06.26", "12.06.2026 25:00", "12.06.2026 MEZ"]
)
def test_no_german_time(written: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        read_moment("--at", written)


def test_a_german_day_as_an_end_counts_to_its_last_moment() -> None:
    assert read_end("--to", "25.10.2026") == parse("2026-10-26T00:00:00+01:00")
    with pytest.raises(ValueError, match="is no day"):
        read_day("--before", "01.10.2026 12:00")
