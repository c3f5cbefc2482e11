"""Slugs of names: what a station is called in addresses and series, for ever."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import count

_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l"})
_MAX = 63


def slug_of(name: str, otherwise: str) -> str:
    """``"Linde am Weiß-Platz"`` → ``"linde-am-weiss-platz"``; `otherwise` for an empty one."""
    plain = unicodedata.normalize("NFC", name).lower().translate(_GERMAN)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug[:_MAX].strip("-") or otherwise


def free_slug(wanted: str, suffix: str, is_taken: Callable[[str], bool]) -> str:
    """`wanted`, or with `suffix` (and a number) behind it where that is taken."""
    return next(slug for slug in _candidates(wanted, suffix) if not is_taken(slug))


def _candidates(wanted: str, suffix: str) -> Iterator[str]:
    yield wanted
    for number in count(1):
        ending = f"-{suffix}" if number == 1 else f"-{suffix}-{number}"
        yield wanted[: _MAX - len(ending)].strip("-") + ending
