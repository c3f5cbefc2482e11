"""Whether the soil answered a watering, and how many litres raise which depth by how much. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.trees.depths import DepthValues, Scale, Value, rise
from stadtsinn.cloud.domains.trees.watering_repository import Watering

_MOISTURE_ANSWER = 1.0
"""Vol.-%: a smaller rise may be chance."""
_TENSION_ANSWER_KPA, _TENSION_ANSWER_SHARE = 3.0, 0.1
RAIN_BESIDE_MM = 5.0
"""With more rain on the same day nobody can say what the litres did."""


class Outcome(StrEnum):
    """What became of a watering."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    """The water does not arrive, or the sensor has no contact."""
    WAITING = "waiting"
    """A day has not passed yet."""
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True)
class DepthAnswer:
    """A depth before a watering and at its wettest in the day after it. `rise` is how much wetter:
    in Vol.-%, or in kPa that the tension fell."""

    depth_cm: float
    scale: str
    before: float
    after: float
    rise: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the soil at the station said to a watering of the tree that stands there."""

    watering: Watering
    outcome: Outcome
    depths: tuple[DepthAnswer, ...]
    rain_mm: float | None = None

    @property
    def calibrates(self) -> bool:
        """Whether it can be said what its litres did."""
        dry = self.rain_mm is None or self.rain_mm < RAIN_BESIDE_MM
        return self.outcome is Outcome.ANSWERED and dry


@dataclass(frozen=True, slots=True)
class Calibration:
    """By how much 100 litres raise a depth: the median of `waterings` of them."""

    depth_cm: float
    scale: str
    rise_per_100_l: float
    waterings: int


def answer_of(
    watering: Watering, depths: Sequence[DepthValues], now: Instant, rain_mm: float | None = None
) -> Answer:
    """The uppermost depth that was measured decides: water comes from above."""
    found = tuple(_measured(depths, watering.watered_at))
    if now < watering.watered_at + DAY:
        early = bool(found) and _answered(found[0])
        outcome = Outcome.ANSWERED if early else Outcome.WAITING
    elif not found:
        outcome = Outcome.NOT_MEASURED
    else:
        outcome = Outcome.ANSWERED if _answered(found[0]) else Outcome.NO_ANSWER
    return Answer(watering, outcome, found, rain_mm)


def _measured(depths: Sequence[DepthValues], at: Instant) -> Iterable[DepthAnswer]:
    """Of each depth what decides about it too: its tension, else its water content."""
    for depth in sorted(depths, key=lambda one: one.depth_cm):
        if depth.tension:
            falling = [Value(one.time, -one.value) for one in depth.tension]
            if (found := rise(falling, at)) is not None:
                before, after = -found[0], -found[1]
                yield DepthAnswer(depth.depth_cm, Scale.KPA.value, before, after, before - after)
        elif (found := rise(depth.moisture, at)) is not None:
            yield DepthAnswer(depth.depth_cm, "Vol.-%", *found, found[1] - found[0])


def _answered(depth: DepthAnswer) -> bool:
    if depth.scale == Scale.KPA.value:
        least = max(_TENSION_ANSWER_KPA, _TENSION_ANSWER_SHARE * depth.before)
        return depth.rise >= least
    return depth.rise >= _MOISTURE_ANSWER


def calibrate(answers: Iterable[Answer]) -> list[Calibration]:
    """For each depth and scale what 100 litres did, from the top."""
    found: dict[tuple[float, str], list[float]] = {}
    for one in answers:
        if not one.calibrates:
            continue
        for depth in one.depths:
            per_100 = depth.rise / one.watering.litres * 100
            found.setdefault((depth.depth_cm, depth.scale), []).append(per_100)
    return [
        Calibration(depth_cm, scale, round(median(rises), 2), len(rises))
        for (depth_cm, scale), rises in sorted(found.items())
    ]
