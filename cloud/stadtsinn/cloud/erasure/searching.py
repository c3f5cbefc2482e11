"""Finds a name, an e-mail address or a telephone number in texts, however it is written there.

Names are compared whole, without regard to case, umlauts written in two letters and spaces;
numbers by their digits, with or without the country's code.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Self

from stadtsinn.base.problems import Invalid
from stadtsinn.base.umlauts import TWO_LETTERS

GONE = "[…]"
"""What stands in place of what was erased inside a text."""
_SHORTEST = 3
_NUMBER = re.compile(r"(?<![\w+])(?:\+|00)?[\d(][\d ()/.-]{4,24}\d(?!\w)")
_DIGITS = 6
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
"""How JSON may write a letter."""
_COUNTRY = "49"


@dataclass(frozen=True)
class Wanted:
    """What is looked for."""

    words: str
    digits: str | None

    @classmethod
    def of(cls, text: str) -> Self:
        """Raises Invalid for what is too short to be somebody's."""
        words = " ".join(text.split())
        if len(words) < _SHORTEST or not any(char.isalnum() for char in words):
            raise Invalid(
                f"Give at least {_SHORTEST} characters, letters or digits among them: other texts "
                "are in many words.",
                f"Mindestens {_SHORTEST} Zeichen angeben, Buchstaben oder Ziffern darunter: "
                "andere Texte stehen in vielen Wörtern.",
            )
        is_number = _NUMBER.fullmatch(words) is not None and len(_digits(words)) >= _DIGITS
        return cls(words, _digits(words) if is_number else None)

    def is_in(self, value: Any) -> bool:
        """Whether a stored value, a text, bytes or JSON, names it."""
        return bool(self.without(value) != value)

    def without(self, value: Any) -> Any:
        """The value with `GONE` wherever it named it."""
        if isinstance(value, str):
            return self._without_number(value) if self.digits else self._without_words(value)
        if isinstance(value, bytes | memoryview):
            text = _ESCAPED.sub(_character, bytes(value).decode("utf-8", "replace"))
            return value if self.without(text) == text else b""
        if isinstance(value, dict):
            return {self.without(key): self.without(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.without(one) for one in value]
        return value

    def _without_number(self, text: str) -> str:
        def replaced(found: re.Match[str]) -> str:
            return GONE if _digits(found.group()) == self.digits else found.group()

        return _NUMBER.sub(replaced, text)

    def _without_words(self, text: str) -> str:
        plain, places = _plain(text)
        wanted = _plain(self.words)[0]
        found, end, start = "", 0, plain.find(wanted)
        while start >= 0:
            stop = start + len(wanted)
            if _is_edge(plain, start - 1, wanted[0]) and _is_edge(plain, stop, wanted[-1]):
                found += text[end : places[start]] + GONE
                end = places[stop]
                start = plain.find(wanted, stop)
            else:
                start = plain.find(wanted, start + 1)
        return found + text[end:]


def _character(escaped: re.Match[str]) -> str:
    return chr(int(escaped[1], 16))


def _is_edge(text: str, at: int, beside: str) -> bool:
    """Whether no word goes on there."""
    return not (0 <= at < len(text) and text[at].isalnum() and beside.isalnum())


def _plain(text: str) -> tuple[str, list[int]]:
    """Letters as they are compared, and where in the text each begins; the end of it at last."""
    letters: list[str] = []
    places: list[int] = []
    for at, char in enumerate(text):
        again = char.isspace() and letters[-1:] == [" "]
        plain = "" if again else _letter(char)
        letters += plain
        places += [at] * len(plain)
    return "".join(letters), [*places, len(text)]


def _letter(char: str) -> str:
    if char.isspace():
        return " "
    small = char.lower()
    if small in TWO_LETTERS:
        return TWO_LETTERS[small]
    parts = unicodedata.normalize("NFKD", small)
    return "".join(one for one in parts if not unicodedata.combining(one))


def _digits(text: str) -> str:
    """Of a telephone number, from the country's code on."""
    digits = re.sub(r"\D", "", re.sub(r"\(0\)", "", text))
    if text.lstrip().startswith("+"):
        return digits
    if digits.startswith("00"):
        return digits[2:]
    return _COUNTRY + digits[1:] if digits.startswith("0") else digits
