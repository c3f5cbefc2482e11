"""How much the quarantine keeps: bounded for each reason, each source and each town.

Where a bound is reached the oldest rows go, and those of whoever has most: one edge's flood takes
no room from another edge, and one town's flood none from another town.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stadtsinn.cloud.intake.reasons import HEALABLE, Reason

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Size:
    """Rows, and the bytes of their payloads."""

    rows: int
    bytes: int


@dataclass(frozen=True)
class Bound:
    """The most that is kept of one reason: of one source, and of all together."""

    source: Size
    all: Size


@dataclass(frozen=True)
class Holding:
    """What lies in quarantine of one reason from one source; of unknown edges all in one."""

    reason: Reason
    source: str
    tenant_id: str | None
    size: Size

    @property
    def owner(self) -> str:
        """Who shares a part: a town, or a source that belongs to none."""
        return f"town {self.tenant_id}" if self.tenant_id is not None else self.source


_HEALABLE = Bound(Size(100_000, 128 * _MIB), Size(500_000, 512 * _MIB))
_OTHERS = Bound(Size(10_000, 16 * _MIB), Size(50_000, 64 * _MIB))

BOUNDS: Mapping[Reason, Bound] = {
    reason: _HEALABLE if reason in HEALABLE else _OTHERS for reason in Reason
}


def excesses(
    holdings: Iterable[Holding], bounds: Mapping[Reason, Bound] = BOUNDS
) -> Iterator[tuple[Holding, Size]]:
    """What each holding has too much."""
    by_reason: dict[Reason, list[Holding]] = defaultdict(list)
    for one in holdings:
        by_reason[one.reason].append(one)
    for reason, found in by_reason.items():
        bound = bounds[reason]
        rows = _levels(found, [one.size.rows for one in found], bound.source.rows, bound.all.rows)
        sizes = [one.size.bytes for one in found]
        stored = _levels(found, sizes, bound.source.bytes, bound.all.bytes)
        for one, most_rows, most_bytes in zip(found, rows, stored, strict=True):
            excess = Size(max(0, one.size.rows - most_rows), max(0, one.size.bytes - most_bytes))
            if excess != Size(0, 0):
                yield one, excess


def _levels(found: Sequence[Holding], used: Sequence[int], of_one: int, of_all: int) -> list[int]:
    """How much each holding may use: towns share `of_all` equally, their sources a town's part."""
    bounded = [min(one, of_one) for one in used]
    owners: dict[str, list[int]] = defaultdict(list)
    for one, use in zip(found, bounded, strict=True):
        owners[one.owner].append(use)
    of_owner = fair_share([sum(uses) for uses in owners.values()], of_all)
    shares = {owner: fair_share(uses, of_owner) for owner, uses in owners.items()}
    return [min(of_one, shares[one.owner]) for one in found]


def fair_share(used: Sequence[int], total: int) -> int:
    """The most that each may use so that all of them fit: who uses less leaves the others more."""
    remaining = total
    ordered = sorted(used)
    for at, one in enumerate(ordered):
        share = remaining // (len(ordered) - at)
        if one > share:
            return share
        remaining -= one
    return total
