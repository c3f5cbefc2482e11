"""The history of one station or zone as arrays: millions of values, which no object holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from stadtsinn.base.instant import Instant
from stadtsinn.rules.kind import Sample

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """Values in the order of their times, no two of one time.

    `sources` numbers the device of each in `names`; None: all are of one, the first of `names` or
    nobody. `permitted` is what a zone's permit allowed; NaN where there was none. `streams` says
    what some datastreams measured at the time of this number, where they are judged together; the
    values are of no meaning there.
    """

    times: Times
    values: Values
    sources: Numbers | None = None
    names: Sequence[str] = ("",)
    permitted: Values | None = None
    streams: Callable[[int], Mapping[int, float]] | None = None

    def __len__(self) -> int:
        return len(self.times)

    def where(self, chosen: Mask | slice) -> Column:
        """Some of it."""
        return Column(
            self.times[chosen],
            self.values[chosen],
            None if self.sources is None else self.sources[chosen],
            self.names,
            None if self.permitted is None else self.permitted[chosen],
        )

    def source(self, number: int) -> str:
        return self.names[0 if self.sources is None else int(self.sources[number])]

    def sample(self, number: int) -> Sample:
        allowed = nan if self.permitted is None else float(self.permitted[number])
        return Sample(
            Instant(int(self.times[number])),
            float(self.values[number]),
            None if isnan(allowed) else allowed,
            self.source(number),
            None if self.streams is None else self.streams(number),
        )

    def first_at(self, moment: int) -> int:
        """The number of the first value that was measured at `moment` or later."""
        return int(np.searchsorted(self.times, moment, "left"))

    def run_starts(self) -> Numbers:
        """Of each value the first one that the same device measured without another between."""
        numbers = np.arange(len(self.times))
        if self.sources is None or len(numbers) == 0:
            return np.zeros_like(numbers)
        begins = np.concatenate(([True], self.sources[1:] != self.sources[:-1]))
        return last_of(begins)


NOTHING = Column(np.array([], np.int64), np.array([], np.float64))


def last_of(mask: Mask) -> Numbers:
    """Of each place the last one up to it where `mask` holds; -1: none does."""
    return np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))
