"""How crowded a place is: classes by the share of the permitted number of persons."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """Classes of crowding, emptiest first."""

    QUIET = "quiet"
    BUSY = "busy"
    VERY_BUSY = "very_busy"
    FULL = "full"
    OVER = "over"
    """More persons than the permit allows."""


STEPS = ((0.95, Level.FULL), (0.80, Level.VERY_BUSY), (0.50, Level.BUSY))
"""The share of the permitted number from which each class holds; below all: quiet."""


def level_of(persons: int, permitted: int | None) -> Level | None:
    """The class of a number of persons; None where no permitted number is known."""
    if not permitted:
        return None
    if persons > permitted:
        return Level.OVER
    for share, level in STEPS:
        if persons >= share * permitted:
            return level
    return Level.QUIET
