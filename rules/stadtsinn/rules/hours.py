"""The times in which a rule may fire: when one is over, and what ends with it.

What began in one ends with it, with a reason of its own: nothing is known to be well again, so it
is no all-clear. What still is so when the next one begins is an alarm of its own.
"""

from __future__ import annotations

from stadtsinn.base.active import NEVER_ENDS
from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import Instant
from stadtsinn.rules.incident import close
from stadtsinn.rules.state import CloseReason, Phase, RuleState, Step
from stadtsinn.rules.terms import Terms


def shuts_at(rule: Terms, state: RuleState) -> Instant | None:
    """When the time is over in which it began; None: nothing began, or no time ends it."""
    if rule.active is None or not state.begun:
        return None
    seen = Instant(max(state.last_event or 0, (state.opened_at or 0) if state.alarmed else 0))
    until = rule.active.until(seen)
    if until is None:
        return seen  # it began when it still might
    return None if until == NEVER_ENDS else until


def is_over(rule: Terms, at: Instant, now: Instant) -> bool:
    """Whether the time that held the moment has ended."""
    until = None if rule.active is None else rule.active.until(at)
    return until is not None and until <= now


def close_time(rule: Terms, state: RuleState, at: Instant) -> Step:
    """Row 22. What is silent has to fall silent anew in the next time."""
    stale = state.stale and not rule.kind.of_silence
    if not state.alarmed:
        given_up = replace(state, phase=Phase.OK, level=0, since=None, samples=0)
        return replace(given_up, stale=stale, shut_at=at), ()
    calm, effects = close(state, at, CloseReason.NOT_ACTIVE)
    return replace(calm, stale=stale, shut_at=at), effects
