"""Values are judged a few at a time, as everybody waits for the transaction meanwhile.

What is judged comes in items: uplinks, or samples of zones. Each is judged by the rules in the
order of their ids, so that a number says how far an item is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from stadtsinn.cloud.alarms.alerts.evaluation import Evaluation, Measured
from stadtsinn.cloud.alarms.alerts.incident_repository import Key

JUDGED_AT_ONCE = 500
"""Values in one transaction."""

WRITTEN_AT_ONCE = 200
"""Rows of incidents and messages in one transaction: many rules may fire at once."""


@dataclass(frozen=True)
class Judged:
    """How far it came: `items` wholly, and of the next one what the rules up to `part` see."""

    items: int
    part: int


@dataclass(frozen=True)
class _Group:
    """What the states of one rule see in an item."""

    item: int
    rule_id: int
    found: Sequence[Sequence[Measured]]
    is_last: bool


def judge_first(
    items: Iterable[Sequence[Measured]],
    part: int,
    evaluation: Callable[[set[Key]], Evaluation],
) -> Judged:
    """Judge the first of these items; of the very first one only by rules behind `part`."""
    groups, complete = _first_groups(items, part)
    if not groups:
        return Judged(complete, 0)
    known = evaluation({some[0].watched.key for group in groups for some in group.found})
    for group in groups:
        for some in group.found:
            known.samples(some)
        if known.written >= WRITTEN_AT_ONCE and group is not groups[-1]:
            known.write()
            return _behind(group)
    known.write()
    last = groups[-1]
    return Judged(complete, 0) if complete > last.item else _behind(last)


def _behind(group: _Group) -> Judged:
    return Judged(group.item + 1, 0) if group.is_last else Judged(group.item, group.rule_id)


def _first_groups(items: Iterable[Sequence[Measured]], part: int) -> tuple[list[_Group], int]:
    """About `JUDGED_AT_ONCE` values, each rule's all; and how many items that are whole."""
    groups: list[_Group] = []
    count = complete = 0
    for number, item in enumerate(items):
        of_rules = _by_rule(one for one in item if number or one.rule_id > part)
        for rule_id, found in of_rules:
            groups.append(_Group(number, rule_id, _by_state(found), rule_id == of_rules[-1][0]))
            count += len(found)
            if count >= JUDGED_AT_ONCE:
                return groups, number + groups[-1].is_last
        complete = number + 1
    return groups, complete


def _by_rule(found: Iterable[Measured]) -> list[tuple[int, list[Measured]]]:
    ordered = sorted(found, key=lambda one: one.rule_id)
    return [(rule, list(some)) for rule, some in groupby(ordered, key=lambda one: one.rule_id)]


def _by_state(found: Sequence[Measured]) -> list[list[Measured]]:
    ordered = sorted(found, key=lambda one: one.watched.key)
    return [list(some) for _, some in groupby(ordered, key=lambda one: one.watched.key)]
