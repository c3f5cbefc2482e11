"""What can be set in a sensor, as people write it and as sensors do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from stadtsinn.base.sentence import Sentence, Unusable

EUI_DIGITS = 16
KEY_DIGITS = 32
_SEPARATORS = re.compile(r"[\s:.\-]+")
_HEX = re.compile(r"[0-9A-F]*")
_LOOKS_LIKE = {"O": "0", "I": "1", "L": "1"}


class Setting(StrEnum):
    """In the order in which they are written."""

    DEV_EUI = "dev_eui"
    JOIN_EUI = "join_eui"
    APP_KEY = "app_key"
    JOIN_MODE = "join_mode"
    INTERVAL_S = "interval_s"


class Shape(StrEnum):
    """What an answer looks like."""

    EUI = "eui"
    KEY = "key"
    NUMBER = "number"
    TEXT = "text"


SHAPES = {
    Setting.DEV_EUI: Shape.EUI,
    Setting.JOIN_EUI: Shape.EUI,
    Setting.APP_KEY: Shape.KEY,
    Setting.JOIN_MODE: Shape.NUMBER,
    Setting.INTERVAL_S: Shape.NUMBER,
}
OTAA = "1"
ABP = "0"


@dataclass(frozen=True)
class Wanted:
    """What a sensor shall have; None stays as it is. EUIs and the key are upper-case hex digits."""

    dev_eui: str | None = None
    join_eui: str | None = None
    app_key: str | None = field(default=None, repr=False)
    join_mode: str | None = None
    """``1`` is OTAA, ``0`` is ABP."""
    interval_s: int | None = None

    def values(self) -> dict[Setting, str]:
        """What was asked for, as digits."""
        found = {one: getattr(self, one.value) for one in Setting}
        return {one: str(value) for one, value in found.items() if value is not None}


def eui(text: str) -> str:
    """16 upper-case hex digits, however they were separated. Raises Unusable."""
    digits = join_eui(text)
    if not digits.strip("0"):
        raise Unusable(
            "an EUI of zeros only is none: read it off the sticker",
            "eine EUI aus lauter Nullen ist keine: sie vom Aufkleber ablesen",
        )
    return digits


def join_eui(text: str) -> str:
    """The same; zeros are allowed, for private networks use them."""
    return _digits(text, EUI_DIGITS, Sentence("an EUI has 16 digits", "eine EUI hat 16 Ziffern"))


def app_key(text: str) -> str:
    """32 upper-case hex digits. Raises Unusable, which says nothing of them."""
    digits = _digits(
        text, KEY_DIGITS, Sentence("an AppKey has 32 digits", "ein AppKey hat 32 Ziffern")
    )
    if not digits.strip("0"):
        raise Unusable(
            "a key of zeros only is none: take it from the supplier's list",
            "ein Schlüssel aus lauter Nullen ist keiner: ihn der Liste des Lieferanten entnehmen",
        )
    return digits


def hex_digits(text: str) -> str:
    """Upper case, without separators and 0x."""
    plain = _SEPARATORS.sub("", text).upper()
    return plain.removeprefix("0X")


def has_shape(text: str, shape: Shape) -> bool:
    """Whether this is a whole answer of that kind, and nothing else."""
    if shape is Shape.NUMBER:
        return re.fullmatch(r"\d{1,10}", text) is not None
    if shape is Shape.TEXT:
        return text != ""
    digits = hex_digits(text)
    length = EUI_DIGITS if shape is Shape.EUI else KEY_DIGITS
    return len(digits) == length and _HEX.fullmatch(digits) is not None


def _digits(text: str, count: int, has: Sentence) -> str:
    digits = hex_digits(text)
    for place, sign in enumerate(digits, 1):
        if _HEX.fullmatch(sign):
            continue
        meant = _LOOKS_LIKE.get(sign)
        raise Unusable(
            f"at place {place} is no hex digit (0-9, A-F)"
            + (f": is it a {meant}? " if meant else ": ")
            + "Compare with the sticker or the list",
            f"an Stelle {place} steht keine Hexadezimalziffer (0-9, A-F)"
            + (f": ist es eine {meant}? " if meant else ": ")
            + "Mit Aufkleber oder Liste vergleichen",
        )
    if len(digits) != count:
        raise Unusable(
            f"{len(digits)} of them here, {has.english}: copy it again",
            f"hier sind es {len(digits)}, {has.german}: noch einmal kopieren",
        )
    return digits
