"""Which values of a history can lead a rule on, found in arrays; the engine judges only those.

A rule that is calm stays so until a value reaches its limit; one that fires stays so until a value
recovers, or data is missing. A scan says of all values at once which *may* do that. It may say so
of too many, which costs time, and of none too few. So a kind whose verdict looks at a span of time
only needs a bound of it. `tests/rules/test_history.py` has every kind judged both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from stadtsinn.base.instant import SECOND
from stadtsinn.rules.history.column import NOTHING, Column, Mask, Numbers, Values, last_of
from stadtsinn.rules.kind import Notes, Past, RuleKind
from stadtsinn.rules.kinds.band import Band
from stadtsinn.rules.kinds.change import Change, Trend
from stadtsinn.rules.kinds.increase import Increase
from stadtsinn.rules.kinds.levels import Levels
from stadtsinn.rules.kinds.low_battery import LowBattery
from stadtsinn.rules.kinds.no_data import NoData
from stadtsinn.rules.kinds.overstay import TAKEN, Overstay
from stadtsinn.rules.kinds.permit import Permit
from stadtsinn.rules.kinds.stuck import Stuck
from stadtsinn.rules.kinds.sum import Sum
from stadtsinn.rules.kinds.threshold import Threshold
from stadtsinn.rules.limits import Limited
from stadtsinn.rules.window import part_of

Noted = Callable[[int], tuple[Notes, float]]
"""What a kind notes with the value of this number, and the value that it judges by. It is asked
about ever later numbers."""


@dataclass(frozen=True)
class Scan:
    """What may lead a rule on. `rouses`: the verdict may be that it is reached. `frees`: that it
    is recovered; None: the engine judges all while an alarm is open. `judges`: it is judged, not
    only noted; None: each is."""

    rouses: Mask
    frees: Mask | None
    noted: Noted
    judges: Mask | None = None


def scan(kind: RuleKind, column: Column, second: Column = NOTHING) -> Scan | None:
    """None: nobody wrote one for this kind, so the engine judges every value. `second` is what a
    comparison sensor measured."""
    if isinstance(kind, Levels):
        return _levels(kind, column, second)
    found = SCANS.get(type(kind))
    return None if found is None else found(kind, column)


def _levels(kind: Levels, column: Column, second: Column) -> Scan:
    """A level holds from its beginning until the value is well below. While an alarm is open the
    engine judges all: each further level is told."""
    values = column.values
    holding = np.zeros(len(column), np.int64)
    for step in kind.levels:
        holding += last_of(values >= step.on) > last_of(values <= step.on - kind.margin)

    def noted(number: int) -> tuple[Notes, float]:
        one = column.sample(number)
        latest = int(np.searchsorted(second.times, one.at, "right")) - 1
        before = Past(notes={"level": int(holding[number - 1]) if number else 0})
        if latest >= 0:
            before = Past(notes=kind.beside(second.sample(latest), before.notes))
        return kind.judge(one, before).notes, one.value

    return Scan(values >= kind.levels[0].on, None, noted)


def _overstay(kind: Overstay, column: Column) -> Scan:
    """What is free begins nothing once the gap is over that ends a stay. While an alarm is open,
    time alone ends it after a value that is free: the engine judges that one and the next."""
    taken = column.values > TAKEN
    if len(column) == 0:
        return Scan(taken, taken, _plain(column))
    last_taken = last_of(taken)
    free_since = column.times[np.minimum(last_taken + 1, len(column) - 1)]
    may_stay = (last_taken >= 0) & (column.times - free_since < kind.gap_s * SECOND)
    after_free = np.concatenate(([True], ~taken[:-1]))

    def noted(number: int) -> tuple[Notes, float]:
        return {"taken": True} if taken[number] else {}, float(column.values[number])

    return Scan(taken | may_stay, ~taken | after_free, noted)


def _plain(column: Column) -> Noted:
    return lambda number: ({}, float(column.values[number]))


def _threshold(kind: Threshold, column: Column) -> Scan:
    return Scan(*_beyond(kind, column.values), _plain(column))


def _beyond(kind: Limited, values: Values) -> tuple[Mask, Mask]:
    if kind.worse_above:
        return values >= kind.on, values <= kind.off
    return values <= kind.on, values >= kind.off


def _band(kind: Band, column: Column) -> Scan:
    values = column.values
    outside = ~((kind.low < values) & (values < kind.high))
    inside = (kind.low + kind.margin <= values) & (values <= kind.high - kind.margin)
    return Scan(outside, inside, _plain(column))


def _permit(kind: Permit, column: Column) -> Scan:
    """Below its first limit it notes the same of every number. Levels are left to the engine."""
    allowed = np.zeros(len(column)) if column.permitted is None else column.permitted
    on = kind.alarm_percent if kind.warn_percent is None else kind.warn_percent
    with np.errstate(divide="ignore", invalid="ignore"):
        reached = (allowed > 0) & (100 * column.values / allowed >= on)
    return Scan(reached, None, lambda number: ({"level": 1}, float(column.values[number])))


def _no_data(_kind: NoData, column: Column) -> Scan:
    """Only what does not come leads it on, which the engine is told of anyway."""
    nothing = np.zeros(len(column), bool)
    return Scan(nothing, None, _plain(column))


def _stuck(kind: Stuck, column: Column) -> Scan:
    first = _first_alike(column, kind.tolerance)
    stuck = column.times - column.times[first] >= kind.unchanged_s * SECOND

    def noted(number: int) -> tuple[Notes, float]:
        begun, before = int(first[number]), int(first[number - 1])
        notes = {"first": _told(column, begun), "before": None}
        if number > 0:
            notes["before"] = _told(column, before)
        return notes, float(column.values[number])

    return Scan(stuck, ~stuck, noted)


def _told(column: Column, number: int) -> list[Any]:
    one = column.sample(number)
    return [one.at, one.value, one.source]


def _first_alike(column: Column, tolerance: float) -> Numbers:
    """Of each value the first of those that are like it, one after the other."""
    values, starts = column.values, column.run_starts()
    if tolerance == 0:
        begins = np.concatenate(([True], values[1:] != values[:-1]))
        return np.maximum(last_of(begins[: len(values)]), starts)
    found, first, alike = [], 0, values[0].item() if len(values) else 0.0
    for number, (value, start) in enumerate(zip(values.tolist(), starts.tolist(), strict=True)):
        if abs(value - alike) > tolerance or start > first:
            first, alike = number, value
        found.append(first)
    return np.array(found, np.int64)


def _low_battery(kind: LowBattery, column: Column) -> Scan:
    length = kind.within_s * SECOND
    values, times, starts = column.values, column.times, column.run_starts()
    well = last_of(values > kind.on)
    all_low = (well < 0) | (times[well] < times - length)
    low = all_low & (times - times[starts] >= length)
    within = _within(kind, column, length)

    def noted(number: int) -> tuple[Notes, float]:
        notes, value = within(number)
        return {**notes, "since": int(times[starts[number]])}, value

    return Scan(low, values >= kind.off, noted)


def _sum(kind: Sum, column: Column) -> Scan:
    return _amounts(kind, column, np.maximum(0.0, column.values))


def _increase(kind: Increase, column: Column) -> Scan:
    grown = np.maximum(0.0, np.diff(column.values, prepend=column.values[:1]))
    if column.sources is not None:
        grown[1:][column.sources[1:] != column.sources[:-1]] = 0.0
    return _amounts(kind, column, grown)


def _amounts(kind: Sum, column: Column, amounts: Values) -> Scan:
    """By what was measured in the span and a part more: joined samples count so much longer."""
    total = np.concatenate(([0.0], np.cumsum(amounts)))
    held = total[1:] - total[_span_starts(column, kind.length)]
    unsure = 1e-6 + 1e-12 * total[-1]  # what adding up in another order makes of it
    return Scan(held >= kind.on - unsure, None, _within(kind, column, kind.length))


def _change(kind: Change, column: Column) -> Scan:
    signed = column.values if kind.trend is Trend.RISING else -column.values
    risen = signed - _least_since(signed, _span_starts(column, kind.length))
    unsure = 1e-6 + 1e-12 * float(np.abs(signed).max(initial=0))
    return Scan(risen >= kind.on - unsure, None, _within(kind, column, kind.length))


def _span_starts(column: Column, length: int) -> Numbers:
    """The first value that a kind may still remember at the time of each."""
    return np.searchsorted(column.times, column.times - length - part_of(length), "left")


def _least_since(values: Values, starts: Numbers) -> Values:
    """Of each place the least value from `starts` up to it: of two powers of two that overlap."""
    places = np.arange(len(values))
    power = np.frexp(places - starts + 1)[1] - 1
    least = np.empty_like(values)
    covering = values
    for exponent in range(int(power.max(initial=-1)) + 1):
        here = np.flatnonzero(power == exponent)
        length = 1 << exponent
        # `covering` holds the least of the `length` values that end at a place.
        least[here] = np.minimum(covering[here], covering[starts[here] + length - 1])
        shifted = covering[:-length]
        covering = covering.copy()
        np.minimum(covering[length:], shifted, out=covering[length:])
    return least


def _within(kind: RuleKind, column: Column, length: int) -> Noted:
    """Notes of a kind that remembers a span: it judges what is in it once more."""

    def noted(number: int) -> tuple[Notes, float]:
        # What shares a part of the span with older values is forgotten by then.
        begin = int(column.times[number]) - length - part_of(length)
        past, value = Past(), 0.0
        for one in range(max(0, column.first_at(begin) - 1), number + 1):
            sample = column.sample(one)
            judgement = kind.judge(sample, past)
            value = sample.value if judgement.value is None else judgement.value
            past = Past(sample, judgement.notes)
        return past.notes, value

    return noted


_Scanning = Callable[[Any, Column], Scan]

SCANS: Mapping[type[RuleKind], _Scanning] = cast(
    "Mapping[type[RuleKind], _Scanning]",
    {
        Threshold: _threshold,
        Band: _band,
        Permit: _permit,
        NoData: _no_data,
        Stuck: _stuck,
        LowBattery: _low_battery,
        Sum: _sum,
        Increase: _increase,
        Change: _change,
        Overstay: _overstay,
    },
)
