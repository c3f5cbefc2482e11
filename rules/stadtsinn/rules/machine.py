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
4     PENDING, held long and often enough    `_wait` (sample), `_run_timers` (time)
5     PENDING becomes stale                  `fall_silent`, `tell_silence`
6     FIRING, between off and on             `_climb` (nothing happens)
7     FIRING, recovered                      `_calm_down`
8     RECOVERING, not recovered any more     `_relapse`
9     RECOVERING, waits; stops while stale   `_run_timers`, `resume`, `after_gap`
10    RECOVERING, held long enough           `_stay_calm` (sample), `_run_timers`
11    FIRING or RECOVERING becomes stale     `fall_silent`, `tell_silence`
12    stale, a sample comes                  `resume`, `after_gap`
13    FIRING, another level                  `_climb` (sample), `_run_timers` (time)
18    a third opening within an hour         `fire`, `_keep_firing`
19    sample older than the newest judged    `sample` (history only)
20    rule edited, disabled or deleted       `edit`
22    the time in which it may fire is over  `close_time` in `hours`
21    old alarms after an outage             `fire`, `_announce_if_current`
====  =====================================  ==========================================

Where a kind looks back over a span of time, the span goes on without a sample: what leaves it is
judged at the moment it does (`RuleKind.eases`), by the same rows, as long as data is not missing.

Outside of the times in which a rule may fire (`Terms.active`) samples are judged for later ones
only: the rain of the night counts in the sum of the morning.

Timers run in event time: before a sample is judged, everything that was due before its time
happens first, at the time it was due. So a backlog that arrives after an outage leads through
the same states at the same times as if each sample had come at once, whatever the ticks said in
between. A tick lets `patience` pass after the end of a timer: a sample of that very moment may be
under way, and it decides better than its absence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import Instant
from stadtsinn.rules.hours import close_time, is_over, shuts_at
from stadtsinn.rules.incident import (
    FLAPPING,
    FLAPPING_WITHIN,
    close,
    fire,
    is_current,
    raise_level,
)
from stadtsinn.rules.kind import Eased, Past, Sample, Verdict
from stadtsinn.rules.silence import (
    after_gap,
    fall_silent,
    resume,
    silence_due,
    stale_at,
    tell_silence,
)
from stadtsinn.rules.state import Announced, Closed, CloseReason, Effect, Phase, RuleState, Step
from stadtsinn.rules.terms import Terms


@dataclass(frozen=True)
class _Judged:
    """A sample and its verdict, judged at `now`."""

    at: Instant
    value: float
    verdict: Verdict
    level: int
    now: Instant
    again: bool
    """A corrected value of the moment before, or only time: no further sample."""

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
    streams: Mapping[int, float] | None = None,
) -> Step:
    """Judge a value measured at `at`; `now` only decides whether a message is still current."""
    if at < rule.valid_from:
        return state, ()
    one = Sample(at, value, permitted, source, streams)
    is_late = at < max(state.shut_at, state.last_event or 0)
    if streams:
        # Also a late one is known to the next judgement.
        notes, newest = rule.kind.takes(one, state.notes)
        state = replace(state, notes=notes)
        is_late, at = is_late or newest is None, at if newest is None else newest
    if is_late:
        return state, ()
    state, due = _pass(rule, resume(rule, state, at), at, now, sampled=True)
    silent_at = stale_at(rule, state)
    if silent_at is not None and at > silent_at:
        state = after_gap(rule, state, at)
    again = at == state.last_event
    judgement = rule.kind.judge(
        one if one.at == at else replace(one, at=at), Past(state.last, state.notes)
    )
    value = value if judgement.value is None else judgement.value
    state = replace(state, stale=False, last_event=at, last_value=value, notes=judgement.notes)
    verdict = Verdict.RECOVERED if rule.is_shut(at) else judgement.verdict
    judged = _Judged(at, value, verdict, judgement.level, now, again)
    state, effects = _TABLE[state.phase, judged.verdict](rule, state, judged)
    return state, due + effects


def beside(rule: Terms, state: RuleState, second: Sample) -> RuleState:
    """Note what a comparison sensor measured: it changes no phase, and is no sign of life."""
    if second.at < rule.valid_from:
        return state
    return replace(state, notes=rule.kind.beside(second, state.notes))


def tick(rule: Terms, state: RuleState, now: Instant) -> Step:
    """Let time pass without a sample."""
    state, effects = _pass(rule, state, now, now, sampled=False)
    state, told = tell_silence(rule, state, now)
    return state, effects + told


def edit(state: RuleState, now: Instant, reason: CloseReason) -> Step:
    """The rule was changed: end what the old rule had begun, judge anew from the next sample."""
    fresh = RuleState(
        last_event=state.last_event,
        last_value=state.last_value,
        opened_at=state.opened_at,
        silence_told=state.silence_told,
        shut_at=state.shut_at,
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
    shut_at = shuts_at(rule, state)
    due = [] if shut_at is None else [shut_at + rule.patience]
    if state.stale:
        told_at = silence_due(rule, state)
        due += [] if told_at is None else [told_at]
        return Instant(min(due)) if due else None
    silent_at = stale_at(rule, state)
    if silent_at is None:
        return None
    eased, deadline = _eased(rule, state), _deadline(rule, state)
    due += [silent_at + 1]
    due += [] if deadline is None else [deadline + rule.patience]
    due += [] if eased is None else [eased.at + rule.patience]
    return Instant(min(due))


def _pass(rule: Terms, state: RuleState, until: Instant, now: Instant, *, sampled: bool) -> Step:
    """What time does until a sample (`sampled`) or a tick: timers, silence, the end of the times
    in which the rule may fire, in their order."""
    effects: tuple[Effect, ...] = ()
    while True:
        silent_at, shut_at = stale_at(rule, state), shuts_at(rule, state)
        end = until if shut_at is None else min(until, shut_at)
        falls = silent_at is not None and silent_at < end
        patience = 1 if sampled or falls else rule.patience
        state, timers = _run_timers(rule, state, Instant(until - patience), now)
        effects += timers
        if silent_at is not None and falls:
            # Where a sample came, or the time is over, a message that samples are missing has
            # no use.
            ended = sampled or is_over(rule, silent_at, until)
            state, fallen = fall_silent(rule, state, now, ended=ended)
            effects += fallen
        shut_at = shuts_at(rule, state)
        if shut_at is None or shut_at + (0 if sampled else rule.patience) > until:
            return state, effects
        state, closed = close_time(rule, state, shut_at)
        effects += closed


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


def _eased(rule: Terms, state: RuleState) -> Eased | None:
    """What time alone makes better of what has begun, if it does."""
    if state.stale or not state.begun:
        return None
    return rule.kind.eases(Past(state.last, state.notes))


def _keep_firing(rule: Terms, state: RuleState) -> int:
    """Row 18: what flaps is over once it is calm for as long as flapping is looked for."""
    return max(rule.keep_firing, FLAPPING_WITHIN) if state.flapping else rule.keep_firing


def _run_timers(rule: Terms, state: RuleState, until: Instant, now: Instant) -> Step:
    """Rows 4, 9, 10, 13: what time alone does by `until` while data is there, in its order."""
    silent_at = stale_at(rule, state)
    effects: tuple[Effect, ...] = ()
    if silent_at is None:
        return state, ()
    last = min(until, silent_at)
    shut_at = shuts_at(rule, state)
    if shut_at is not None:
        last = Instant(min(last, shut_at - 1))
    while True:
        deadline, eased = _deadline(rule, state), _eased(rule, state)
        # What is judged at the very end of a timer decides it, as a sample would.
        if eased is not None and eased.at <= (last if deadline is None else min(last, deadline)):
            state, some = _ease(rule, state, eased, now)
        elif deadline is not None and deadline <= last:
            state, some = _end_timer(rule, state, Instant(deadline), now)
        else:
            return state, effects
        effects += some


def _end_timer(rule: Terms, state: RuleState, at: Instant, now: Instant) -> Step:
    if state.phase is Phase.PENDING:
        return fire(rule, state, at, now)
    if state.phase is Phase.FIRING:
        return raise_level(rule, state, at, now)
    return close(state, at)


def _ease(rule: Terms, state: RuleState, eased: Eased, now: Instant) -> Step:
    judgement = eased.judgement
    value = state.last_value if judgement.value is None else judgement.value
    assert value is not None  # it was judged by a sample
    judged = _Judged(eased.at, value, judgement.verdict, judgement.level, now, again=True)
    state = replace(state, last_value=value, notes=judgement.notes)
    return _TABLE[state.phase, judged.verdict](rule, state, judged)


def _stay_ok(_rule: Terms, state: RuleState, _judged: _Judged) -> Step:
    return replace(state, level=0, since=None, samples=0), ()


def _begin(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    state = replace(state, level=judged.level)
    if rule.hold == 0 and rule.min_samples <= 1:
        return fire(rule, state, judged.at, judged.now)
    return replace(state, phase=Phase.PENDING, since=judged.at, samples=1), ()


def _wait(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    samples = state.samples + (0 if judged.again else 1)
    state = replace(state, level=judged.level, samples=samples)
    return _run_timers(rule, state, judged.at, judged.now)


def _give_up(_rule: Terms, state: RuleState, _judged: _Judged) -> Step:
    return replace(state, phase=Phase.OK, level=0, since=None, samples=0), ()


def _calm_down(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    """Row 7. What has been reached for as long as flapping is looked for flaps no more."""
    flapping = state.flapping and judged.at - state.openings[-1] < FLAPPING_WITHIN
    state = replace(state, phase=Phase.RECOVERING, since=judged.at, samples=0, flapping=flapping)
    return _run_timers(rule, state, judged.at, judged.now)


def _stay_calm(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    return _run_timers(rule, state, judged.at, judged.now)


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
    climbed, effects = _run_timers(rule, state, judged.at, judged.now)
    if not effects:
        return _announce_if_current(rule, state, judged)
    if judged.level > climbed.level:
        # It is higher still: the next level begins with this sample as well.
        climbed, further = _climb(rule, climbed, judged)
        effects += further
    return climbed, effects


def _announce_if_current(rule: Terms, state: RuleState, judged: _Judged) -> Step:
    """Row 21: an incident that was found out late, and goes on, is announced by this sample."""
    if state.announced or state.opened_at is None or not judged.reached:
        return state, ()
    if not is_current(rule, state, judged.at, judged.now):
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
    (Phase.FIRING, Verdict.RECOVERED): _calm_down,
    (Phase.RECOVERING, Verdict.REACHED): _relapse,
    (Phase.RECOVERING, Verdict.BETWEEN): _relapse,
    (Phase.RECOVERING, Verdict.RECOVERED): _stay_calm,
}
