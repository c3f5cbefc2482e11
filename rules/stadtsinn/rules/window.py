"""The samples of the last minutes or hours, as small as a kind can note them.

Where samples come often, those next to each other are kept as one. It stands at the time of its
newest sample, so an old one counts longer, by the part of the span that `_PARTS` says.

Notes are read and written with each sample of each rule, so they are kept as they are: two lists
of numbers, which are cut and never taken apart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stadtsinn.rules.kind import Notes, Sample

_PARTS = 144
"""At most so many entries are kept of a span, and two."""


def part_of(length: int) -> int:
    """The part of a span whose samples are kept as one."""
    return max(1, length // _PARTS)


Join = Callable[[float, float], float]
"""What is kept of two values that become one: their sum, the lower, the higher one."""


@dataclass(frozen=True)
class Window:
    """The values of a span of time, the newest apart: it may still be corrected.

    Time may have gone on to `reached` since the newest sample.
    """

    times: Sequence[int] = ()
    values: Sequence[float] = ()
    newest: tuple[int, float] | None = None
    source: str = ""
    reached: int = 0

    @classmethod
    def of(cls, notes: Notes) -> Window:
        """As `notes` wrote it down; empty where nothing was."""
        found = notes.get("window")
        if found is None:
            return cls()
        times, values, newest, source, reached = found
        return cls(times, values, newest, source, reached)

    def notes(self) -> Notes:
        return {"window": [self.times, self.values, self.newest, self.source, self.reached]}

    def with_sample(self, sample: Sample, value: float, length: int, join: Join) -> Window:
        """A later sample, or the newest one corrected; what is older than `length` is gone."""
        first = bisect_left(self.times, sample.at - length)
        times, values = [*self.times[first:]], [*self.values[first:]]
        if self.newest is not None and sample.at - length <= self.newest[0] < sample.at:
            before, its_value = self.newest
            part = part_of(length)
            if times and times[-1] // part == before // part:
                times[-1], values[-1] = before, join(values[-1], its_value)
            else:
                times.append(before)
                values.append(its_value)
        return Window(times, values, (sample.at, value), sample.source, sample.at)

    def at(self, moment: int) -> Window:
        """The same, a while after its newest sample."""
        return Window(self.times, self.values, self.newest, self.source, moment)

    def since(self, moment: int) -> list[float]:
        """What was measured at `moment` or later, in its order."""
        earlier = [*self.values[bisect_left(self.times, moment) :]]
        if self.newest is None or self.newest[0] < moment:
            return earlier
        return [*earlier, self.newest[1]]

    def times_since(self, moment: int) -> list[int]:
        """When that was measured."""
        earlier = [*self.times[bisect_left(self.times, moment) :]]
        if self.newest is None or self.newest[0] < moment:
            return earlier
        return [*earlier, self.newest[0]]


def exact(value: float) -> float:
    """A sum or difference without what binary fractions add to it: 1.2 - 0.9 reaches 0.3."""
    return round(value, 9)
