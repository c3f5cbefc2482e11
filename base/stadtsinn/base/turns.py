"""Whose turn it is where several wait for the same worker: nobody waits for all that one has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """Who had a turn longest ago is next, and before them who had none. For one thread."""

    def __init__(self) -> None:
        self._count = 0
        self._last: dict[str, int] = {}

    def last(self, who: str) -> int:
        """When somebody had the last turn, counted in turns; 0: never."""
        return self._last.get(who, 0)

    def took(self, who: str) -> None:
        self._count += 1
        self._last[who] = self._count

    def next(self, waiting: Iterable[str]) -> str:
        """Whose turn it is among those who wait; it is taken with that."""
        chosen = min(waiting, key=self.last)
        self.took(chosen)
        return chosen

    def one_of_each(self, waiting: Mapping[str, Sequence[T]]) -> Iterator[tuple[str, T]]:
        """All that waits: first one of each in turn, then the second ones, and so on."""
        order = sorted(waiting, key=self.last)
        for some in zip_longest(*([(who, one) for one in waiting[who]] for who in order)):
            yield from (found for found in some if found is not None)
