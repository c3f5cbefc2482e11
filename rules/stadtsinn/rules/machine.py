"""The state machine of a rule of any kind, over event time. Pure: no clock, no database.

One state per rule and subject. `sample`, `tick` and `edit` take a state and answer the next one
with the effects that belong to it; whoever calls stores both in one transaction. The rows of the
table in docs/decisions/0009-alert-state-machine.md are handled here; `_TABLE` at the end has those
that a sample decides.

====  =====================================  ==========================================
row   what happens                           where
====  =====================================  ==========================================
1     OK, reached, nothing to wait for       `_begin`
2     OK, reached, has to hold               `_begin`
3     PENDING, not reached any more          `_give_up`
4     PENDING, held long and often enough    `_wait` (sample), `_run_timer` (time)
5     PENDING becomes stale                  `_fall_silent`, `_tell_silence`
6     FIRING, between off and on             `_climb` (nothing happens)
7     FIRING, recovered                      `_ease`
8     RECOVERING, not recovered any more     `_relapse`
9     RECOVERING, waits; stops while stale   `_run_timer`, `_resume`, `_after_gap`
10    RECOVERING, held long enough           `_stay_calm` (sample), `_run_timer`
11    FIRING or RECOVERING becomes stale     `_fall_silent`, `_tell_silence`
12    stale, a sample comes                  `_resume`, `_after_gap`
13    FIRING, another level                  `_climb` (sample), `_run_timer` (time)
18    a third opening within an hour         `_fire`, `_keep_firing`
19    sample older than the newest judged    `sample` (history only)
20    rule edited, disabled or deleted       `edit`
21    old alarms after an outage             `_fire`, `_announce_if_current`
====  =====================================  ==========================================

Timers run in event time: before a sample is judged, everything that was due before its time
happens first, at the time it was due. So a backlog that arrives after an outage leads through
the same states at the same times as if each sample had come at once, whatever the ticks said in
between. A tick lets `patience` pass after the end of a timer: a sample of that very moment may be
under way, and it decides better than its absence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.rules.kind import FIRST_LEVEL, Past, Sample, Verdict
from stadtsinn.rules.state import (
    Announced,
    Closed,
    CloseReason,
    Effect,
    FellSilent,
    Opened,
    Phase,
    Raised,
    RuleState,
    Step,
)
from stadtsinn.rules.terms import Terms

SILENCE_AGAIN = HOUR
"""So long after a message that data is missing there is no second one about the same incident."""

FLAPPING = 3
"""So many openings within `FLAPPING_WITHIN` are flapping."""
FLAPPING_WITHIN = HOUR
"""Flapping ends when nothing has changed for so long."""


@dataclass(frozen=True)
class _Judged:
    """A sample and its verdict, judged at `now`."""

    at: Instant
    value: float
    verdict: Verdict
    level: int
    now: Instant
    again: bool
    """A corrected value of the moment before: no further sample."""

    @property
    def reached(self) -> bool:
        return self.verdict is Verdict.REACHED

    @property
    def recovered(self) -> bool:
        return self.verdict is Verdict.RECOVERED


def sample(
    rule: Terms,
    state: RuleState,
    at: Instant,
    value: float,
    now: Instant,
    permitted: float | None = None,
    source: str = "",
) -> Step:
    """Judge a value measured at `at`; `now` only decides whether a message is still current."""
    if at < rule.valid_from or (state.last_event is not None and at < state.last_event):
        return state, ()
    state = _resume(rule, state, at)
    state, due = _run_timer(rule, state, Instant(at - 1), now)
    if state.last_event is not None and at > state.last_event + rule.stale_after:
        # A sample came, so a message that samples are missing has no use.
        state, gap = _fall_silent(rule, state, now, ended=True)
        due += gap
        state = _after_gap(rule, state, at)
    again = at == state.last_event
    judgement = rule.kind.judge(Sample(at, value, permitted, source), Past(state.last, state.notes))
    value = value if judgement.value is None else judgement.value
    state = replace(state, stale=False, last_event=at, last_value=value, notes=judgement.notes)
    judged = _Judged(at, value, judgement.verdict, judgement.level, now, again)
    state, effects = _TABLE[state.phase, judged.verdict](rule, state, judged)
    return state, due + effects


def tick(rule: Terms, state: RuleState, now: Instant) -> Step:
    """Let time pass without a sample."""
    if state.last_event is None:
        return state, ()
    effects: tuple[Effect, ...] = ()
    if not state.stale:
        silent = now > _stale_at(rule, state)
        until = now if silent else Instant(now - rule.patience)
        state, effects = _run_timer(rule, state, until, now)
        if silent:
            state, fallen = _fall_silent(rule, state, now)
            effects += fallen
    state, told = _tell_silence(rule, state, now)
    return state, effects + told


def edit(state: RuleState, now: Instant, reason: CloseReason) -> Step:
    """The rule was changed: end what the old rule had begun, judge anew from the next sample."""
    fresh = RuleState(
        last_event=state.last_event,
        last_value=state.last_value,
        opened_at=state.opened_at,
        silence_told=state.silence_told,
        quiet_until=state.quiet_until,
    )
    if not state.alarmed or state.opened_at is None:
        return fresh, ()
    closed_at = Instant(max(now, state.opened_at))
    return fresh, (Closed(state.opened_at, closed_at, state.last_value, reason),)


def forget(state: RuleState) -> RuleState:
    """Before the history is judged again: remember only until when messages were written."""
    return RuleState(
        silence_told=state.silence_told,
        quiet_until=Instant(max(state.quiet_until, state.last_event or 0)),
    )


def next_due(rule: Terms, state: RuleState) -> Instant | None:
    """When `tick` has something to do next; None while only a sample can change anything."""
    if state.stale:
        return _silence_due(rule, state)
    if state.last_event is None:
        return None
    silent = _stale_at(rule, state) + 1
    timer = _deadline(rule, state)
    return Instant(silent if timer is None else min(timer + rule.patience, silent))


def _stale_at(rule: Terms, state: RuleState) -> int:
    return (state.last_event or 0) + rule.stale_after


def _deadline(rule: Terms, state: RuleState) -> int | None:
    """When the running timer ends, if one runs."""
    if state.stale or state.since is None:
        return None
    waits = state.phase in (Phase.PENDING, Phase.FIRING)
    if waits and state.samples >= rule.min_samples:
        return max(state.since + rule.hold, state.last_event or 0)
    if state.phase is Phase.RECOVERING:
        return state.since + _keep_firing(rule, state)
    return None


def _keep_firing(rule: Terms, state: RuleState) -> int:
    """Row 18: what flaps is over once it is calm for as long as flapping is looked for."""
    return max(rule.keep_firing, FLAPPING_WITHIN) if state.flapping else rule.keep_firing


def _run_timer(rule: Terms, state: RuleState, until: Instant, now: Instant) -> Step:
    """Rows 4, 9, 10: end the running timer if it ends by `until` and data was there that long."""
    deadline = _deadline(rule, state)
    if deadline is None or deadline > until or deadline > _stale_at(rule, state):
        return state, ()
    at = Instant(deadline)
    if state.phase is Phase.PENDING:
        return _fire(rule, state, at, now)
    if state.phase is Phase.FIRING:
        return _raise(rule, state, at, now)
    return _close(state, at)


def _resume(rule: Terms, state: RuleState, at: Instant) -> RuleState:
    """Rows 9, 12: a silence that the sample proves to have been a late delivery did not happen."""
    if not state.stale or at > _stale_at(rule, state):
        return state
    pending = state.phase is Phase.OK and state.since is not None
    return replace(state, stale=False, phase=Phase.PENDING if pending else state.phase)


def _after_gap(rule: Terms, state: RuleState, at: Instant) -> RuleState:
    """Row 9, 12: data really was missing; what waited for it does not count the gap."""
    if state.phase is Phase.RECOVERING and state.since is not None:
        gap = at - _stale_at(rule, state)
        return replace(state, since=Instant(state.since + gap))
    if state.phase in (Phase.OK, Phase.FIRING):
        return replace(state, since=None, samples=0)
    return state


def _fall_silent(rule: Terms, state: RuleState, now: Instant, *, ended: bool = False) -> Step:
    """Rows 5 and 11. Silence never resolves anything. `ended`: a sample came meanwhile."""
    if state.stale or state.last_event is None:
        return state, ()
    silent_at, effects = Instant(_stale_at(rule, state)), ()
    if rule.kind.of_silence and state.phase is Phase.OK:
        # However long ago it began: while it goes on, it is current.
        state, effects = _fire(
            rule, state, silent_at, now, current=None if ended else silent_at > state.quiet_until
        )
    elif rule.kind.of_silence and state.phase is Phase.RECOVERING:
        state = replace(state, phase=Phase.FIRING, since=None)
    elif rule.alert_on_stale and state.phase is Phase.PENDING:
        state, effects = _fire(rule, state, silent_at, now)
        # The alarm is the message.
        state = replace(state, silence_told=state.opened_at)
    elif rule.alert_on_stale and state.phase is Phase.FIRING and state.since is not None:
        state, effects = _raise(rule, state, silent_at, now)
    elif state.phase is Phase.PENDING:
        # `since` and `samples` stay, see `_resume`.
        state = replace(state, phase=Phase.OK)
    return replace(state, stale=True), effects


def _tell_silence(rule: Terms, state: RuleState, now: Instant) -> Step:
    """Rows 5 and 11: who was told of the alarm, or mends devices, hears that data is missing."""
    due = _silence_due(rule, state)
    if due is None or due > now:
        return state, ()
    assert state.last_event is not None  # only data that came can be missing
    told = replace(state, silence_told=due)
    is_past = _stale_at(rule, state) <= state.quiet_until
    if is_past or not (state.alarmed or _current(rule, state, due, now)):
        return told, ()
    return told, (FellSilent(state.opened_at if state.alarmed else None, state.last_event),)


def _silence_due(rule: Terms, state: RuleState) -> Instant | None:
    """When a message is due that data is missing; None: none is.

    A link that flutters is told once in an hour. A silence that begins within the hour is told
    at its end if it is still there. A new incident begins anew.
    """
    if not state.stale or state.last_event is None or rule.kind.of_silence:
        return None
    if not (state.announced if state.alarmed else state.since is not None):
        return None
    silent_at, told = _stale_at(rule, state), state.silence_told
    if told is None or (state.alarmed and told < (state.opened_at or 0)):
        return Instant(silent_at)
    return None if told > state.last_event else Instant(max(silent_at, told + SILENCE_AGAIN))


def _current(rule: Terms, state: RuleState, at: Instant, now: Instant) -> bool:
    """What happened at `at` is still worth a message."""
    return now - at <= rule.max_age and at > state.quiet_until


def _fire(
    rule: Terms, state: RuleState, at: Instant, now: Instant, *, current: bool | None = None
) -> Step:
    """`current` says whether it is worth a message where its age does not."""
    assert state.last is not None  # nothing fires before a first sample
    last = state.last
    current = _current(rule, state, at, now) if current is None else current
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
    opened = Opened(at, last.value, not current, level)
    announced = Announced(at, at, last.value, last.at, level, flapping)
    return fired, (opened, announced) if current else (opened,)


def _raise(rule: Terms, state: RuleState, at: Instant, now: Instant) -> Step:
    """Row 13. A level that is found out late is announced once a current sample is at it."""
    assert state.last is not None
    assert state.opened_at is not None
    current, level = _current(rule, state, at, now), state.level + 1
    raised = replace(state, level=level, since=None, samples=0, announced=current)
    announced = Announced(state.opened_at, at, state.last.value, state.last.at, level)
    effects: tuple[Effect, ...] = (Raised(state.opened_at, at, level),)
    return raised, (*effects, announced) if current else effects


def _close(state: RuleState, at: Instant) -> Step:
    opened_at = state.opened_at if state.opened_at is not None else at
    at = Instant(max(at, opened_at))
    closed = Closed(
        opened_at, at, state.last_value, CloseReason.RECOVERED, silent=at <= state.quiet_until
    )
    calm = RuleState(
        stale=state.stale,
        last_event=state.last_event,
        last_value=state.last_value,
        notes=state.notes,
        opened_at=opened_at,
        openings=state.openings,
        silence_told=state.silence_told,
        quiet_until=state.quiet_until,
    )
    return calm, (closed,)


def _stay_ok(_rule: Terms, state: RuleState, _judged: _Judged) -> Step:
    return replace(state, level=0, since=None, samples=0), ()


def _begin(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    state = replace(state, level=judged.level)
    if rule.hold == 0 and rule.min_samples <= 1:
        return _fire(rule, state, judged.at, judged.now)
    return replace(state, phase=Phase.PENDING, since=judged.at, samples=1), ()


def _wait(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    samples = state.samples + (0 if judged.again else 1)
    state = replace(state, level=judged.level, samples=samples)
    return _run_timer(rule, state, judged.at, judged.now)


def _give_up(_rule: Terms, state: RuleState, _judged: _Judged) -> Step:
    return replace(state, phase=Phase.OK, level=0, since=None, samples=0), ()


def _ease(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    """Row 7. What has been reached for as long as flapping is looked for flaps no more."""
    flapping = state.flapping and judged.at - state.openings[-1] < FLAPPING_WITHIN
    state = replace(state, phase=Phase.RECOVERING, since=judged.at, samples=0, flapping=flapping)
    return _run_timer(rule, state, judged.at, judged.now)


def _stay_calm(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    return _run_timer(rule, state, judged.at, judged.now)


def _relapse(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    """Row 8. While it flaps, each relapse counts as an opening does."""
    openings = (*state.openings, judged.at)[1 - FLAPPING :] if state.flapping else state.openings
    firing = replace(state, phase=Phase.FIRING, since=None, openings=openings)
    return _climb(rule, firing, judged)


def _climb(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    """Row 13. A further level has to hold as the first one did; a lower one is quiet."""
    if judged.level <= state.level:
        state = replace(state, level=judged.level, since=None, samples=0)
        return _announce_if_current(rule, state, judged)
    if state.since is None:
        state = replace(state, since=judged.at, samples=1)
    else:
        state = replace(state, samples=state.samples + (0 if judged.again else 1))
    climbed, effects = _run_timer(rule, state, judged.at, judged.now)
    return (climbed, effects) if effects else _announce_if_current(rule, state, judged)


def _announce_if_current(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    """Row 21: an incident that was found out late, and goes on, is announced by this sample."""
    if state.announced or state.opened_at is None or not judged.reached:
        return state, ()
    if not _current(rule, state, judged.at, judged.now):
        return state, ()
    at = judged.at
    announced = Announced(state.opened_at, at, judged.value, at, state.level, state.flapping)
    return replace(state, announced=True), (announced,)


_TABLE: Mapping[tuple[Phase, Verdict], Callable[[Terms, RuleState, _Judged], Step]] = {
    (Phase.OK, Verdict.REACHED): _begin,
    (Phase.OK, Verdict.BETWEEN): _stay_ok,
    (Phase.OK, Verdict.RECOVERED): _stay_ok,
    (Phase.PENDING, Verdict.REACHED): _wait,
    (Phase.PENDING, Verdict.BETWEEN): _give_up,
    (Phase.PENDING, Verdict.RECOVERED): _give_up,
    (Phase.FIRING, Verdict.REACHED): _climb,
    (Phase.FIRING, Verdict.BETWEEN): _climb,
    (Phase.FIRING, Verdict.RECOVERED): _ease,
    (Phase.RECOVERING, Verdict.REACHED): _relapse,
    (Phase.RECOVERING, Verdict.BETWEEN): _relapse,
    (Phase.RECOVERING, Verdict.RECOVERED): _stay_calm,
}
