"""Which language the person at the terminal reads: German by locale, else English."""

from __future__ import annotations

import os
from collections.abc import Mapping

from stadtsinn.base import decimals
from stadtsinn.base.explaining import explained
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Sentence


def german() -> bool:
    """True where the locale for messages is German (LC_ALL before LC_MESSAGES before LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return value.lower().startswith("de")
    return False


def readers_language() -> Language:
    return Language.DE if german() else Language.EN


def text(english: str, german_text: str) -> str:
    """The text in the reader's language."""
    return german_text if german() else english


def translated(english: str, words: Mapping[str, str]) -> str:
    """What is stored in English, in the reader's language. What has no word stays as it is."""
    return words.get(english, english) if german() else english


def yes_or_no(value: object) -> str:
    return text("yes", "ja") if value else text("no", "nein")


def shown_value(value: object) -> str:
    """A value as the reader writes it; nothing is a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return yes_or_no(value)
    if isinstance(value, float):
        return decimal(f"{value:g}")
    if isinstance(value, list):
        return ", ".join(map(shown_value, value))
    if isinstance(value, dict):
        return ", ".join(
            f"{name} {shown_value(one)}" for name, one in value.items() if one is not None
        )
    return str(value)


def decimal(shown: str) -> str:
    """A number as Python writes it, with the reader's decimal sign."""
    return decimals.with_sign(shown, readers_language())


def grouped(number: float) -> str:
    """A whole number, its thousands apart as the reader writes them."""
    return decimals.grouped(number, readers_language())


def in_words(said: Sentence | BaseException) -> str:
    """A sentence, or what an error says, in the reader's language."""
    sentence = said if isinstance(said, Sentence) else explained(said)
    return text(sentence.english, sentence.german)
