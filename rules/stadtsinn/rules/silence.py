"""Missing data: since when there is none, what that leads to, and when it is told."""

from __future__ import annotations

from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.rules.incident import fire, is_current, raise_level
from stadtsinn.rules.state import Effect, FellSilent, Phase, RuleState, Step
from stadtsinn.rules.terms import NEVER, Terms

SILENCE_AGAIN = HOUR
"""So long after a message that data is missing there is no second one about the same incident."""


def stale_at(rule: Terms, state: RuleState) -> Instant | None:
    """Until when there may be no sample; None: nothing is expected that could be missing."""
    if rule.awaited_since == NEVER:
        return None
    since = [one for one in (state.last_event, rule.awaited_since) if one is not None]
    if not since:
        return None
    silent_at = Instant(max(since) + rule.stale_after)
    if rule.active is None or not rule.kind.of_silence:
        return silent_at
    # It may fire only then; what a time has ended, the next one begins anew.
    return rule.active.start_from(Instant(max(silent_at, state.shut_at)))


def resume(rule: Terms, state: RuleState, at: Instant) -> RuleState:
    """Rows 9, 12: a silence that the sample proves to have been a late delivery did not happen."""
    if not state.stale or _is_missing(rule, state, at):
        return state
    pending = state.phase is Phase.OK and state.since is not None
    return replace(state, stale=False, phase=Phase.PENDING if pending else state.phase)


def after_gap(rule: Terms, state: RuleState, at: Instant) -> RuleState:
    """Row 9, 12: data really was missing; what waited for it does not count the gap."""
    if state.phase is Phase.RECOVERING and state.since is not None:
        gap = at - (stale_at(rule, state) or at)
        return replace(state, since=Instant(state.since + gap))
    if state.phase in (Phase.OK, Phase.FIRING):
        return replace(state, since=None, samples=0)
    return state


def fall_silent(rule: Terms, state: RuleState, now: Instant, *, ended: bool = False) -> Step:
    """Rows 5 and 11. Silence never resolves anything. `ended`: a sample came meanwhile."""
    silent_at = stale_at(rule, state)
    if state.stale or silent_at is None:
        return state, ()
    effects: tuple[Effect, ...] = ()
    if rule.kind.of_silence and state.phase is Phase.OK:
        # However long ago it began: while it goes on, it is current.
        current = None if ended else silent_at > state.quiet_until
        state, effects = fire(rule, state, silent_at, now, current=current)
    elif rule.kind.of_silence and state.phase is Phase.RECOVERING:
        state = replace(state, phase=Phase.FIRING, since=None)
    elif rule.alert_on_stale and state.phase is Phase.PENDING:
        state, effects = fire(rule, state, silent_at, now)
        # The alarm is the message.
        state = replace(state, silence_told=state.opened_at)
    elif rule.alert_on_stale and state.phase is Phase.FIRING and state.since is not None:
        state, effects = raise_level(rule, state, silent_at, now)
    elif state.phase is Phase.PENDING:
        # `since` and `samples` stay, see `resume`.
        state = replace(state, phase=Phase.OK)
    return replace(state, stale=True), effects


def tell_silence(rule: Terms, state: RuleState, now: Instant) -> Step:
    """Rows 5 and 11: who was told of the alarm, or mends devices, hears that data is missing."""
    due, silent_at = silence_due(rule, state), stale_at(rule, state)
    if due is None or due > now or silent_at is None:
        return state, ()
    assert state.last_event is not None  # only data that came can be missing
    told = replace(state, silence_told=due)
    is_past = silent_at <= state.quiet_until
    if is_past or not (state.alarmed or is_current(rule, state, due, now)):
        return told, ()
    return told, (FellSilent(state.opened_at if state.alarmed else None, state.last_event),)


def silence_due(rule: Terms, state: RuleState) -> Instant | None:
    """When a message is due that data is missing; None: none is.

    A link that flutters is told once in an hour. A silence that begins within the hour is told
    at its end if it is still there. A new incident begins anew.
    """
    silent_at, told = stale_at(rule, state), state.silence_told
    if not state.stale or state.last_event is None or silent_at is None or rule.kind.of_silence:
        return None
    if not (state.announced if state.alarmed else state.since is not None):
        return None
    if told is None or (state.alarmed and told < (state.opened_at or 0)):
        return silent_at
    return None if told > state.last_event else Instant(max(silent_at, told + SILENCE_AGAIN))


def _is_missing(rule: Terms, state: RuleState, at: Instant) -> bool:
    silent_at = stale_at(rule, state)
    return silent_at is not None and at > silent_at
