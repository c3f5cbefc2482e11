"""When a tree has to be watered, by its standing year: defaults that a group can change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

YOUNG_UNTIL = 5
"""The last standing year in which a tree is young."""
_PLANTING_SEASON = 10
"""Month from which on a tree is planted for the next year."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A tension or a share of the usable field capacity (% nFK) at which watering is due or urgent,
    and at which it ends; never both in one: a depth has the one or the other.

    `urgent_kpa` is None where dryness alone makes nothing urgent.
    """

    depth_cm: float
    due_kpa: float
    urgent_kpa: float | None
    due_nfk: float
    urgent_nfk: float
    clear_kpa: float = 20.0
    clear_nfk: float = 70.0


YOUNG = Thresholds(30, due_kpa=33, urgent_kpa=80, due_nfk=50, urgent_nfk=30)
OLDER = Thresholds(60, due_kpa=80, urgent_kpa=None, due_nfk=30, urgent_nfk=10)


def thresholds_for(standing_year: int) -> Thresholds:
    """The defaults for a tree in this standing year."""
    return YOUNG if standing_year <= YOUNG_UNTIL else OLDER


def standing_year(planted: int, today: date, planted_month: int | None = None) -> int:
    """The how-manieth summer a tree stands at its place: 1 in the year of its planting.

    Who was planted from October on begins the year after. Where the month is not known, the
    year counts.
    """
    late = planted_month is not None and planted_month >= _PLANTING_SEASON
    return max(today.year - planted + (0 if late else 1), 1)
