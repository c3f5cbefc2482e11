"""Telephone numbers as people write them, in the one form in which they are kept: E.164.

A number that could mean two telephones is refused: an alarm that reaches a stranger, or nobody,
looks the same as one that arrived.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from stadtsinn.base.sentence import Unusable

_HOME = "DE"
_EXAMPLE = "write it like +49 170 1234567"
_GERMAN_EXAMPLE = "so schreiben: +49 170 1234567"
_WRITTEN = re.compile(r"\+?[\d\s()\[\]/.–-]+")
_WITHOUT_TEXTS = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
        PhoneNumberType.PAGER,
    }
)


def e164(text: str) -> str:
    """``+491701234567`` for ``+49 (0)170 1234567``, ``0049 170…``; ``0170…`` is taken for German.

    Raises ValueError, without the number in it, for everything else.
    """
    written = _without_marks(text)
    if not _WRITTEN.fullmatch(written):
        raise Unusable(
            f"this is no telephone number: {_EXAMPLE}",
            f"das ist keine Telefonnummer: {_GERMAN_EXAMPLE}",
        )
    if not written.lstrip("([ ").startswith(("+", "0")):
        raise Unusable(
            "this telephone number begins neither with + and a country code nor with 0: "
            f"{_EXAMPLE}",
            "diese Telefonnummer beginnt weder mit + und Ländervorwahl noch mit 0: "
            f"{_GERMAN_EXAMPLE}",
        )
    number = _parsed(written)
    if _names_its_country_twice(number):
        raise Unusable(
            f"the country code stands twice in this telephone number: {_EXAMPLE}",
            f"die Ländervorwahl steht zweimal in dieser Telefonnummer: {_GERMAN_EXAMPLE}",
        )
    if phonenumbers.number_type(number) in _WITHOUT_TEXTS:
        raise Unusable(
            "no text message reaches this kind of number: give a mobile number",
            "diese Art Nummer erreicht keine SMS: eine Mobilnummer angeben",
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _without_marks(text: str) -> str:
    """Without the invisible marks that come along when a number is copied from a contact."""
    shown = (letter for letter in text if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", "".join(shown)).strip()


def _parsed(written: str) -> PhoneNumber:
    try:
        number = phonenumbers.parse(written, _HOME)
    except phonenumbers.NumberParseException:
        raise Unusable(
            f"this is no telephone number: {_EXAMPLE}",
            f"das ist keine Telefonnummer: {_GERMAN_EXAMPLE}",
        ) from None
    if not phonenumbers.is_valid_number(number):
        raise Unusable(
            "there is no such telephone number: one digit may be missing or too many. "
            f"With country code {_EXAMPLE.removeprefix('write it ')}",
            "eine solche Telefonnummer gibt es nicht: eine Ziffer fehlt vielleicht oder ist zu "
            f"viel. Mit Ländervorwahl {_GERMAN_EXAMPLE}",
        )
    return number


def _names_its_country_twice(number: PhoneNumber) -> bool:
    """``+49 49 170 1234567``: a valid number of Leer by its form, and meant for a mobile."""
    code, national = str(number.country_code), str(number.national_number)
    if not national.startswith(code) or _is_mobile(number):
        return False
    inner = PhoneNumber(number.country_code, int(national.removeprefix(code) or 0))
    return _is_mobile(inner)


def _is_mobile(number: PhoneNumber) -> bool:
    return phonenumbers.number_type(number) is PhoneNumberType.MOBILE
