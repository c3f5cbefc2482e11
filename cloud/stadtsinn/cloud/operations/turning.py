"""What has turned since operators were told: what began, goes on, or is over. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.operations.conditions import Condition, Kind
from stadtsinn.cloud.operations.sayings import Turn
from stadtsinn.cloud.operations.told import Key, Told


@dataclass(frozen=True)
class Turned:
    """`about`: for each message what it is about; `rows` are to be written, `over` forgotten."""

    about: Mapping[tuple[Kind, Turn], list[Condition]]
    rows: list[Told]
    over: list[Told]


def turned(
    found: Iterable[Condition],
    told: Mapping[Key, Told],
    looked: Collection[Kind],
    names: Mapping[str, str],
    repeat: int,
    now: Instant,
) -> Turned:
    """Compare what is wrong with what was told; only of the kinds that were `looked` at something
    can be over. `names`: of all that can be told of. What is not there any more was deleted:
    nobody is told that it is well again. `repeat` is in µs."""
    about: dict[tuple[Kind, Turn], list[Condition]] = defaultdict(list)
    present = {(one.kind.value, one.subject): one for one in found}
    rows = []
    for key, one in present.items():
        before = told.get(key)
        if before is None:
            about[one.kind, Turn.BEGINS].append(one)
            rows.append(Told(*key, one.since, now, 1, one.detail))
        elif now - before.said_at >= repeat:
            about[one.kind, Turn.GOES_ON].append(one)
            rows.append(Told(*key, before.since, now, before.times + 1, one.detail))
    over = [row for key, row in told.items() if Kind(row.kind) in looked and key not in present]
    for row in over:
        if row.subject in names:
            ended = Condition(Kind(row.kind), row.subject, row.since, names[row.subject])
            about[ended.kind, Turn.ENDS].append(ended)
    return Turned(about, rows, over)
