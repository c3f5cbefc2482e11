"""Shift plans as people bring them: tables and calendars, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base import berlin
from stadtsinn.base.instant import parse
from stadtsinn.cloud.alarms.duty.people import People
from stadtsinn.cloud.alarms.duty.plan import Plan
from stadtsinn.cloud.alarms.duty.plan_file import read_plan
from stadtsinn.cloud.platform.lists.row_errors import WrongCell, told

NOW = parse("2026-05-01T00:00:00+02:00")
PEOPLE = People(
    {
        "meier": ("Anna Meier", "meier", "a.meier@stadt.example"),
        "schulze": ("Bernd Schulze", "schulze"),
        "mueller": ("Müller, Çelik", "mueller"),
        "schulz": ("Dora Schulz", "schulz"),
    }
)

Shown = tuple[str, str, str]


def _shifts(plan: Plan) -> list[Shown]:
    assert not plan.errors, told(plan.errors).english
    return [
        (
            berlin.isoformat(one.span.start)[:16],
            berlin.isoformat(one.span.end)[:16],
            one.person,
        )
        for one in sorted(plan.shifts)
    ]


def _read(content: str | bytes) -> Plan:
    return read_plan(content.encode() if isinstance(content, str) else content, PEOPLE, NOW)


def _refused(content: str) -> tuple[str, str]:
    """What is said in English and German."""
    try:
        said = told(_read(content).errors)
    except WrongCell as error:
        said = error.sentence
    assert said.english, "nothing was refused"
    return said.english, said.german


OUTLOOK = (
    "Betreff,Beginnt am,Beginnt um,Endet am,Endet um\n"
    "Rufbereitschaft: Meier,05.06.2026,20:00:00,06.06.2026,08:00:00\n"
)
NIGHT = [("2026-06-05T20:00", "2026-06-06T08:00", "meier")]


@pytest.mark.parametrize(
    "table",
    [
        "Beginn;Ende;Name\n05.06.2026 20:00;06.06.2026 08:00;Anna Meier\n",
        "Name,Beginn,Ende\n\"Meier, Anna\",05.06.2026 20:00,06.06.2026 08:00\n",
        "Datum;Von;Bis;Mitarbeiter\nFr 05.06.2026;20:00;08:00;Meier\n",
        "Datum;Von;Bis;Mitarbeiter\nFr., 5.6.26;20 Uhr;8 Uhr;MEIER\n",
        "Tag\tVon\tBis\tVorname\tNachname\n2026-06-05\t20:00\t08:00\tAnna\tMeier\n",
        "Dienstplan\n\nDatum;Wochentag;von;bis;Wer\n05.06.2026;Fr;20.00;08.00;Frau Meier\n",
        OUTLOOK,
        "start;end;email\n2026-06-05T20:00:00+02:00;2026-06-06T06:00:00Z;a.meier@stadt.example\n",
        "von;bis;name\n05.06.2026, 20:00 Uhr;06.06.2026, 08:00 Uhr;a.meier@anderswo.example\n",
    ],
)  # fmt: skip
def test_a_table_is_read_however_it_is_written(table: str) -> None:
    known = PEOPLE
    if "anderswo" in table:  # a mail address that nobody told us of, but whose words are a name's
        with pytest.raises(WrongCell):
            known.find("x.meier@anderswo.example")
        table = table.replace("a.meier@", "anna.meier@")
    for content in (table.encode(), table.encode("cp1252"), table.encode("utf-8-sig"),
                    table.replace("\n", "\r\n").encode("utf-16")):  # fmt: skip
        assert _shifts(_read(content)) == NIGHT


def test_umlauts_of_windows_and_names_without_them() -> None:
    table = "Beginn;Ende;Name\n05.06.2026 20:00;06.06.2026 08:00;Çelik Müller\n"
    for content in (table.encode("cp1252"), table.replace("ü", "ue").encode()):
        assert [one[2] for one in _shifts(_read(content))] == ["mueller"]


def test_what_is_over_is_left_out() -> None:
    table = "Beginn;Ende;Name\n01.04.2026 08:00;01.04.2026 20:00;Meier\n"
    assert _shifts(_read(table)) == []


@pytest.mark.parametrize(
    ("cells", "english", "german"),
    [
        ("06.06.2026 08:00;05.06.2026 20:00;Meier", "before it begins", "bevor sie beginnt"),
        ("05.06.2026 20:00;05.06.2026 20:00;Meier", "before it begins", "bevor sie beginnt"),
        ("2026-06-05T20:00+02:00;2026-06-05T08:00Z;Meier", "before it begins", "bevor sie"),
        ("05.06.2026 20:00;06.06.2062 08:00;Meier", "is the year right?", "stimmt das Jahr?"),
        ("05.06.2026 20:00;06.06.2026 08:00;Meyer", "did you mean 'Anna Meier'", "gemeint"),
        ("05.06.2026 20:00;06.06.2026 08:00;Xaver Unbekannt", "no member", "kein Mitglied"),
        ("05.06.2026 20:00;06.06.2026 08:00;", "nobody is named", "niemand genannt"),
        ("05.06.2026 20:00;06.06.2026;Meier", "at what time", "um wie viel Uhr"),
        ("05.06.2026;06.06.2026;Meier", "at what time", "um wie viel Uhr"),
        ("05.06.2026 25:00;06.06.2026 08:00;Meier", "no time that can be read", "keine lesbare"),
        ("31.12.9999 20:00;31.12.9999 21:00;Meier", "no time that can be read", "keine lesbare"),
        ("31.02.2026 20:00;06.06.2026 08:00;Meier", "no time that can be read", "keine lesbare"),
        ("46178,83;46179,33;Meier", "no time that can be read", "keine lesbare Zeit"),
        ("06/05/2026 20:00;06/06/2026 08:00;Meier", "no time that can be read", "keine lesbare"),
        ("Mo 05.06.2026 20:00;06.06.2026 08:00;Meier", "do not fit", "passen nicht zusammen"),
        ("20:00;08:00;Meier", "on which day", "an welchem Tag"),
        ("05.06.2026 20:00;06.06.2026 08:00;Meier;x;y", "more cells than heads", "mehr Zellen"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named_with_its_line(cells: str, english: str, german: str) -> None:
    said = _refused(f"Beginn;Ende;Name\n{cells}\n")
    assert said[0].startswith("line 2: ")
    assert english in said[0]
    assert said[1].startswith("Zeile 2: ")
    assert german in said[1]


@pytest.mark.parametrize(
    ("content", "english"),
    [
        ("", "needs a line with the names of the columns"),
        ("05.06.2026;06.06.2026;Meier\n", "needs a line with the names of the columns"),
        ("Beginn;Name\n05.06.2026 20:00;Meier\n", "no column that says when a shift ends"),
        ("Beginn;Start;Ende;Name\n", "say the same"),
        ("PK\x03\x04", "Excel file"),
        ("<html><body>Anmelden</body></html>", "a web page"),
        ("BEGIN:VCALENDAR\n", "no complete iCalendar file"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\n", "no complete iCalendar file"),
        (
            "BEGIN:VCALENDAR\nX-WR-TIMEZONE:Mond/Krater\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n",
            "time zone 'Mond/Krater' is not known",
        ),
        ("BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n", "no event in this calendar"),
    ],
)
def test_what_is_no_plan_is_refused(content: str, english: str) -> None:
    assert english in _refused(content)[0]


def test_a_name_that_may_be_two_is_no_ones() -> None:
    people = People({"a": ("Anna Meier",), "b": ("Bernd Meier",)})
    with pytest.raises(WrongCell, match="several members: Anna Meier, Bernd Meier"):
        people.find("Meier")
    assert people.find("Meier, Bernd") == "b"


def _calendar(*events: Sequence[str], head: str = "") -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test", *head.splitlines()]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", *event, "END:VEVENT"]
    return "\n".join([*lines, "END:VCALENDAR", ""])


_TIMES = ("DTSTART;TZID=Europe/Berlin:20260605T200000", "DTEND;TZID=Europe/Berlin:20260606T080000")


@pytest.mark.parametrize(
    "event",
    [
        (*_TIMES, "SUMMARY:Meier"),
        (*_TIMES, "SUMMARY:Rufbereitschaft - Anna Meier"),
        (*_TIMES, "SUMMARY:Bereitschaft (Meier\\, Anna)"),
        (*_TIMES, "SUMMARY:Nachtdienst", 'ATTENDEE;CN="Meier, Anna":mailto:am@extern.example'),
        (*_TIMES, "SUMMARY:Dienst", "ATTENDEE:mailto:A.Meier@Stadt.Example"),
        (*_TIMES, "SUMMARY:Dienst", "ATTENDEE:mailto:A.Meier@Stadt.Example",
         "ATTENDEE;PARTSTAT=DECLINED;CN=Schulze:mailto:b@x.example",
         "ATTENDEE;CUTYPE=ROOM;CN=Wache:mailto:wache@x.example"),
        (*_TIMES, "SUMMARY:Dienst Meier", "ATTENDEE:mailto:dienstplan@stadt.example"),
        ("DTSTART:20260605T180000Z", "DTEND:20260606T060000Z", "SUMMARY:Meier"),
        ("DTSTART:20260605T200000", "DURATION:PT12H", "SUMMARY:Meier"),
        ("DTSTART;TZID=America/New_York:20260605T140000",
         "DTEND;TZID=America/New_York:20260606T020000", "SUMMARY:Meier"),
    ],
)  # fmt: skip
def test_an_event_is_read_whoever_wrote_it(event: Sequence[str]) -> None:
    assert _shifts(_read(_calendar(event))) == NIGHT


def test_two_in_one_event_are_both_on_duty() -> None:
    found = _shifts(_read(_calendar((*_TIMES, "SUMMARY:Bereitschaft Meier / Schulze"))))
    assert [one[2] for one in found] == ["meier", "schulze"]


def test_all_day_events_are_days_from_midnight_to_midnight() -> None:
    event = ("DTSTART;VALUE=DATE:20261024", "DTEND;VALUE=DATE:20261026", "SUMMARY:Meier")
    plan = _read(_calendar(event))
    assert _shifts(plan) == [("2026-10-24T00:00", "2026-10-26T00:00", "meier")]
    assert "midnight to midnight" in plan.notes[0].english
    single = ("DTSTART;VALUE=DATE:20260605", "SUMMARY:Meier")
    assert _shifts(_read(_calendar(single))) == [("2026-06-05T00:00", "2026-06-06T00:00", "meier")]


def test_a_rule_with_exceptions_and_a_moved_shift() -> None:
    weekly = (
        "DTSTART;TZID=Europe/Berlin:20260605T200000",
        "DTEND;TZID=Europe/Berlin:20260606T080000",
        "RRULE:FREQ=WEEKLY;COUNT=4",
        "EXDATE;TZID=Europe/Berlin:20260612T200000",
        "SUMMARY:Meier",
    )
    moved = (
        "RECURRENCE-ID;TZID=Europe/Berlin:20260619T200000",
        "DTSTART;TZID=Europe/Berlin:20260619T210000",
        "DTEND;TZID=Europe/Berlin:20260620T080000",
        "SUMMARY:Schulze",
    )
    text = _calendar(weekly, moved).replace("UID:1", "UID:0")
    assert _shifts(_read(text)) == [
        ("2026-06-05T20:00", "2026-06-06T08:00", "meier"),
        ("2026-06-19T21:00", "2026-06-20T08:00", "schulze"),
        ("2026-06-26T20:00", "2026-06-27T08:00", "meier"),
    ]


def test_a_cancelled_event_is_no_shift() -> None:
    assert _shifts(_read(_calendar((*_TIMES, "SUMMARY:Meier", "STATUS:CANCELLED")))) == []


def test_a_rule_without_end_is_written_out_for_two_years() -> None:
    event = (
        "DTSTART;TZID=Europe/Berlin:20200101T080000",
        "DTEND;TZID=Europe/Berlin:20200101T200000",
        "RRULE:FREQ=DAILY",
        "SUMMARY:Meier",
    )
    found = _shifts(_read(_calendar(event)))
    assert len(found) == 731
    assert {one[0][11:] for one in found} == {"08:00"}


@pytest.mark.parametrize(
    ("event", "english"),
    [
        (("DTSTART;TZID=Europe/Berlin:20260606T080000",
          "DTEND;TZID=Europe/Berlin:20260605T200000", "SUMMARY:Meier"), "before it begins"),
        (("DTSTART;VALUE=DATE:20260606", "DTEND;VALUE=DATE:20260606", "SUMMARY:Meier"),
         "before it begins"),
        (("DTSTART;TZID=Mond/Krater:20260605T200000", "DTEND;TZID=Mond/Krater:20260606T080000",
          "SUMMARY:Meier"), "time zone 'Mond/Krater' is not known"),
        (("DTSTART:20260605T200000", "SUMMARY:Meier"), "has no end"),
        ((*_TIMES, "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY", "SUMMARY:Meier"), "EXRULE cannot be"),
        ((*_TIMES, "KAPUTT", "SUMMARY:Meier"), "the event cannot be read"),
        (("DTSTART:99991231T200000", "DTEND:99991231T210000", "SUMMARY:Meier"), "DTSTART cannot"),
        (("SUMMARY:Meier",), "DTSTART cannot be read"),
        (("DTSTART:morgen", "DTEND:20260606T080000", "SUMMARY:Meier"), "DTSTART cannot be read"),
        (("DTSTART:20260605T200000", "DTEND;VALUE=DATE:20260606", "SUMMARY:Meier"),
         "DTEND cannot be read"),
        ((*_TIMES, "RRULE:FREQ=MINUTELY", "SUMMARY:Meier"), "several times a day"),
        ((*_TIMES, "RRULE:FREQ=DAILY;BYHOUR=1,2,3", "SUMMARY:Meier"), "several times a day"),
        ((*_TIMES, "RRULE:FREQ=DAILY;INTERVAL=0", "SUMMARY:Meier"), "RRULE cannot be read"),
        ((*_TIMES, "RRULE:FREQ=MANCHMAL", "SUMMARY:Meier"), "RRULE cannot be read"),
        ((*_TIMES, "SUMMARY:Sommerfest"), "no member"),
        ((*_TIMES, "SUMMARY:Bereitschaft"), "names nobody"),
        ((*_TIMES, "SUMMARY:Dienst Meyer"), "did you mean 'Anna Meier'"),
        ((*_TIMES, "SUMMARY:Dienst", "ATTENDEE;CN=Meyer:mailto:x@y.example"), "did you mean"),
        (("DTSTART:20260605T200000", "DTEND:20270605T200000", "SUMMARY:Meier"), "is the year"),
    ],
)  # fmt: skip
def test_a_wrong_event_is_named_with_its_line(event: Sequence[str], english: str) -> None:
    said = _refused(_calendar((*_TIMES, "SUMMARY:Meier"), event))[0]
    assert said.startswith("line 10: ")
    assert english in said


def test_a_calendar_with_far_too_many_shifts_is_refused_before_they_are_written_out() -> None:
    """A repetition is written out for two years, so that a few lines may be millions of shifts."""
    daily = (*_TIMES, "SUMMARY:Meier", "RRULE:FREQ=DAILY")
    assert "is this the calendar of one group?" in _refused(_calendar(*[daily] * 301))[0]


def test_events_with_one_uid_are_several_shifts_and_a_new_version_takes_the_place() -> None:
    """The library would take only one of them, and the other shift would be nobody's."""
    early = ("UID:0", "DTSTART:20260605T080000", "DTEND:20260605T200000", "SUMMARY:Schulze")
    night = ("UID:0", *_TIMES, "SUMMARY:Meier")
    found = _shifts(
        _read(_calendar(early, night).replace("UID:1\n", "").replace("UID:0\nUID", "UID"))
    )
    assert [one[2] for one in found] == ["schulze", "meier"]
    newer = ("UID:0", "SEQUENCE:1", *_TIMES, "SUMMARY:Schulze")
    text = _calendar(night, newer).replace("UID:1\n", "").replace("UID:0\nUID", "UID")
    assert [one[2] for one in _shifts(_read(text))] == ["schulze"]


def test_several_calendars_in_a_file_are_one_plan() -> None:
    both = _calendar((*_TIMES, "SUMMARY:Meier")) + _calendar((*_TIMES, "SUMMARY:Schulze"))
    assert [one[2] for one in _shifts(_read(both))] == ["meier", "schulze"]


_PIECES = (
    *_calendar(
        (*_TIMES, "SUMMARY:Meier", "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20260612T180000Z"),
        ("DTSTART;VALUE=DATE:20260701", "DTEND;VALUE=DATE:20260703", "SUMMARY:Schulze"),
        ("DTSTART:20260701T000000Z", "DURATION:PT8H", "ATTENDEE;CN=Meier:mailto:m@x.example"),
    ).splitlines(),
    "RRULE:FREQ=YEARLY;BYDAY=5MO;BYMONTH=2",
    "RRULE:UNTIL=20260701;FREQ=DAILY",
    "RRULE:COUNT=-1;FREQ=DAILY",
    "RECURRENCE-ID:20260612T200000",
    "DTSTART;TZID=:20260605T200000",
    "DURATION:P1W",
    "STATUS:CANCELLED",
    "RDATE;VALUE=PERIOD:20260605T200000/PT3H",
    "ATTENDEE:",
    "SUMMARY",
    "X-WR-TIMEZONE:Europe/Berlin",
    "UID:0",
    "\x00",
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(_PIECES)), st.integers(0, 2), st.sampled_from(_PIECES)),
        max_size=4,
    )
)
def test_a_damaged_calendar_is_read_or_refused(changes: list[tuple[int, int, str]]) -> None:
    """Lines taken out and put in: an answer, whatever comes of it."""
    lines = list(_PIECES[: _PIECES.index("END:VCALENDAR") + 1])
    for at, taken, piece in changes:
        lines[at : at + taken] = [piece]
    plan = Plan()
    with suppress(WrongCell):
        plan = _read("\n".join([*lines, ""]))
    assert all(one.span.start < one.span.end for one in plan.shifts)
