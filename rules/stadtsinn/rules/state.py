"""Where a rule stands, and what a step of the state machine leads to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from stadtsinn.base.instant import Instant
from stadtsinn.rules.kind import FIRST_LEVEL, Notes, Sample
from stadtsinn.rules.terms import ALWAYS


class Phase(StrEnum):
    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


class CloseReason(StrEnum):
    """Why an incident ended."""

    RECOVERED = "recovered"
    RULE_CHANGED = "rule_changed"
    RULE_DISABLED = "rule_disabled"
    RULE_DELETED = "rule_deleted"
    STATION_LEFT = "station_left"
    """The station belongs to the rule's group no more."""
    STATION_DELETED = "station_deleted"
    ZONE_CHANGED = "zone_changed"
    """The zone counts with other gates."""
    GROUP_CHANGED = "group_changed"
    """The group that is judged together has other stations."""
    PERMIT_REMOVED = "permit_removed"
    ZONE_CLOSED = "zone_closed"
    """What took place in the zone has ended."""
    NOT_MEASURED = "not_measured"
    """No device is deployed where the values came from."""
    NOT_ACTIVE = "not_active"
    """The time is over in which the rule may fire."""


@dataclass(frozen=True)
class RuleState:
    """The state of a rule. Instants are event times.

    `since` is when the pending or recovering phase began; in phase OK with `stale` it is what a
    pending phase leaves behind, in case the silence turns out to have been a late delivery; in
    phase FIRING since when a further level has been reached. `samples` counts those that reached
    it since then. `notes` are the kind's own. `opened_at` is when the latest incident began, also
    after its end. `announced` says that a message about the open incident, at its level, was
    written. `openings` are the latest of them, as far as `flapping` is looked for; an incident that
    flaps says so once and lasts until nothing has changed for an hour. `silence_told` is when a
    message last said that data is missing.
    """

    phase: Phase = Phase.OK
    level: int = 0
    since: Instant | None = None
    samples: int = 0
    stale: bool = False
    last_event: Instant | None = None
    last_value: float | None = None
    notes: Notes = field(default_factory=dict)
    opened_at: Instant | None = None
    announced: bool = False
    openings: tuple[Instant, ...] = ()
    flapping: bool = False
    silence_told: Instant | None = None
    shut_at: Instant = ALWAYS
    """When the time was last over in which the rule may fire while something had begun: what comes
    later of the time before is history."""
    quiet_until: Instant = ALWAYS
    """Messages about what happened up to here were written before the history was rebuilt."""

    @property
    def alarmed(self) -> bool:
        return self.phase in (Phase.FIRING, Phase.RECOVERING)

    @property
    def begun(self) -> bool:
        """Whether an alarm is open, or has to hold before it is one."""
        return self.phase is not Phase.OK

    @property
    def judged_until(self) -> int:
        """Up to when anything was ever judged, also before the history is judged again."""
        return max(self.last_event or 0, self.opened_at or 0, self.quiet_until)

    @property
    def judged_again(self) -> bool:
        """Whether the history is being judged again, and is not yet where it was."""
        return (self.last_event or 0) < self.quiet_until

    @property
    def last(self) -> Sample | None:
        """The newest sample, with the value that was judged."""
        if self.last_event is None or self.last_value is None:
            return None
        return Sample(self.last_event, self.last_value)


@dataclass(frozen=True)
class Opened:
    """An incident begins. A `late` one is recorded, without a message unless it goes on. There is
    no `value` where none ever came."""

    at: Instant
    value: float | None
    late: bool
    level: int = FIRST_LEVEL


@dataclass(frozen=True)
class Raised:
    """The open incident has reached a further level."""

    opened_at: Instant
    at: Instant
    level: int


@dataclass(frozen=True)
class Announced:
    """The open incident is worth a message now. `value` was measured at `measured_at`; None: none
    ever came."""

    opened_at: Instant
    at: Instant
    value: float | None
    measured_at: Instant | None
    level: int = FIRST_LEVEL
    flapping: bool = False


@dataclass(frozen=True)
class Closed:
    """The incident that began at `opened_at` is over."""

    opened_at: Instant
    at: Instant
    value: float | None
    reason: CloseReason
    silent: bool = False
    """Its message was written before the history was rebuilt: no second one."""


@dataclass(frozen=True)
class FellSilent:
    """Data is missing since `last_event`. `opened_at` is None while no alarm is open (row 5: for
    technicians)."""

    opened_at: Instant | None
    last_event: Instant


Effect = Opened | Raised | Announced | Closed | FellSilent
Step = tuple[RuleState, tuple[Effect, ...]]
