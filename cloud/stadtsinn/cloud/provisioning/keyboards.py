"""Hand scanners type what they read: with another keyboard layout than the computer has, other
signs arrive. ``LW:D0:`` of a scanner set to English becomes ``LWÖD0Ö`` on a German computer."""

from __future__ import annotations

import re

# The same keys in the same order: plain, then with shift.
_ENGLISH = (
    "`1234567890-=qwertyuiop[]asdfghjkl;'\\zxcvbnm,./"
    '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"|ZXCVBNM<>?'
)
_GERMAN = (
    "^1234567890ß´qwertzuiopü+asdfghjklöä#yxcvbnm,.-"
    "°!\"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄ'YXCVBNM;:_"
)
_FRENCH = (
    "²&é\"'(-è_çà)=azertyuiop^$qsdfghjklmù*wxcvbn,;:!"
    "~1234567890°+AZERTYUIOP¨£QSDFGHJKLM%µWXCVBN?./§"
)
_LAYOUTS = tuple(
    str.maketrans(arriving, meant)
    for meant, arriving in ((_ENGLISH, _GERMAN), (_GERMAN, _ENGLISH), (_ENGLISH, _FRENCH))
)
_BEGINNINGS = ("lw:d0:", "urn:", "http:", "https:")
_OTHER_COLON = re.compile(r"LW([^0-9A-Z:])D0\1", re.IGNORECASE)
"""As on layouts that are not named here: the colon is another sign, letters and digits stay."""


def undone(line: str) -> tuple[str, bool]:
    """What the scanner read, and whether a layout had to be undone for it."""
    if line.lower().startswith(_BEGINNINGS):
        return line, False
    for arrived in (line, _other_case(line)):
        for layout in _LAYOUTS:
            if (meant := arrived.translate(layout)).lower().startswith(_BEGINNINGS):
                return meant, True
    if (found := _OTHER_COLON.match(line)) is not None:
        return line.replace(found[1], ":"), True
    return line, False


def _other_case(line: str) -> str:
    """As it had arrived without caps lock, which turns the case of letters, ö among them."""
    return "".join(sign.swapcase() if len(sign.swapcase()) == 1 else sign for sign in line)
