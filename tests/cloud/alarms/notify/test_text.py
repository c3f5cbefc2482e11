"""What fits into one SMS, and what German becomes on the way there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.base.foreign_text import visible
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.text import (
    compose,
    cut,
    fit_one_part,
    is_gsm,
    segment,
    septets,
    transliterate,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße aus Köln, Straße 5 §1 @ £3", 32),
        ("äöüÄÖÜß§àèéñÇ@£$%&'\"#\n", 22),
        ("€", 2),
        ("[]{}|^~\\", 16),
        ("", 0),
    ],
)
def test_septets(text: str, expected: int) -> None:
    assert septets(text) == expected


@pytest.mark.parametrize("sign", [*"°²³µ–—„“”‚‘’…ẞç×½\t😀ł`"])
def test_signs_outside_of_gsm(sign: str) -> None:
    assert not is_gsm(sign)
    assert is_gsm(transliterate(sign))
    with pytest.raises(ValueError, match="transliterate"):
        septets(sign)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21 °C – 5 l/m²", "21 Grad C - 5 l/qm"),
        ("90°", "90 Grad"),
        ("„Markt“ … ‚hier‘", "\"Markt\" ... 'hier'"),
        ("STRAẞE", "STRASSE"),
        ("3×4 µS ½", "3x4 uS 1/2"),
        ("Façade Łódź Žižkov", "Facade Lódz Zizkov".replace("ó", "o")),
        ("a\u0308", "ä"),
        ("1\u202f000\u00a0m³", "1 000 cbm"),
        ("😀 рынок", "? ?????"),
        ("Größe: ä ö ü ß § €", "Größe: ä ö ü ß § €"),
    ],
)
def test_transliteration(text: str, expected: str) -> None:
    assert transliterate(text) == expected


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("a" * 160, [160]),
        ("a" * 161, [153, 8]),
        ("a" * 307, [153, 153, 1]),
        ("€" * 80, [80]),
        ("€" * 81, [76, 5]),  # the 77th would be cut in two
        ("a" * 159 + "€", [153, 7]),
        ("°" * 70, [70]),
        ("°" * 71, [67, 4]),
        ("😀" * 35, [35]),
        ("😀" * 36, [33, 3]),
        ("°" + "😀" * 35, [34, 2]),
        ("", [0]),
    ],
)
def test_segments(text: str, lengths: list[int]) -> None:
    parts = segment(text)
    assert [len(part) for part in parts] == lengths
    assert "".join(parts) == text


@given(st.text())
def test_every_text_becomes_one_part(text: str) -> None:
    fitted = fit_one_part(text)
    assert septets(fitted) <= 160
    assert segment(fitted) == [fitted]


@given(st.text(max_size=400))
def test_a_suffix_is_never_cut(text: str) -> None:
    fitted = fit_one_part(text, " (evtl. doppelt)")
    assert fitted.endswith(" (evtl. doppelt)")
    assert septets(fitted) <= 160


@given(st.text(max_size=400))
def test_segments_say_the_same_in_sizes_that_are_allowed(text: str) -> None:
    parts = segment(text)
    assert "".join(parts) == text
    for part in parts:
        units = septets(part) if is_gsm(text) else len(part.encode("utf-16-le")) // 2
        alone, each = (160, 153) if is_gsm(text) else (70, 67)
        assert units <= (alone if len(parts) == 1 else each)


def test_cutting_shows_that_something_is_missing() -> None:
    assert cut("Weihnachtsmarkt am Dom", 15) == "Weihnachtsma..."
    assert cut("Markt, Süd", 9) == "Markt..."
    assert cut("€€€", 5) == "€..."


def test_a_long_name_gives_way_to_numbers_and_times() -> None:
    tail = ": bis zu 912 Personen (Grenze 900). Stand 14:05 Uhr."
    text = compose(Sentence("ALARM ", "Weihnachtsmarkt " * 20, tail, (" Tendenz steigend.",)))
    assert text.startswith("ALARM Weihnachtsmarkt")
    assert text.endswith("..." + tail)
    assert septets(text) <= 160


def test_extras_come_whole_or_not_at_all() -> None:
    text = compose(Sentence("ALARM ", "x" * 100, ": y.", (" " + "a" * 60, " kurz.")))
    assert text == "ALARM " + "x" * 100 + ": y. kurz."


@pytest.mark.parametrize(
    "name", ["a\nb", "a\r\nb", "a\fb", "a\x1b[2Jb", "a\u202eb", "a\u2028b", "a\x9bb"]
)
def test_a_name_adds_no_line_and_no_sign_that_steers(name: str) -> None:
    text = compose(Sentence("Alarm: ", name, " um 8 Uhr"))
    assert visible(text) == text
