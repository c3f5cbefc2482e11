"""Whether somebody has an alarm in hand: acknowledgement, repeats, escalation. Pure, as `machine`.

This goes by the clock of people, not by that of the measurements: `now` is the machine's own. One
state per incident; it begins with the alarm and ends with the incident.

====  =================================================  =======================
row   what happens                                       where
====  =================================================  =======================
13    FIRING, a further level is told                    `told` (not acked again)
14    FIRING, somebody acknowledges                      `acknowledge`
15    FIRING, not acked, the next escalation is due      `wait` (`Escalate`)
16    FIRING, not acked, the next repeat is due          `wait` (`Repeat`)
====  =================================================  =======================

Of several things that are due at once only the first of each kind happens, and the next one waits
its whole time from then on: after an outage, or where a clock was put forward, nobody gets a heap
of messages, and everybody has the time to answer. Where a clock was put back, the wait begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import Instant


@dataclass(frozen=True)
class Plan:
    """When what is not acknowledged is said again, and to whom else. Times in microseconds."""

    repeat: int | None = None
    """So long after it was said last; None: never."""
    steps: tuple[int, ...] = ()
    """When each step of the escalation comes, after the alarm; growing."""


@dataclass(frozen=True)
class Attention:
    """Who was told of an incident, and whether somebody has it in hand.

    `level` is the one that was told, `acknowledged` the highest that somebody acknowledged, 0: none
    was. The waits begin at `repeated_at` and `stepped_at`; None: nobody could know of it yet.
    """

    level: int
    acknowledged: int = 0
    repeats: int = 0
    repeated_at: Instant | None = None
    steps: int = 0
    stepped_at: Instant | None = None

    @property
    def is_acknowledged(self) -> bool:
        return self.acknowledged >= self.level


@dataclass(frozen=True)
class Repeat:
    """Say it again, for the `number`th time at this level."""

    number: int


@dataclass(frozen=True)
class Escalate:
    """Tell those of the `step`th step, from 1."""

    step: int


Due = Repeat | Escalate


def told(state: Attention | None, level: int) -> Attention:
    """The alarm of a level was written. A further level needs another acknowledgement, and begins
    from the first step; the same one again changes nothing."""
    if state is None:
        return Attention(level)
    if level <= state.level:
        return state
    return Attention(level, acknowledged=state.acknowledged)


def acknowledge(state: Attention, level: int) -> tuple[Attention, bool]:
    """Somebody has it in hand, up to a level. False: somebody else was first."""
    level = min(level, state.level)
    if level <= state.acknowledged:
        return state, False
    return replace(state, acknowledged=level), True


def wait(
    plan: Plan, state: Attention, now: Instant, *, known: bool = True, calm: bool = False
) -> tuple[Attention, tuple[Due, ...]]:
    """Let time pass. `known`: somebody could have read it by now. `calm`: the alarm is about to
    end by itself, so nobody is troubled further; what is due then waits."""
    if state.is_acknowledged or (state.repeated_at is None and not known):
        return state, ()
    repeated_at, stepped_at = _began(state.repeated_at, now), _began(state.stepped_at, now)
    state = replace(state, repeated_at=repeated_at, stepped_at=stepped_at)
    if calm:
        return state, ()
    due: tuple[Due, ...] = ()
    if state.steps < len(plan.steps) and now >= stepped_at + _until_step(plan, state.steps):
        state = replace(state, steps=state.steps + 1, stepped_at=now)
        due = (Escalate(state.steps),)
    if plan.repeat is not None and now >= repeated_at + plan.repeat:
        state = replace(state, repeats=state.repeats + 1, repeated_at=now)
        due = (*due, Repeat(state.repeats))
    return state, due


def next_due(plan: Plan, state: Attention) -> Instant | None:
    """When `wait` has something to do next; None: never, unless another level is told."""
    if state.is_acknowledged:
        return None
    if state.repeated_at is None or state.stepped_at is None:
        return Instant(0)
    due = [] if plan.repeat is None else [state.repeated_at + plan.repeat]
    if state.steps < len(plan.steps):
        due.append(state.stepped_at + _until_step(plan, state.steps))
    return Instant(min(due)) if due else None


def _began(at: Instant | None, now: Instant) -> Instant:
    """When the wait began; a clock that was put back does not make it longer than it is."""
    return now if at is None or at > now else at


def _until_step(plan: Plan, done: int) -> int:
    """How long the next step comes after the one before it."""
    return plan.steps[done] - (plan.steps[done - 1] if done else 0)
