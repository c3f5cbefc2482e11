"""What runs each time, and what only repeats it: that is for `make test-nightly`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest


class InTurn:
    """By day each place gets a few of the values, and the next place those that follow; by night
    every place gets all of them."""

    def __init__(self, config: pytest.Config, few: int = 3) -> None:
        self._few = None if config.getoption("--nightly") else few
        self._next = 0

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        if self._few is None or self._few >= len(values):
            return values
        first = self._next
        self._next += self._few
        return [values[number % len(values)] for number in range(first, self._next)]


_OF_A_SWEEP = 3
"""By day one of so many examples of a test marked `sweep` runs."""

_ONE_OF = 6
"""In each file one of so many tests runs on PostgreSQL as well as on SQLite by day: nearly all SQL
is the same, and so is most of what one file does. So it is with InfluxDB 2 beside 1.8, without
what is slow. By night all of them do."""

_USUAL = {"postgres": "sqlite", "influxdb_2": "influxdb_1_8"}


def repetitions(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Those that only repeat what others show."""
    names = {item.nodeid for item in items}
    seen: Counter[tuple[str, Path]] = Counter()
    swept: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("nightly"):
            yield item
        elif other := _repeated_with(item, names):
            seen[other, item.path] += 1
            slow = other == "influxdb_2" and item.get_closest_marker("slow")
            if slow or seen[other, item.path] % _ONE_OF != 1:
                yield item
        elif item.get_closest_marker("sweep"):
            test = item.nodeid.partition("[")[0]
            swept[test] += 1
            if swept[test] % _OF_A_SWEEP != 1:
                yield item


def _repeated_with(item: pytest.Item, names: Collection[str]) -> str | None:
    """The server on which this test repeats what it does on the usual one."""
    for other, usual in _USUAL.items():
        if other in item.name and item.nodeid.replace(other, usual) in names:
            return other
    return None


def others_by_night(values: Iterable[Any], telling: Collection[Any]) -> list[Any]:
    """`values` as they come, those that are not `telling` marked nightly."""
    by_night = pytest.mark.nightly
    return [one if one in telling else pytest.param(one, marks=by_night) for one in values]
