"""What a rule is: a subject, two thresholds and how patient it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.town_file.model import Direction

ALWAYS = Instant(0)

ALARM_LEVEL = 1
"""The level of a rule's one threshold pair; messages and incidents carry it."""


@dataclass(frozen=True)
class DeviceSubject:
    """A rule watches one quantity of one device."""

    dev_eui: str
    quantity: str
    channel: str = ""


@dataclass(frozen=True)
class ZoneSubject:
    """A rule watches the occupancy of a zone: always the upper bound of its interval."""

    zone_id: int


@dataclass(frozen=True)
class Thresholds:
    """All that the state machine needs to know of a rule. Durations in microseconds.

    It fires when a value reaches `on` for at least `hold`, seen in at least `min_samples`
    samples, and recovers when the value stays at or beyond `off` for `keep_firing`. Without
    samples for `stale_after` the subject is stale. Alarms older than `max_age` when they are
    found out are history: nobody is sent a message about the past.
    """

    on: float
    off: float
    direction: Direction = Direction.ABOVE
    hold: int = 0
    min_samples: int = 1
    keep_firing: int = 0
    stale_after: int = 180_000_000
    max_age: int = 900_000_000
    alert_on_stale: bool = False
    patience: int = 0
    """How long a tick waits for a sample that may be under way before it ends a timer."""
    valid_from: Instant = ALWAYS
    """Samples from before the rule's last edit are not judged by it."""

    def reached(self, value: float) -> bool:
        """`value` is at `on` or worse."""
        return value >= self.on if self.direction is Direction.ABOVE else value <= self.on

    def recovered(self, value: float) -> bool:
        """`value` is at `off` or better."""
        return value <= self.off if self.direction is Direction.ABOVE else value >= self.off


def check_thresholds(on: float, off: float, direction: Direction) -> None:
    """Raise ValueError unless `off` lies on the harmless side of `on`."""
    if not (math.isfinite(on) and math.isfinite(off)):
        raise ValueError("'on' and 'off' have to be finite numbers")
    apart = off < on if direction is Direction.ABOVE else off > on
    if not apart:
        side = "below" if direction is Direction.ABOVE else "above"
        raise ValueError(
            f"'off' ({off:g}) has to lie {side} 'on' ({on:g}): "
            "between the two an alarm stays as it is, so that it does not flicker"
        )
