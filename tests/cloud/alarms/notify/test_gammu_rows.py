"""What is put together from rows of gammu-smsd's inbox, and how long the network is to try."""

from __future__ import annotations

from datetime import datetime

import pytest

from stadtsinn.base.instant import DAY, HOUR, MINUTE, parse
from stadtsinn.cloud.alarms.answers.modem import age_of
from stadtsinn.cloud.alarms.notify.senders.gammu.incoming import sort
from stadtsinn.cloud.alarms.notify.senders.gammu.repository import Part
from stadtsinn.cloud.alarms.notify.senders.gammu.validity import duration, relative_validity

NOON = datetime(2026, 9, 26, 12)  # noqa: DTZ001 (as the daemon writes it)


def units(text: str) -> str:
    return text.encode("utf-16-be").hex()


def part(
    number: int,
    text: str = "OK",
    header: str = "",
    *,
    sender: str = "+491701111111",
    coding: str = "Unicode_No_Compression",
    kind: int = -1,
    raw: str | None = None,
) -> Part:
    return Part(number, sender, units(text) if raw is None else raw, coding, header, kind, NOON)


def test_each_row_without_a_header_is_a_message() -> None:
    found = sort([part(1), part(2, "STOP")], ())
    assert [(one.ids, one.text) for one in found.letters] == [((1,), "OK"), ((2,), "STOP")]


def test_the_parts_of_a_message_are_one_whatever_their_order() -> None:
    rows = [part(1, "unterwegs", "050003F30202"), part(3, "OK, ich bin ", "050003F30201")]
    (letter,) = sort(rows, ()).letters
    assert (letter.ids, letter.text) == ((1, 3), "OK, ich bin unterwegs")


def test_parts_with_a_long_reference_and_further_elements() -> None:
    rows = [
        part(1, "O", "0A0804123402010A020000"),
        part(2, "K", "0608041234 0202".replace(" ", "")),
    ]
    assert [one.text for one in sort(rows, ()).letters] == ["OK"]


def test_what_is_missing_is_waited_for_and_then_not() -> None:
    rows = [part(1, "OK, ", "050003F30201"), part(2)]
    found = sort(rows, {1, 2})
    assert (found.waiting, [one.ids for one in found.letters]) == ((1,), [(2,)])
    assert [one.ids for one in sort(rows, {2}).letters] == [(1,), (2,)]


def test_two_people_and_a_reference_that_comes_round_are_told_apart() -> None:
    rows = [
        part(1, "A1", "050003010201"),
        part(2, "B1", "050003010201", sender="+491702222222"),
        part(3, "C1", "050003010201"),
        part(4, "C2", "050003010202"),
        part(5, "B2", "050003010202", sender="+491702222222"),
    ]
    assert [one.text for one in sort(rows, ()).letters] == ["A1", "B1B2", "C1C2"]


def test_an_emoji_that_is_cut_in_two_is_whole_again() -> None:
    whole = units("OK 👍")
    rows = [
        part(1, raw=whole[:16], header="050003F30201"),
        part(2, raw=whole[16:], header="050003F30202"),
    ]
    assert [one.text for one in sort(rows, ()).letters] == ["OK 👍"]
    assert sort(rows[:1], ()).letters[0].text == "OK \ufffd"


@pytest.mark.parametrize(
    "row",
    [
        part(1, coding="8bit", raw="0605040B8423F0"),
        part(1, kind=127),
        part(1, header="06050415811581"),
        part(1, header="0404021581"[:10]),
    ],
    ids=["8bit", "answer of the network", "to a port", "to a short port"],
)
def test_no_person_wrote_what_is_for_a_program(row: Part) -> None:
    found = sort([row], ())
    assert (found.machines, found.letters) == ((1,), ())


@pytest.mark.parametrize(
    "header", ["05", "0500", "050003F302", "050003F30200", "XY", "0500030000", "05000301"]
)
def test_a_header_that_makes_no_sense_leaves_a_message(header: str) -> None:
    assert [one.text for one in sort([part(1, header=header)], ()).letters] == ["OK"]


def test_text_that_is_no_hexadecimal_is_empty() -> None:
    assert sort([part(1, raw="0X")], ()).letters[0].text == ""


def test_the_same_number_of_tables_made_anew_is_another_message() -> None:
    later = Part(1, "+491701111111", units("OK"), "8bit", "", -1, NOON.replace(hour=13))
    names = {sort([part(1)], ()).letters[0].name}
    named = Part(
        *(later.id, later.sender, later.units, "Unicode_No_Compression", "", -1, later.received)
    )
    assert sort([named], ()).letters[0].name not in names


@pytest.mark.parametrize(
    ("shown", "minutes"),
    [
        ("12:00", 0),
        ("11:50", 10),
        ("12:07", 0),  # its clock goes before ours
        ("10:00", 0),  # by UTC
        ("10:59", 61),
        ("09:59", 1),  # by UTC
        ("07:00", 300),
    ],
)
def test_how_old_a_message_is(shown: str, minutes: int) -> None:
    now = parse("2026-09-26T12:00:00+02:00")
    assert age_of(datetime.fromisoformat(f"2026-09-26 {shown}"), now) == minutes * MINUTE


def test_of_the_hour_that_comes_twice_the_later_one_counts() -> None:
    now = parse("2026-10-25T02:30:00+01:00")
    assert age_of(datetime(2026, 10, 25, 2, 30), now) == 0  # noqa: DTZ001
    assert age_of(datetime(2026, 3, 29, 2, 30), parse("2026-03-29T03:30:00+02:00")) == 0  # noqa: DTZ001


def test_the_network_gives_up_when_nobody_needs_it_any_more() -> None:
    assert relative_validity(6 * HOUR) == 71
    assert relative_validity(HOUR) == 11
    assert relative_validity(24 * HOUR) == 167
    assert relative_validity(-MINUTE) == 0
    assert relative_validity(10_000 * DAY) == 255
    lengths = [duration(code) for code in range(256)]
    assert lengths == sorted(lengths)
    for code in range(1, 256):
        assert lengths[relative_validity(duration(code) - 1)] <= duration(code) - 1
