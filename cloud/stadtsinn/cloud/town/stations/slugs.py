"""Slugs of names: what a station is called in addresses and series, for ever."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count, islice

from stadtsinn.base.umlauts import TWO_LETTERS

_LETTERS = str.maketrans({**TWO_LETTERS, "ø": "o", "æ": "ae", "ł": "l"})
_MAX = 63


def slug_of(name: str, otherwise: str) -> str:
    """``"Linde am Weiß-Platz"`` → ``"linde-am-weiss-platz"``; `otherwise` for an empty one."""
    plain = unicodedata.normalize("NFC", name).lower().translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug[:_MAX].strip("-") or otherwise


_ASKED_AT_ONCE = 100

Wanted = tuple[str, str]
"""A slug, and what comes behind it where it is taken."""


def free_slug(wanted: str, suffix: str, is_taken: Callable[[str], bool]) -> str:
    """`wanted`, or with `suffix` (and a number) behind it where that is taken."""
    return next(slug for slug in _candidates(wanted, suffix) if not is_taken(slug))


def free_slugs(
    wanted: Sequence[Wanted], taken_of: Callable[[Collection[str]], Collection[str]]
) -> list[str]:
    """As `free_slug` for each in turn, no two alike. `taken_of` is asked once for most names."""
    taken: set[str] = set()
    asked: set[str] = set()

    def ask(slugs: Collection[str]) -> None:
        if new := [slug for slug in dict.fromkeys(slugs) if slug not in asked]:
            asked.update(new)
            taken.update(taken_of(new))

    def left(pair: Wanted) -> Iterator[str]:
        candidates = _candidates(*pair)
        size = 2
        while True:
            some = list(islice(candidates, size))
            ask(some)
            yield from some
            size = _ASKED_AT_ONCE

    ask([slug for pair in wanted for slug in islice(_candidates(*pair), 2)])
    waiting = {pair: left(pair) for pair in wanted}  # what was taken once stays taken
    chosen = []
    for pair in wanted:
        slug = next(one for one in waiting[pair] if one not in taken)
        taken.add(slug)
        chosen.append(slug)
    return chosen


def _candidates(wanted: str, suffix: str) -> Iterator[str]:
    yield wanted
    for number in count(1):
        ending = f"-{suffix}" if number == 1 else f"-{suffix}-{number}"
        yield wanted[: _MAX - len(ending)].strip("-") + ending
