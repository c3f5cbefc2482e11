"""How an incident begins, reaches a further level and ends."""

from __future__ import annotations

from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.rules.kind import FIRST_LEVEL
from stadtsinn.rules.state import (
    Announced,
    Closed,
    CloseReason,
    Effect,
    Opened,
    Phase,
    Raised,
    RuleState,
    Step,
)
from stadtsinn.rules.terms import Terms

FLAPPING = 3
"""So many openings within `FLAPPING_WITHIN` are flapping."""
FLAPPING_WITHIN = HOUR
"""Flapping ends when nothing has changed for so long."""


def is_current(rule: Terms, state: RuleState, at: Instant, now: Instant) -> bool:
    """What happened at `at` is still worth a message."""
    return now - at <= rule.max_age and at > state.quiet_until


def fire(
    rule: Terms, state: RuleState, at: Instant, now: Instant, *, current: bool | None = None
) -> Step:
    """`current` says whether it is worth a message where its age does not."""
    last = state.last
    current = is_current(rule, state, at, now) if current is None else current
    level = max(state.level, FIRST_LEVEL)
    if state.opened_at is not None:
        # The value of one moment may be corrected more than once: incidents stay apart.
        at = Instant(max(at, state.opened_at + 1))
    recent = tuple(one for one in state.openings if at - one < FLAPPING_WITHIN)
    flapping = len(recent) + 1 >= FLAPPING
    fired = replace(
        state,
        phase=Phase.FIRING,
        level=level,
        since=None,
        samples=0,
        opened_at=at,
        announced=current,
        openings=(*recent, at)[1 - FLAPPING :],
        flapping=flapping,
    )
    value, measured_at = (last.value, last.at) if last else (None, None)
    opened = Opened(at, value, not current, level)
    announced = Announced(at, at, value, measured_at, level, flapping)
    return fired, (opened, announced) if current else (opened,)


def raise_level(rule: Terms, state: RuleState, at: Instant, now: Instant) -> Step:
    """Row 13. A level that is found out late is announced once a current sample is at it."""
    assert state.last is not None  # only a sample reaches a level
    assert state.opened_at is not None
    current, level = is_current(rule, state, at, now), state.level + 1
    raised = replace(state, level=level, since=None, samples=0, announced=current)
    announced = Announced(state.opened_at, at, state.last.value, state.last.at, level)
    effects: tuple[Effect, ...] = (Raised(state.opened_at, at, level),)
    return raised, (*effects, announced) if current else effects


def close(state: RuleState, at: Instant, reason: CloseReason = CloseReason.RECOVERED) -> Step:
    opened_at = state.opened_at if state.opened_at is not None else at
    at = Instant(max(at, opened_at))
    closed = Closed(opened_at, at, state.last_value, reason, silent=at <= state.quiet_until)
    calm = RuleState(
        stale=state.stale,
        last_event=state.last_event,
        last_value=state.last_value,
        notes=state.notes,
        opened_at=opened_at,
        openings=state.openings,
        silence_told=state.silence_told,
        shut_at=state.shut_at,
        quiet_until=state.quiet_until,
    )
    return calm, (closed,)
