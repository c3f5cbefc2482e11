"""What the values of one depth say: dry or not, since when, and whether they can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from stadtsinn.base.instant import DAY, HOUR, Instant
from stadtsinn.cloud.domains.trees.soil import Soil
from stadtsinn.cloud.domains.trees.thresholds import Thresholds
from stadtsinn.cloud.domains.trees.watermark import is_fault_code

LOOKED_BACK = 14 * DAY
"""So far values are asked for."""
_FEWEST = 2
"""Values of a day; one alone may be an outlier."""
_FROST_BELOW = 1.0
"""°C: ice looks like dry soil."""
_NO_CONTACT = 3.0
"""Vol.-%: what a sensor in the air measures."""
_FALL = 5.0
"""Vol.-% in one step, which no soil loses between two readings."""
_WATERLOGGED_OVER = 15.0
"""Vol.-% above field capacity."""
_WATERLOGGED_FOR = 3 * DAY
_TREND_KPA, _TREND_NFK = 2.0, 3.0
"""A smaller change of two days' medians is none."""


class Value(NamedTuple):
    """A good value of a series."""

    time: Instant
    value: float


class Scale(StrEnum):
    """In what a depth is judged."""

    KPA = "kPa"
    NFK = "% nFK"


class Trend(StrEnum):
    DRYING = "drying"
    WETTING = "wetting"
    STEADY = "steady"


class Finding(StrEnum):
    """Why the values of a depth cannot be followed, or not to water."""

    NO_DATA = "no_data"
    FROST = "frost"
    LOST_CONTACT = "lost_contact"
    WATERLOGGED = "waterlogged"


@dataclass(frozen=True, slots=True)
class DepthValues:
    """The good values of one depth, oldest first: a tension, or a water content, or both."""

    depth_cm: float
    tension: Sequence[Value] = ()
    moisture: Sequence[Value] = ()
    temperature: Sequence[Value] = ()


@dataclass(frozen=True, slots=True)
class DepthState:
    """A depth at a moment. `value` is the median of the last 24 hours, None without one.

    `dry_days`: for so many days before it was beyond the threshold as well.
    """

    depth_cm: float
    scale: Scale
    value: float | None
    trend: Trend = Trend.STEADY
    dry_days: int = 0
    finding: Finding | None = None
    nfk: float | None = None
    """% nFK also where the tension is judged, if a water content is measured beside it."""


def median_of_day(values: Sequence[Value], until: Instant) -> float | None:
    """The median of the 24 hours before a moment; None with fewer than two values."""
    found = [one.value for one in values if until - DAY < one.time <= until]
    return median(found) if len(found) >= _FEWEST else None


def state_of(depth: DepthValues, soil: Soil, thresholds: Thresholds, now: Instant) -> DepthState:
    """How a depth is. A tension is judged before a water content: it is what a root feels."""
    tension = [one for one in depth.tension if not is_fault_code(one.value)]
    usable = [one._replace(value=soil.usable(one.value)) for one in depth.moisture]
    judged_by_tension = bool(depth.tension)
    scale = Scale.KPA if judged_by_tension else Scale.NFK
    values = tension if judged_by_tension else usable
    found = DepthState(depth.depth_cm, scale, median_of_day(values, now))
    if judged_by_tension:
        found = replace(found, nfk=median_of_day(usable, now))
    finding = _finding(depth, len(tension), soil, found.value, now)
    if found.value is None:
        return replace(found, finding=finding)
    return replace(
        found,
        finding=finding,
        trend=_trend(values, scale, now),
        dry_days=_dry_days(values, scale, thresholds, now),
    )


def _finding(
    depth: DepthValues, tensions: int, soil: Soil, value: float | None, now: Instant
) -> Finding | None:
    recent = [one for one in depth.temperature if now - DAY < one.time <= now]
    if recent and min(one.value for one in recent) < _FROST_BELOW:
        return Finding.FROST
    if lost_contact(depth.moisture, now) or (depth.tension and not tensions):
        return Finding.LOST_CONTACT
    if value is None:
        return Finding.NO_DATA
    return Finding.WATERLOGGED if waterlogged(depth.moisture, soil, now) else None


def lost_contact(moisture: Sequence[Value], now: Instant) -> bool:
    """Whether the water content fell to that of air in one step and stayed there."""
    seen = [one for one in moisture if one.time <= now]
    fallen = len(seen)
    while fallen and seen[fallen - 1].value <= _NO_CONTACT:
        fallen -= 1
    if fallen in (0, len(seen)):
        return False
    return seen[fallen - 1].value - seen[fallen].value >= _FALL


def waterlogged(moisture: Sequence[Value], soil: Soil, now: Instant) -> bool:
    """Whether the soil has held more water than it can for three days: wet, or a fault."""
    recent = [one for one in moisture if now - _WATERLOGGED_FOR - DAY < one.time <= now]
    over = soil.field_capacity + _WATERLOGGED_OVER
    wet_since = None
    for one in reversed(recent):
        if one.value <= over:
            break
        wet_since = one.time
    return wet_since is not None and recent[-1].time - wet_since >= _WATERLOGGED_FOR


def _trend(values: Sequence[Value], scale: Scale, now: Instant) -> Trend:
    newest = median_of_day(values, now)
    before = median_of_day(values, Instant(now - DAY))
    if newest is None or before is None:
        return Trend.STEADY
    drier = newest - before if scale is Scale.KPA else before - newest
    least = _TREND_KPA if scale is Scale.KPA else _TREND_NFK
    if abs(drier) < least:
        return Trend.STEADY
    return Trend.DRYING if drier > 0 else Trend.WETTING


def is_due(value: float, scale: Scale, thresholds: Thresholds) -> bool:
    if scale is Scale.KPA:
        return value >= thresholds.due_kpa
    return value <= thresholds.due_nfk


def is_urgent(value: float, scale: Scale, thresholds: Thresholds) -> bool:
    if scale is Scale.KPA:
        return thresholds.urgent_kpa is not None and value >= thresholds.urgent_kpa
    return value <= thresholds.urgent_nfk


def is_clear(value: float, scale: Scale, thresholds: Thresholds) -> bool:
    """Whether it is wet enough for watering to end."""
    if scale is Scale.KPA:
        return value <= thresholds.clear_kpa
    return value >= thresholds.clear_nfk


def _dry_days(values: Sequence[Value], scale: Scale, thresholds: Thresholds, now: Instant) -> int:
    """Whole days, as far back as there are values."""
    days = 0
    for back in range(LOOKED_BACK // DAY):
        found = median_of_day(values, Instant(now - back * DAY))
        if found is None or not is_due(found, scale, thresholds):
            break
        days += 1
    return days


def rise(values: Sequence[Value], at: Instant, *, within: int = DAY) -> tuple[float, float] | None:
    """What a depth had before a moment and the most that it reached within a time after it.

    Before: the median of the six hours before, or the last value of the day before. None where
    either is missing.
    """
    before = [one.value for one in values if at - 6 * HOUR <= one.time <= at]
    if not before:
        before = [one.value for one in values if at - DAY <= one.time <= at][-1:]
    after = [one.value for one in values if at < one.time <= at + within]
    if not before or not after:
        return None
    return median(before), max(after)
