"""The in/out ratio that days teach which began and ended with an empty zone.

On such a day as many left as came. Where the counters say otherwise, they see one direction worse
than the other, day after day: who leaves is weighed by the ratio of the last days, so that the
number does not drift. It is a correction of what is to come only, and a small one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stadtsinn.base.instant import Instant

LEARNED_FROM = 14
"""The newest days that are learned from."""
DAYS_AT_LEAST = 3
PERSONS_AT_LEAST = 200
"""A day with fewer says nothing about the counters."""
BELIEVED = (0.8, 1.25)
"""A day outside is a broken or swapped counter, not a drift: it is not learned from."""
BOUNDS = (0.9, 1.1)


@dataclass(frozen=True)
class ClosedDay:
    """How many came and left between two moments at which the zone was empty."""

    since: Instant
    until: Instant
    came: int
    left: int

    @property
    def is_usable(self) -> bool:
        if min(self.came, self.left) < PERSONS_AT_LEAST:
            return False
        return BELIEVED[0] <= self.came / self.left <= BELIEVED[1]


@dataclass(frozen=True)
class Learned:
    """What who leaves is multiplied by, and how many days say so; 1 where too few do."""

    ratio: float
    days: int

    @property
    def is_at_bound(self) -> bool:
        """The days say more than is corrected: the counters want looking at."""
        return self.ratio in BOUNDS


def learned(days: Sequence[ClosedDay]) -> Learned:
    """The ratio by the newest usable ones of these days, the newest last."""
    usable = [day for day in days if day.is_usable][-LEARNED_FROM:]
    if len(usable) < DAYS_AT_LEAST:
        return Learned(1.0, len(usable))
    ratio = sum(day.came for day in usable) / sum(day.left for day in usable)
    return Learned(min(max(ratio, BOUNDS[0]), BOUNDS[1]), len(usable))
