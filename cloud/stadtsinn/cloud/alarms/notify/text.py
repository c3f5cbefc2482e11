"""SMS text: what fits into one message, and how German gets there.

A message in the GSM 03.38 alphabet holds 160 septets, or 153 in each part of a longer one.
One single character outside of it turns the whole text into UCS-2: 70 and 67 UTF-16 units.
So "21 °C" would more than halve what fits; `transliterate` says the same in GSM letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.sentence import Sentence

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Reached through an escape: two septets each."""

ONE_PART_SEPTETS, PART_SEPTETS = 160, 153
ONE_PART_UNITS, PART_UNITS = 70, 67

_WORDS = {
    Language.DE: {"°C": "Grad C", "m²": "qm", "m³": "cbm", "°": " Grad"},
    Language.EN: {"°C": "deg C", "m²": "sq m", "m³": "cu m", "°": " deg"},
}
"""Signs of units; what begins with another one's sign comes before it."""
_LETTERS = {
    "²": "2",
    "³": "3",
    "µ": "u",  # U+00B5, as on keyboards
    "μ": "u",  # U+03BC, as NFKC writes it
    "–": "-",
    "—": "-",
    "‑": "-",
    "−": "-",
    "„": '"',
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
    "‚": "'",
    "‘": "'",
    "’": "'",
    "`": "'",
    "´": "'",
    "…": "...",
    "ẞ": "SS",
    "×": "x",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "≥": ">=",
    "≤": "<=",
    "→": "->",
    "•": "-",
    "·": "-",
    "\t": " ",
    "\n": " ",  # with these a name could add lines of its own
    "\r": " ",
    "\f": " ",
    "\u00a0": " ",
    "\u202f": " ",
    "\u2009": " ",
    "\u00ad": "",
    "\u200b": "",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ı": "i",
    "œ": "oe",
    "Œ": "OE",
}


def is_gsm(text: str) -> bool:
    """Every character is in GSM 03.38."""
    return all(letter in _BASIC or letter in _EXTENDED for letter in text)


def septets(text: str) -> int:
    """Length in septets; raises ValueError for a text that is not GSM 03.38."""
    if not is_gsm(text):
        raise ValueError("not in the GSM alphabet: transliterate the text first")
    return sum(2 if letter in _EXTENDED else 1 for letter in text)


def transliterate(text: str, language: Language = Language.DE) -> str:
    """The same in GSM letters: quotes, dashes and signs spelt out, foreign accents dropped.

    A letter with no counterpart at all becomes "?", so the result is always GSM, in one line.
    """
    text = unicodedata.normalize("NFC", text)
    for word, plain in _WORDS[language].items():
        text = text.replace(word, plain)
    text = "".join(_gsm_letter(letter) for letter in text)
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def _gsm_letter(letter: str) -> str:
    if letter in _LETTERS:
        return _LETTERS[letter]
    if letter in _BASIC or letter in _EXTENDED:
        return letter
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)
    )
    return plain if plain and is_gsm(plain) else "?"


def segment(text: str) -> list[str]:
    """The parts in which a text is sent; neither an escape nor a surrogate pair is split."""
    if is_gsm(text):
        return _split(text, ONE_PART_SEPTETS, PART_SEPTETS, lambda c: 2 if c in _EXTENDED else 1)
    return _split(text, ONE_PART_UNITS, PART_UNITS, lambda c: 2 if ord(c) > 0xFFFF else 1)


def _split(text: str, alone: int, each: int, width: Callable[[str], int]) -> list[str]:
    if sum(map(width, text)) <= alone:
        return [text]
    parts, used = [""], 0
    for letter in text:
        if used + width(letter) > each:
            parts.append("")
            used = 0
        parts[-1] += letter
        used += width(letter)
    return parts


def cut(text: str, limit: int) -> str:
    """At most `limit` septets of a GSM text; what is cut short ends in "..."."""
    if septets(text) <= limit:
        return text
    kept = ""
    for letter in text:
        if septets(kept + letter) > limit - 3:
            break
        kept += letter
    return kept.rstrip(" ,.;:-") + "..."


def fit_one_part(text: str, suffix: str = "") -> str:
    """`text` and `suffix` in GSM letters and one part; only `text` is cut where they do not fit."""
    tail = transliterate(suffix)
    return cut(transliterate(text), ONE_PART_SEPTETS - septets(tail)) + tail


def compose(sentence: Sentence) -> str:
    """One part from head, name and tail, and as many whole extras as fit, the first ones first.

    Where even the rest is too long, the name is cut: numbers and times are never.
    """

    def plain(text: str) -> str:
        return transliterate(text, sentence.language)

    head, name, tail = plain(sentence.head), plain(sentence.name), plain(sentence.tail)
    room = max(12, ONE_PART_SEPTETS - septets(head) - septets(tail))
    text = fit_one_part(head + cut(name, room) + tail)
    for extra in map(plain, sentence.extras):
        if septets(text) + septets(extra) <= ONE_PART_SEPTETS:
            text += extra
    return text
