"""Whether a group of trees is due: the verdict of a day, from its station's depths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.trees.depths import (
    DepthState,
    DepthValues,
    Finding,
    is_clear,
    is_due,
    is_urgent,
    state_of,
)
from stadtsinn.cloud.domains.trees.soil import Soil
from stadtsinn.cloud.domains.trees.thresholds import Thresholds

WATERING_MONTHS = range(4, 11)
"""April to October. In winter trees want little, and frost looks like drought."""


class Level(StrEnum):
    """How a group is. Its order is in `URGENCY`."""

    URGENT = "urgent"
    DUE = "due"
    GOOD = "good"
    UNKNOWN = "unknown"
    """There is nothing to say it by."""
    RESTING = "resting"
    """Outside of the watering months."""


URGENCY = (Level.URGENT, Level.DUE, Level.UNKNOWN, Level.GOOD, Level.RESTING)
_DRY = frozenset({Level.DUE, Level.URGENT})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A group at a moment. `decided_by` is the depth that made it so; `depths` are all of them,
    from the top. `kept`: new values are missing or cannot be believed, so the level is the one
    before."""

    level: Level
    decided_by: DepthState | None
    depths: tuple[DepthState, ...]
    kept: bool = False

    @property
    def findings(self) -> tuple[DepthState, ...]:
        """The depths of which there is something to say."""
        return tuple(one for one in self.depths if one.finding is not None)

    @property
    def is_dry(self) -> bool:
        return self.level in _DRY


def judge(
    depths: Sequence[DepthValues],
    soil: Soil,
    thresholds: Thresholds,
    before: Level,
    now: Instant,
    today: date,
) -> Verdict:
    """The verdict of a day. `before` is the level of the last one: what is due stays due until the
    soil is clearly wet again, and silence ends nothing.

    The depth nearest to that of the thresholds decides, of two the upper one.
    """
    states = tuple(
        state_of(one, soil, thresholds, now) for one in sorted(depths, key=lambda one: one.depth_cm)
    )
    decides = min(states, key=lambda one: abs(one.depth_cm - thresholds.depth_cm), default=None)
    if today.month not in WATERING_MONTHS:
        return Verdict(Level.RESTING, decides, states)
    if decides is None:
        return Verdict(_kept(before), None, (), kept=before in _DRY)
    if decides.finding is Finding.WATERLOGGED:
        return Verdict(Level.GOOD, decides, states)
    if decides.finding is not None or decides.value is None:
        return Verdict(_kept(before), decides, states, kept=before in _DRY)
    return Verdict(_level(decides, decides.value, thresholds, before), decides, states)


def _kept(before: Level) -> Level:
    return before if before in _DRY else Level.UNKNOWN


def _level(depth: DepthState, value: float, thresholds: Thresholds, before: Level) -> Level:
    if is_urgent(value, depth.scale, thresholds):
        return Level.URGENT
    if is_due(value, depth.scale, thresholds):
        return Level.DUE
    still = before in _DRY and not is_clear(value, depth.scale, thresholds)
    return Level.DUE if still else Level.GOOD
