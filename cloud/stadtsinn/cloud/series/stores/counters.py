"""Growth of running totals: what the difference of two readings of a counter means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.store import Sample, Window
from stadtsinn.cloud.series.stores.windows import next_window, window_start

_NEAR_FULL = 0.95
_PAGE = 20_000


def growth(previous: float, current: float, modulus: float | None) -> float:
    """How much a total that wraps at `modulus` grew between two readings; never negative.

    A smaller reading is a wrap where the counter was nearly full (upper 5 %), else the device
    began again at zero and has counted `current` since.
    """
    if current >= previous:
        return current - previous
    if modulus is not None and previous >= _NEAR_FULL * modulus:
        return current + modulus - previous
    return current


def growth_per_window(
    samples: Iterable[Sample], base: Sample | None, window: Window, modulus: float | None
) -> list[Sample]:
    """Growth of a total per window, counted where it was noticed.

    `samples` in the order of time; `base` is the last one before them, None where there is none.
    What another device counted before is no base: between two devices' totals nothing grew.
    """
    grown: dict[Instant, float] = {}
    previous = base
    start, end = Instant(0), -1
    for sample in samples:
        if previous is not None and previous.dev_eui == sample.dev_eui:
            if not start <= sample.time < end:
                start = window_start(sample.time, window)
                end = next_window(start, window)
            grown[start] = grown.get(start, 0.0) + growth(previous.value, sample.value, modulus)
        previous = sample
    return [Sample(start, value) for start, value in grown.items()]


def in_pages(read: Callable[[Instant, int], list[Sample]], start: Instant) -> Iterator[Sample]:
    """All samples from `start` on by `read(start, limit)`, few of them in memory at a time."""
    while True:
        page = read(start, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        start = Instant(page[-1].time + 1)
