"""Windows of time, and how parts of a window become its value. Shared by all stores.

Servers may lack the time zone database that days in Berlin need. So a store is
only asked for windows that are whole in UTC, and days are put together here: the hours of
Europe/Berlin are whole hours of UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from stadtsinn.base import berlin
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.series.stores.store import Aggregate, Sample, Window

_STEPS = {
    Window.MINUTE: MINUTE,
    Window.FIVE_MINUTES: 5 * MINUTE,
    Window.QUARTER_HOUR: 15 * MINUTE,
    Window.HOUR: HOUR,
    Window.DAY: HOUR,
}


class Part(msgspec.Struct, frozen=True, gc=False):
    """What a store made of the good values of `start` to `start` + step, see `step_of`.

    `value` is the sum for MEAN and SUM, else the minimum, maximum or last value.
    """

    start: int
    value: float
    count: int


def step_of(window: Window) -> int:
    """Microseconds that a store is asked to put together at once."""
    return _STEPS[window]


def window_start(moment: int, window: Window) -> Instant:
    """Where the window that holds `moment` begins."""
    if window is Window.DAY:
        return berlin.midnight(moment)
    return Instant(moment - moment % _STEPS[window])


def next_window(start: int, window: Window) -> Instant:
    """Where the window after the one that begins at `start` begins."""
    if window is Window.DAY:
        return berlin.next_midnight(start)
    return Instant(start + _STEPS[window])


def summarise(parts: Iterable[Part], window: Window, aggregate: Aggregate) -> list[Sample]:
    """One sample per window from the parts of it that hold values, in the order of time."""
    starts: dict[int, list[Part]] = {}
    day_ends = start = 0
    for part in sorted(parts, key=lambda part: part.start):
        if window is not Window.DAY:
            start = part.start
        elif part.start >= day_ends:
            start = berlin.midnight(part.start)
            day_ends = next_window(start, window)
        starts.setdefault(start, []).append(part)
    return [Sample(Instant(start), _value(held, aggregate)) for start, held in starts.items()]


def part_of(samples: Sequence[Sample], start: int, aggregate: Aggregate) -> Part:
    """What a store would make of these good values, in the order of time; one at least."""
    single = [Part(sample.time, sample.value, 1) for sample in samples]
    if aggregate is Aggregate.MEAN:
        return Part(start, _value(single, Aggregate.SUM), len(single))
    return Part(start, _value(single, aggregate), 1)


def _value(parts: list[Part], aggregate: Aggregate) -> float:
    match aggregate:
        case Aggregate.MEAN:
            return sum(part.value for part in parts) / sum(part.count for part in parts)
        case Aggregate.SUM:
            return sum(part.value for part in parts)
        case Aggregate.MIN:
            return min(part.value for part in parts)
        case Aggregate.MAX:
            return max(part.value for part in parts)
        case _:
            return parts[-1].value
