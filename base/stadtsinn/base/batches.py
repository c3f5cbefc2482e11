"""Items in groups of bounded size. (`itertools.batched` comes with Python 3.12.)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one of what is left; each is taken when asked for."""
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch
