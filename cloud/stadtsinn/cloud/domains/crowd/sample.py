"""The occupancy of a zone at a moment, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.base.instant import Instant

MOST_PERSONS = 1_000_000
"""In a zone, as far as somebody enters it."""


@dataclass(frozen=True)
class ZoneSample:
    """Persons inside a zone: best estimate and the interval that holds the truth.

    `low` <= `occupancy` <= `high`, all >= 0. `degraded` means that a gate is silent, so the
    number may be wrong rather than old. `position` orders samples as they were computed;
    a sample about the past (a late uplink) has a newer position and an older event time.
    `permitted` is what the permit allowed when the sample was computed, `judged` what rules judge
    where that is not `high`.
    """

    position: int
    tenant_id: str
    zone_id: int
    event_time: Instant
    occupancy: int
    low: int
    high: int
    degraded: bool
    permitted: int | None = None
    judged: int | None = None

    @property
    def to_judge(self) -> int:
        """What rules judge: the upper bound, but what an outage alone added to it."""
        return self.high if self.judged is None else self.judged
