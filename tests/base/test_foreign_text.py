"""Text from outside: what may not reach a terminal, a page or a log as it is."""

from __future__ import annotations

import json
import re
import sys
import unicodedata

import pytest

from stadtsinn.base.foreign_text import (
    FORBIDDEN,
    require_plain,
    visible,
    visible_json,
    visible_json_bytes,
)
from stadtsinn.base.logs import configure_logs, mask_secrets, one_line

pytestmark = pytest.mark.slow

DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
NAMED = "\x00\x07\x1b\x7f\x85\x9b\u061c\u200b\u200e\u200f\u2028\u2029\u202e\u2066\ufeff\U000e0041"
HOSTILE = {
    "clears the screen": "Linde\x1b[2J\x1b[H",
    "sets the title": "\x1b]0;root@stadt\x07",
    "one byte for ESC [": "\x9b31mrot",
    "turns around": "Lohn \u202e000.1\u202c €",
    "forges a line": 'Linde\n{"level": "info"}',
    "overwrites": "unbekannt\rbekannt",
    "another line end": "a\u2028b\u2029c\x85d",
    "hidden": "a\u200bb\ufeffc\U000e0061",
    "half a character": "a\ud800b",
}


def _unsafe_by_unicode() -> list[str]:
    return [
        sign
        for sign in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(sign) in DIRECTIONS
    ]


def test_every_control_direction_and_half_of_unicode_is_made_visible() -> None:
    missed = [sign for sign in (*_unsafe_by_unicode(), *NAMED) if visible(sign) == sign]
    assert missed == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_in_one_line_of_plain_characters(text: str) -> None:
    shown = visible(text)
    assert not set(shown) & set(_unsafe_by_unicode())
    assert visible(shown) == shown
    with pytest.raises(ValueError, match=r"^character \d+ is U\+[0-9A-F]{4,5} \("):
        require_plain(text)


@pytest.mark.parametrize(
    "text", ["Straße 5 „Köln“", "Café 🏳️‍🌈", "नमस्ते‍", "בית ספר", "a\u00a0b\u00adc", "C:\\x1b"]
)
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text
    assert require_plain(text) == text


def test_lines_of_our_own_texts_stay() -> None:
    assert visible("a\n\tb\x1b\r\n", lines=True) == "a\n\tb\\x1b\\x0d\n"


def test_texts_of_several_lines_are_taken_where_they_may_be() -> None:
    assert require_plain("a\r\n\tb", lines=True) == "a\n\tb"
    for text in ("a\rb", "a\u2028b", "a\x0bb", "a\x1bb"):
        with pytest.raises(ValueError, match="character 2"):
            require_plain(text, lines=True)


def test_the_error_names_character_and_place() -> None:
    with pytest.raises(ValueError, match=r"character 3 is U\+202E \(right-to-left override\)"):
        require_plain("ab\u202ecd")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_is_the_same_document_in_visible_characters(text: str) -> None:
    document = json.dumps({"name": [text, "\U000e0061"]}, ensure_ascii=False, indent=1)
    shown = visible_json(document)
    assert json.loads(shown) == json.loads(document)
    assert not set(shown) - {"\n"} & set(_unsafe_by_unicode())


def test_the_pattern_of_the_api_document_is_one_of_javascript_too() -> None:
    pattern = re.compile(f"^[^{FORBIDDEN}]*$")
    assert all(not pattern.match(sign) for sign in NAMED if ord(sign) < 0x10000 and sign != "\n")
    assert pattern.match("Linde 31 „groß“")
    assert set(re.findall(r"\\.", FORBIDDEN)) == {r"\x", r"\u"}


# --- logs ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("as_json", [True, False])
def test_no_log_line_is_steered(
    text: str, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    import structlog

    configure_logs("test", json=as_json)
    structlog.get_logger().warning(
        "event", detail=text, inner={text: [text, (text,)]}, error=ValueError(text)
    )
    lines = capsys.readouterr().err.splitlines()
    structlog.reset_defaults()
    assert len(lines) == 1
    assert not set(lines[0]) & set(_unsafe_by_unicode())
    if as_json:
        assert visible(json.loads(lines[0])["detail"]) == json.loads(lines[0])["detail"]


def test_things_whose_text_is_foreign_are_shown_too() -> None:
    class Named:
        def __str__(self) -> str:
            return "\x1b[2J"

    assert mask_secrets(None, "info", {"one": Named(), "n": 3, "no": None}) == {
        "one": "\\x1b[2J",
        "n": 3,
        "no": None,
    }
    assert one_line(ValueError("\x1b[2J")) == "ValueError: \\x1b[2J"


def test_the_bytes_of_a_json_text_are_made_visible_as_its_characters_are() -> None:
    signs = [*map(chr, range(0x20, 0xD800)), *map(chr, range(0xE000, 0x10000))]
    signs += map(chr, range(0xE0000 - 0x100, 0xE0000 + 0x100))
    wrong = [
        sign for sign in signs if visible_json_bytes(sign.encode()) != visible_json(sign).encode()
    ]
    assert wrong == []


def test_bytes_without_such_a_character_are_not_even_copied() -> None:
    for text in ("{}", '{"name": "Köln – Straße 5 °C 🌳"}'):
        document = text.encode()
        assert visible_json_bytes(document) is document
