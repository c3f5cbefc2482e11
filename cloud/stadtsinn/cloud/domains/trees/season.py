"""A season: litres, waterings, dry days of each group, and the trees that are at risk. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stadtsinn.cloud.domains.trees.grouping import Grouping
from stadtsinn.cloud.domains.trees.judging import Level
from stadtsinn.cloud.domains.trees.model import TreeGroup
from stadtsinn.cloud.domains.trees.register_row import Tree
from stadtsinn.cloud.domains.trees.watering_repository import Watering

URGENT_DAYS_AT_RISK = 7
"""A tree is at risk whose group was urgent for so many days while nobody watered it."""
MOST_NAMED = 1_000


@dataclass(frozen=True, slots=True)
class GroupSeason:
    """`group` is None for trees without one. `dry_days`: due or urgent, of `judged_days`."""

    group: str | None
    trees: int
    watered_trees: int
    waterings: int
    litres: float
    judged_days: int
    dry_days: int
    urgent_days: int
    unknown_days: int


@dataclass(frozen=True)
class Season:
    """`at_risk` names at most a thousand trees, `at_risk_count` counts all of them."""

    groups: tuple[GroupSeason, ...]
    at_risk: tuple[str, ...]
    at_risk_count: int
    litres: float
    waterings: int
    former_trees: int
    """Waterings of trees that are not on the register any more."""


@dataclass
class _Sum:
    trees: int = 0
    waterings: int = 0
    litres: float = 0.0
    watered: set[str] = field(default_factory=set)


def season(
    groups: Sequence[TreeGroup],
    trees: Iterable[Tree],
    grouping: Grouping,
    levels: Mapping[str, Mapping[Level, int]],
    waterings: Iterable[Watering],
) -> Season:
    """Trees count in the group that they are in now; what was poured on others, as former trees."""
    poured: dict[str, list[float]] = defaultdict(list)
    for one in waterings:
        poured[one.tree].append(one.litres)
    sums: dict[str | None, _Sum] = defaultdict(_Sum)
    at_risk = []
    known: set[str] = set()
    for tree in trees:
        known.add(tree.number)
        slug = grouping.of(tree).group
        mine = sums[slug]
        mine.trees += 1
        if given := poured.get(tree.number):
            mine.waterings += len(given)
            mine.litres += sum(given)
            mine.watered.add(tree.number)
        elif slug is not None and _urgent(levels.get(slug, {})) >= URGENT_DAYS_AT_RISK:
            at_risk.append(tree.number)
    former = sum(len(given) for number, given in poured.items() if number not in known)
    slugs: list[str | None] = [one.slug for one in groups]
    return Season(
        tuple(
            _group(slug, sums[slug], levels.get(slug or "", {}))
            for slug in [*slugs, *([None] if None in sums else [])]
        ),
        tuple(at_risk[:MOST_NAMED]),
        len(at_risk),
        litres=sum(sum(given) for given in poured.values()),
        waterings=sum(len(given) for given in poured.values()),
        former_trees=former,
    )


def _group(slug: str | None, found: _Sum, levels: Mapping[Level, int]) -> GroupSeason:
    days = Counter(levels)
    judged = sum(days.values()) - days[Level.RESTING]
    return GroupSeason(
        group=slug,
        trees=found.trees,
        watered_trees=len(found.watered),
        waterings=found.waterings,
        litres=found.litres,
        judged_days=judged,
        dry_days=days[Level.DUE] + days[Level.URGENT],
        urgent_days=days[Level.URGENT],
        unknown_days=days[Level.UNKNOWN],
    )


def _urgent(levels: Mapping[Level, int]) -> int:
    return levels.get(Level.URGENT, 0)
