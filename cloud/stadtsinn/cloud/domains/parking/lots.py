"""How full a lot is: by its single spaces, or by what drives in and out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import floor

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.parking.spaces import Doubt, SpaceState

_TOO_MANY_UNKNOWN = 0.2
"""With a greater share of unknown spaces no number is worth much."""
_DRIFT = 0.1
"""Cars left over at night, as a share of the capacity: counters miss too many."""


class LotState(StrEnum):
    OPEN = "open"
    NODATA = "nodata"


@dataclass(frozen=True, slots=True)
class Occupancy:
    """A lot in numbers; `free + occupied + unknown` is its capacity.

    `free_estimate` takes the unknown spaces to be as full as the others: rounded down, so that
    nobody is sent to a space that is not there. None where too much is unknown.
    """

    capacity: int
    free: int
    occupied: int
    unknown: int
    free_estimate: int | None
    state: LotState
    doubt: Doubt | None = None


def lot_of(states: Iterable[SpaceState]) -> Occupancy:
    """A lot whose spaces have a sensor each."""
    found = list(states)
    occupied = found.count(SpaceState.OCCUPIED)
    free = found.count(SpaceState.FREE)
    return _occupancy(len(found), free, occupied)


def _occupancy(capacity: int, free: int, occupied: int) -> Occupancy:
    unknown, known = capacity - free - occupied, free + occupied
    if not known or unknown > _TOO_MANY_UNKNOWN * capacity:
        return Occupancy(capacity, free, occupied, unknown, None, LotState.NODATA)
    # In whole numbers: 0.2 · 15 has to be 3.
    estimate = floor((free * (known + unknown)) / known)
    return Occupancy(capacity, free, occupied, unknown, estimate, LotState.OPEN)


@dataclass(frozen=True, slots=True)
class Passage:
    """So many vehicles drove in or out by `time`."""

    time: Instant
    entered: float = 0.0
    left: float = 0.0


@dataclass(frozen=True, slots=True)
class Counted:
    """A counted lot: how many stand there, and how many were left over at the last emptying."""

    occupied: float
    left_over: float | None


def count(
    passages: Sequence[Passage], capacity: int, emptied_at: Sequence[Instant], staying: int
) -> Counted:
    """In minus out. At each moment of `emptied_at` only those stand there that stay for good.

    What lies below nothing or above the capacity was counted wrongly: the count goes on from
    there, so that the fault is gone once and does not come back.
    """
    occupied, left_over = float(staying), None
    empties = sorted(emptied_at)
    for one in sorted(passages, key=lambda passage: passage.time):
        while empties and empties[0] <= one.time:
            left_over = occupied - staying
            occupied = float(staying)
            empties.pop(0)
        occupied = min(max(occupied + one.entered - one.left, 0.0), float(capacity))
    for _ in empties:
        left_over = occupied - staying
        occupied = float(staying)
    return Counted(occupied, left_over)


def counted_lot(counted: Counted, capacity: int, *, silent: bool) -> Occupancy:
    """The same as a lot: all of it unknown while a counter is silent, or counts what cannot be."""
    doubt = _doubt(counted, capacity, silent=silent)
    if doubt is not None:
        return Occupancy(capacity, 0, 0, capacity, None, LotState.NODATA, doubt)
    occupied = round(counted.occupied)
    free = capacity - occupied
    return Occupancy(capacity, free, occupied, 0, free, LotState.OPEN)


def _doubt(counted: Counted, capacity: int, *, silent: bool) -> Doubt | None:
    if not capacity:
        return Doubt.NO_CAPACITY
    if silent:
        return Doubt.SILENT
    left_over = counted.left_over
    return Doubt.COUNTER if left_over is not None and abs(left_over) > _DRIFT * capacity else None
