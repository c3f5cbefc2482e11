"""By what the state machine judges: a rule's kind and how patient the rule is."""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.base.active import Active
from stadtsinn.base.instant import Instant
from stadtsinn.rules.kind import RuleKind

ALWAYS = Instant(0)
NEVER = Instant(2**62)


@dataclass(frozen=True)
class Terms:
    """All that the state machine needs to know of a rule. Durations in microseconds.

    A rule fires when its kind finds it reached for at least `hold`, seen in at least
    `min_samples` samples, and recovers when the kind finds it recovered for `keep_firing`.
    Without samples for `stale_after` its data is missing. Alarms older than `max_age` when they
    are found out are history: nobody is sent a message about the past.
    """

    kind: RuleKind
    hold: int = 0
    min_samples: int = 1
    keep_firing: int = 0
    stale_after: int = 180_000_000
    max_age: int = 900_000_000
    alert_on_stale: bool = False
    patience: int = 0
    """How long a tick waits for a sample that may be under way before it ends a timer."""
    awaited_since: Instant | None = None
    """From when on a first sample is expected; None: not before one came. `NEVER`: none is expected
    at all, now that nothing measures there."""
    valid_from: Instant = ALWAYS
    """Samples from before the rule's last edit are not judged by it."""
    active: Active | None = None
    """When it may fire; None: always."""

    def is_shut(self, at: Instant) -> bool:
        """Whether it may not fire at this time."""
        return self.active is not None and self.active.until(at) is None
