"""Number types of device files: width, byte order, encoding."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders import program as p

MAX_BITS = 57
"""Widest field that fits into one 64-bit load at any bit offset in its first byte."""


@dataclass(frozen=True, slots=True)
class NumberType:
    """A number's layout: `bits` wide; if `aligned` it starts at a byte boundary."""

    bits: int
    little: bool
    sign: int
    kind: int
    aligned: bool


_INTEGER = re.compile(r"(u|i|o|sm|bcd)(8|16|24|32)(be|le)?\Z")
_BITS = re.compile(r"(u|i)bits(\d{1,2})\Z")
_FLOAT = {"f16be": (16, p.FLOAT16, False), "f16le": (16, p.FLOAT16, True)} | {
    "f32be": (32, p.FLOAT32, False),
    "f32le": (32, p.FLOAT32, True),
}
_KINDS = {"sm": p.SIGN_MAGNITUDE, "bcd": p.BCD}
_SIGNS = {"i": p.TWOS, "o": p.ONES}

ALLOWED = (
    "u8 i8 u16be u16le … u32be u32le (u unsigned, i signed, o ones' complement, sm sign and "
    "magnitude, bcd), f16be f16le f32be f32le, u32words (32 bit, low word first, words big "
    "endian), ubits3 ibits11 (bit stream, first bit highest)"
)


def is_number_type(text: str) -> bool:
    """Whether this is the name of a number type."""
    try:
        number_type(text)
    except ValueError:
        return False
    return True


def number_type(text: str) -> NumberType:
    """The number type of that name; raises ValueError with the allowed names."""
    if text in _FLOAT:
        bits, kind, little = _FLOAT[text]
        return NumberType(bits, little, sign=p.UNSIGNED, kind=kind, aligned=True)
    if text in {"u32words", "i32words"}:
        kind = p.SIGNED_WORDS if text[0] == "i" else p.WORDS_SWAPPED
        return NumberType(32, False, sign=p.UNSIGNED, kind=kind, aligned=True)
    found = _INTEGER.match(text)
    if found and (found[2] == "8") == (found[3] is None):
        return NumberType(
            int(found[2]),
            found[3] == "le",
            _SIGNS.get(found[1], p.UNSIGNED),
            _KINDS.get(found[1], p.PLAIN),
            aligned=True,
        )
    found = _BITS.match(text)
    if found and 1 <= int(found[2]) <= 32:
        return NumberType(
            int(found[2]), False, _SIGNS.get(found[1], p.UNSIGNED), p.PLAIN, aligned=False
        )
    raise Unusable(
        f"unknown type {text!r}; allowed: {ALLOWED}",
        f"unbekannter Typ {text!r}; möglich: {ALLOWED}",
    )
