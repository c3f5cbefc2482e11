"""The kinds that judge several datastreams against a plain reference, which keeps the newest value
of each. Whatever the order: late, repeated, corrected, missing for long."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.rules import machine
from stadtsinn.rules.kind import RuleKind, Stream
from stadtsinn.rules.kinds.both import Also, Both
from stadtsinn.rules.kinds.count import Count
from stadtsinn.rules.kinds.difference import Difference
from stadtsinn.rules.kinds.registry import KINDS
from stadtsinn.rules.kinds.share import Share
from stadtsinn.rules.kinds.threshold import Direction
from stadtsinn.rules.state import Closed, Effect, Opened, RuleState
from stadtsinn.rules.terms import Terms

START, STEP = 1_000 * HOUR, 30 * MINUTE
FRESH = 90 * MINUTE
STATIONS = 3


@dataclass(frozen=True)
class Value:
    at: int
    value: float


Newest = Mapping[int, Value]
Judge = Callable[[Newest, int, Mapping[int, Sequence[float]]], str | None]
"""What is so at a moment; None: that cannot be said. Also of each stream all values in turn."""


def is_fresh(one: Value, moment: int) -> bool:
    return moment - one.at <= FRESH


def difference(newest: Newest, moment: int, _all: Mapping[int, Sequence[float]]) -> str | None:
    if len(newest) < 2 or not all(is_fresh(one, moment) for one in newest.values()):
        return None
    found = newest[0].value - newest[1].value
    return "reached" if found >= 5 else "recovered" if found <= 2 else "between"


def both(newest: Newest, moment: int, _all: Mapping[int, Sequence[float]]) -> str | None:
    if len(newest) < 2 or not all(is_fresh(one, moment) for one in newest.values()):
        return None
    low, high = newest[0].value, newest[1].value
    if low >= 5 or high <= 3:
        return "recovered"
    return "reached" if low <= 3 and high >= 8 else "between"


def in_state(values: Sequence[float]) -> bool:
    found = False
    for value in values:
        found = value >= 8 or (found and value > 3)
    return found


def count(newest: Newest, moment: int, every: Mapping[int, Sequence[float]]) -> str | None:
    fresh = [stream for stream, one in newest.items() if is_fresh(one, moment)]
    least = sum(in_state(every[stream]) for stream in fresh)
    most = least + STATIONS - len(fresh)
    return "reached" if least >= 2 else "recovered" if most <= 0 else "between"


FURTHER = Also(quantity="x", on=8, off=3)
STATE: dict[str, Any] = {"each_on": 8, "each_off": 3, "fresh_s": 5_400}
CASES: list[tuple[RuleKind, Judge]] = [
    (Difference(on=5, off=2, minus=Stream(quantity="x"), fresh_s=5_400), difference),
    (Both(on=3, off=5, direction=Direction.BELOW, also=(FURTHER,), fresh_s=5_400), both),
    (Count(on=2, off=0, **STATE), count),
    (Share(on=60, off=20, **STATE), count),
]
IDS = [kind.kind_name for kind, _ in CASES]


@dataclass
class Plain:
    judge: Judge
    newest: dict[int, Value] = field(default_factory=dict)
    every: dict[int, list[Value]] = field(default_factory=dict)
    judged: int = 0
    incidents: list[tuple[int, int | None]] = field(default_factory=list)

    def samples(self, at: int, values: Mapping[int, float]) -> None:
        for stream, value in values.items():
            kept = self.every.setdefault(stream, [])
            if kept and at < kept[-1].at:
                continue
            if kept and at == kept[-1].at:
                kept.pop()
            kept.append(Value(at, value))
            self.newest[stream] = kept[-1]
        moment = max(one.at for one in self.newest.values())
        every = {stream: [one.value for one in kept] for stream, kept in self.every.items()}
        found = self.judge(self.newest, moment, every)
        if at < self.judged or found is None:
            return
        self.judged = moment
        is_open = bool(self.incidents) and self.incidents[-1][1] is None
        if found == "reached" and not is_open:
            last = self.incidents[-1][0] + 1 if self.incidents else moment
            self.incidents.append((max(moment, last), None))
        elif found == "recovered" and is_open:
            opened_at = self.incidents[-1][0]
            self.incidents[-1] = (opened_at, max(moment, opened_at))


Event = tuple[int, int, dict[int, float]]
"""When it arrives, when it was measured, and what; nothing: only time passes."""


@st.composite
def courses(draw: st.DrawFn, streams: int, late: Sequence[int] = (0, 0, 0, 1, 2, 4)) -> list[Event]:
    now, found = 0, []
    for _ in range(draw(st.integers(4, 18))):
        now += draw(st.sampled_from([0, 1, 1, 2, 5]))
        values = draw(
            st.dictionaries(
                st.integers(0, streams - 1), st.sampled_from([0.0, 2, 3, 5, 8, 9]), max_size=2
            )
        )
        at = now - draw(st.sampled_from(late))
        found.append((START + now * STEP, START + at * STEP, values))
    return found


def found_by(
    kind: RuleKind, course: Sequence[Event], state: RuleState | None = None
) -> tuple[list[tuple[int, int | None]], RuleState]:
    age = 10_000 * HOUR
    rule = Terms(kind, stale_after=(kind.silence_s or 0) * 1_000_000, max_age=age)
    state, effects = state or RuleState(), cast("list[Effect]", [])
    permitted = STATIONS if kind.of_group else None
    for now, at, values in course:
        moment = Instant(now)
        if values:
            step = machine.sample(rule, state, Instant(at), 0, moment, permitted, streams=values)
        else:
            step = machine.tick(rule, state, moment)
        state = step[0]
        effects += step[1]
    ends = {one.opened_at: one.at for one in effects if isinstance(one, Closed)}
    opened = [one.at for one in effects if isinstance(one, Opened)]
    return [(at, ends.get(at)) for at in opened], state


def test_every_kind_that_joins_has_a_reference() -> None:
    assert set(IDS) == {name for name, kind in KINDS.items() if kind.joins}


@pytest.mark.parametrize(("kind", "judge"), CASES, ids=IDS)
def test_the_incidents_are_those_of_the_reference(kind: RuleKind, judge: Judge) -> None:
    @settings(max_examples=25, deadline=None)
    @given(courses(STATIONS if kind.of_group else 2))
    def holds(course: list[Event]) -> None:
        plain = Plain(judge)
        for _, at, values in course:
            if values:
                plain.samples(at, values)
        found, state = found_by(kind, course)
        assert found == plain.incidents
        log = [event for event in course if event[2]]
        assert found_by(kind, log, machine.forget(state))[0] == found

    holds()
