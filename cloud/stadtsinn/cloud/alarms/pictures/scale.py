"""Round numbers and times for the axes of a picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from stadtsinn.base.berlin import local
from stadtsinn.base.instant import HOUR, MINUTE, Instant

_LINES = 4
"""About so many, from bottom to top."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, with a line each `step`; `decimals`: as many as the step needs."""

    low: float
    high: float
    step: float
    decimals: int

    @property
    def lines(self) -> list[float]:
        first = ceil(self.low / self.step - 1e-9)
        last = floor(self.high / self.step + 1e-9)
        return [round(number * self.step, self.decimals) for number in range(first, last + 1)]


def scale(values: Sequence[float], *, from_zero: bool) -> Scale:
    """One that holds all values, with room above and below; `from_zero`: of a number of things."""
    low, high = min(values), max(values)
    if from_zero:
        low, high = min(low, 0.0), max(high, 1.0)
    room = (high - low) or abs(high) or 1.0
    step = _round_step(room / _LINES, whole=from_zero)
    low = low - 0.08 * room if low != 0 else 0.0
    return Scale(low, high + 0.08 * room, step, _decimals(step))


def _round_step(wanted: float, *, whole: bool) -> float:
    size = 10.0 ** floor(log10(wanted))
    step = next(one * size for one in _STEPS if one * size >= wanted * 0.999)
    return float(max(1, round(step))) if whole else step


def _decimals(step: float) -> int:
    return next(number for number in range(13) if abs(round(step, number) - step) < step * 1e-6)


def times(start: Instant, end: Instant) -> list[Instant]:
    """Whole hours of the clock in Berlin, about six; in a short span also minutes."""
    step = next((one for one in _EVERY if end - start <= 9 * one), _EVERY[-1])
    each = min(step, 15 * MINUTE)
    first = -(-start // each) * each
    return [Instant(at) for at in range(first, end + 1, each) if _is_round(at, step)]


_EVERY = (5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR)


def _is_round(at: int, step: int) -> bool:
    here = local(at)
    return (here.hour * 60 + here.minute) % (step // MINUTE) == 0 and here.second == 0
