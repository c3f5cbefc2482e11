"""How a lake breathes: its oxygen at night, where that is heading, and how warm the water is. Pure.

Plants and algae give oxygen by day and use it by night: what matters to fish is the least of the
night. The figures are defaults of ours for waters with carp-like fish, no limits of any law.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import combinations
from math import exp
from statistics import median

from stadtsinn.base.berlin import local
from stadtsinn.base.instant import Instant

NIGHTS = 14
"""So far back the trend looks."""
_EVENING, _MORNING = 20, 9
"""Hours: a night is from evening until after sunrise, when oxygen is least."""
_FEWEST_VALUES = 3
_FEWEST_NIGHTS = 5
STRAINED, CRITICAL = 5.0, 3.0
"""mg/l: below, fish are under stress; below, they may die."""
_FALLING = -0.2
"""mg/l from night to night."""
_WARM = 25.0
"""°C: fish need more of what there is less of."""


class LakeState(StrEnum):
    GOOD = "good"
    STRAINED = "strained"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Value:
    time: Instant
    value: float


@dataclass(frozen=True, slots=True)
class Night:
    """The night that ended on the morning of `day`."""

    day: date
    oxygen: float
    temperature: float | None
    """The warmest water of that night."""

    @property
    def saturation(self) -> float | None:
        """Per cent of what water of this temperature can hold."""
        if self.temperature is None:
            return None
        return round(100 * self.oxygen / oxygen_held(self.temperature), 1)


@dataclass(frozen=True, slots=True)
class Lake:
    """A lake by its last night. `trend`: mg/l per night over the last weeks, None with too few.

    `days_left`: so many nights until it is critical, if it goes on like that.
    """

    state: LakeState
    night: Night | None
    trend: float | None
    days_left: int | None
    nights: tuple[Night, ...]


def oxygen_held(celsius: float) -> float:
    """mg/l that fresh water holds at sea level (Benson and Krause 1984)."""
    kelvin = celsius + 273.15
    return exp(
        -139.34411
        + 1.575701e5 / kelvin
        - 6.642308e7 / kelvin**2
        + 1.2438e10 / kelvin**3
        - 8.621949e11 / kelvin**4
    )


def nights_of(oxygen: Iterable[Value], temperature: Iterable[Value]) -> list[Night]:
    """The nights of which there are enough values, the oldest first."""
    least = _by_night(oxygen, min, _FEWEST_VALUES)
    warmest = _by_night(temperature, max, 1)
    return [Night(day, value, warmest.get(day)) for day, value in sorted(least.items())]


def _by_night(
    values: Iterable[Value], pick: Callable[[Iterable[float]], float], fewest: int
) -> dict[date, float]:
    found: dict[date, list[float]] = defaultdict(list)
    for one in values:
        moment = local(one.time)
        if moment.hour >= _EVENING:
            found[moment.date() + timedelta(days=1)].append(one.value)
        elif moment.hour < _MORNING:
            found[moment.date()].append(one.value)
    return {day: pick(some) for day, some in found.items() if len(some) >= fewest}


def trend_of(nights: Sequence[Night]) -> float | None:
    """mg/l per night: the median slope between all pairs of nights, so that one thunderstorm
    does not turn it."""
    if len(nights) < _FEWEST_NIGHTS:
        return None
    slopes = [
        (after.oxygen - before.oxygen) / (after.day - before.day).days
        for before, after in combinations(nights, 2)
    ]
    return round(median(slopes), 3)


def lake_of(nights: Sequence[Night], today: date) -> Lake:
    """What the last night says, if it was the last one or the one before."""
    recent = [one for one in nights if (today - one.day).days < NIGHTS]
    if not recent or (today - recent[-1].day).days > 1:
        return Lake(LakeState.UNKNOWN, None, trend_of(recent), None, tuple(recent))
    night, trend = recent[-1], trend_of(recent)
    return Lake(_state(night, trend), night, trend, _days_left(night, trend), tuple(recent))


def _state(night: Night, trend: float | None) -> LakeState:
    warm = night.temperature is not None and night.temperature >= _WARM
    if night.oxygen < CRITICAL or (warm and night.oxygen < STRAINED):
        return LakeState.CRITICAL
    falling = trend is not None and trend <= _FALLING and warm
    return LakeState.STRAINED if night.oxygen < STRAINED or falling else LakeState.GOOD


def _days_left(night: Night, trend: float | None) -> int | None:
    if trend is None or trend >= 0 or night.oxygen < CRITICAL:
        return None
    return int((night.oxygen - CRITICAL) / -trend)
