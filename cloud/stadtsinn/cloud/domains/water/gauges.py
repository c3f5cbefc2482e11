"""What a gauge says: its level, how fast it rises, and whether it can be believed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from statistics import median

from stadtsinn.base.instant import HOUR, MINUTE, Instant

RISE_OVER = 30 * MINUTE
_FEWEST = 3
"""Readings for a rate: two have as many errors as rates."""
_MOST = 60
"""Readings of the half hour that are looked at: each is compared with each."""
JUMP = 0.5
"""Metres in one reading, which the next one has to confirm: foam, a spike, a swan."""
AGREES = 0.05
"""Metres: two sensors of one gauge say the same."""
_BESIDE = HOUR


class LevelDoubt(StrEnum):
    """Why a level is not to be believed yet."""

    JUMP = "jump"
    """It jumped, and no second reading says so."""
    DISAGREES = "disagrees"
    """The second sensor says something else."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Metres above gauge zero."""

    time: Instant
    level: float


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge at its newest believable reading.

    `rise` is metres per hour, None with too few readings. `confirmed`: the second sensor says the
    same; None: there is none, or it is silent.
    """

    reading: Reading
    rise: float | None
    second: Reading | None
    confirmed: bool | None
    doubt: LevelDoubt | None


def believable(readings: Sequence[Reading]) -> list[Reading]:
    """Without spikes: a reading far from the one before, from which the next one comes far back.
    Water that goes on rising is no spike; and the newest one stays, nothing speaks against it."""
    found: list[Reading] = []
    for place, one in enumerate(readings):
        after = readings[place + 1] if place + 1 < len(readings) else None
        if found and after is not None and _is_spike(found[-1], one, after):
            continue
        found.append(one)
    return found


def _is_spike(before: Reading, one: Reading, after: Reading) -> bool:
    there, back = one.level - before.level, one.level - after.level
    return there * back > 0 and min(abs(there), abs(back)) > JUMP


def _jumped(before: Reading, after: Reading) -> bool:
    return abs(after.level - before.level) > JUMP


def rise_per_hour(readings: Sequence[Reading]) -> float | None:
    """The median of the slopes between all pairs of the last half hour: one false reading of three
    does not turn it."""
    if not readings:
        return None
    recent = [one for one in readings if one.time >= readings[-1].time - RISE_OVER]
    if len(recent) < _FEWEST:
        return None
    every = -(-len(recent) // _MOST)
    recent = recent[::-every][::-1]  # spread evenly, with the newest
    slopes = [
        (after.level - before.level) / (after.time - before.time) * HOUR
        for before, after in combinations(recent, 2)
        if after.time > before.time
    ]
    return round(median(slopes), 6) if slopes else None


def gauge_of(readings: Sequence[Reading], second: Sequence[Reading] = ()) -> Gauge | None:
    """The gauge by its readings in the order of time; None without any."""
    found = believable(readings)
    if not found:
        return None
    newest = found[-1]
    beside = next((one for one in reversed(second) if one.time <= newest.time + _BESIDE), None)
    if beside is not None and newest.time - beside.time > _BESIDE:
        beside = None
    confirmed = None if beside is None else abs(beside.level - newest.level) <= AGREES
    doubt = LevelDoubt.DISAGREES if confirmed is False else None
    if not confirmed and len(found) > 1 and _jumped(found[-2], newest):
        doubt = LevelDoubt.JUMP
    return Gauge(newest, rise_per_hour(found), beside, confirmed, doubt)
