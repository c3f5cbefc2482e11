"""Which language the person at the terminal reads: German by locale, else English."""

from __future__ import annotations

import os

from stadtsinn.base.decimals import with_sign
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


def text(english: str, german_text: str) -> str:
    """The text in the reader's language."""
    return german_text if german() else english


def decimal(shown: str) -> str:
    """A number as Python writes it, with the reader's decimal sign."""
    return with_sign(shown, Language.DE if german() else Language.EN)


def grouped(number: float) -> str:
    """A whole number, its thousands apart as the reader writes them."""
    shown = f"{number:,.0f}"
    return shown.replace(",", ".") if german() else shown


def in_words(said: Sentence | BaseException) -> str:
    """A sentence, or what an error says, in the reader's language."""
    sentence = said if isinstance(said, Sentence) else explained(said)
    return text(sentence.english, sentence.german)
