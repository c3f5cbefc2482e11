"""The incidents of what happened to a rule at one station or zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stadtsinn.base.instant import Instant
from stadtsinn.rules.history.course import Happened
from stadtsinn.rules.state import Announced, Closed, CloseReason, Opened, Raised


@dataclass(frozen=True)
class Incident:
    """An alarm from its beginning to its end; `closed_at` is None where it goes on.

    `announcements` are its messages to people: one, and one of each further level.
    """

    opened_at: Instant
    opening_value: float | None
    level: int = 1
    announcements: int = 0
    flapping: bool = False
    closed_at: Instant | None = None
    reason: CloseReason | None = None
    closing_value: float | None = None


def incidents_of(happened: Iterable[Happened]) -> list[Incident]:
    """In the order in which they began."""
    found: list[Incident] = []
    for one in happened:
        effect = one.effect
        if isinstance(effect, Opened):
            found.append(Incident(effect.at, effect.value, effect.level))
        elif isinstance(effect, Raised):
            found[-1] = replace(found[-1], level=max(found[-1].level, effect.level))
        elif isinstance(effect, Announced):
            found[-1] = replace(
                found[-1],
                announcements=found[-1].announcements + 1,
                flapping=found[-1].flapping or effect.flapping,
            )
        elif isinstance(effect, Closed):
            found[-1] = replace(
                found[-1],
                closed_at=effect.at,
                reason=effect.reason,
                closing_value=effect.value,
            )
    return found
