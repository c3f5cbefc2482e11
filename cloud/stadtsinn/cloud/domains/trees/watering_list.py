"""The watering list of a day: which trees, why, how much, in which order. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.trees.day_repository import GroupDay
from stadtsinn.cloud.domains.trees.grouping import Grouping
from stadtsinn.cloud.domains.trees.judging import URGENCY, Level
from stadtsinn.cloud.domains.trees.model import TreeGroup, TreeSettings
from stadtsinn.cloud.domains.trees.register_row import Tree
from stadtsinn.cloud.domains.trees.thresholds import YOUNG_UNTIL
from stadtsinn.cloud.domains.trees.tour import Stop, tours
from stadtsinn.cloud.domains.trees.watering_repository import Watering

MOST_TREES = 5_000
"""On a list: more than a town's crews can water in a week."""
_YOUNG_LITRES, _OLDER_LITRES = 100.0, 200.0
"""FLL: 75 to 100 litres for a tree of 20 to 25 cm girth."""


@dataclass(frozen=True, slots=True)
class ListedTree:
    """A tree to be watered."""

    tree: Tree
    group: str
    level: Level
    litres: float
    standing_year: int | None
    last: Watering | None


@dataclass(frozen=True, slots=True)
class ListedTour:
    """A tank of water, in the order of the way. `metres` is None where positions are missing."""

    trees: tuple[ListedTree, ...]
    litres: float
    metres: float | None


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group as it was judged, None where it was not yet; and how many trees it has.

    `station_name`: what people call its station.
    """

    group: TreeGroup
    day: GroupDay | None
    trees: int
    station_name: str

    @property
    def level(self) -> Level:
        return Level.UNKNOWN if self.day is None else self.day.verdict.level


@dataclass(frozen=True)
class WateringList:
    """A town's list. `resting`: trees of dry groups that were watered a short while ago.
    `without_group`: trees for which no station stands; `left_off`: beyond the most."""

    day: date
    settings: TreeSettings
    groups: tuple[ListedGroup, ...]
    tours: tuple[ListedTour, ...]
    resting: int
    without_group: int
    left_off: int
    rain_mm: float | None = None
    forecast_mm: float | None = None

    @property
    def trees(self) -> list[ListedTree]:
        return [one for tour in self.tours for one in tour.trees]

    @property
    def judged_at(self) -> Instant | None:
        """When the first of its groups was."""
        times = [one.day.judged_at for one in self.groups if one.day is not None]
        return min(times, default=None)


@dataclass
class _Counted:
    """What is found while all trees are looked at."""

    dry: list[ListedTree] = field(default_factory=list)
    members: Counter[str] = field(default_factory=Counter)
    resting: int = 0
    without_group: int = 0


def make_list(
    day: date,
    settings: TreeSettings,
    groups: Sequence[TreeGroup],
    days: Mapping[str, GroupDay],
    trees: Iterable[Tree],
    rested: Mapping[str, Instant],
    station_names: Mapping[str, str],
    forecast_mm: float | None = None,
) -> WateringList:
    """The list of a day, without the last waterings (`with_last` adds them).

    `rested`: trees that were watered within the days of rest, and when.
    """
    grouping = Grouping(groups, day)
    by_slug = {one.slug: one for one in groups}
    counted = _count(trees, grouping, by_slug, days, rested)
    counted.dry.sort(key=lambda one: (URGENCY.index(one.level), one.tree.number))
    listed = counted.dry[:MOST_TREES]
    rain = [one.rain_mm for one in days.values() if one.rain_mm is not None]
    return WateringList(
        day,
        settings,
        tuple(
            sorted(
                (
                    ListedGroup(
                        one,
                        days.get(one.slug),
                        counted.members[one.slug],
                        station_names[one.station],
                    )
                    for one in groups
                ),
                key=lambda one: (URGENCY.index(one.level), one.group.name),
            )
        ),
        tuple(_tours(listed, settings)),
        resting=counted.resting,
        without_group=counted.without_group,
        left_off=len(counted.dry) - len(listed),
        rain_mm=max(rain, default=None),
        forecast_mm=forecast_mm,
    )


def _count(
    trees: Iterable[Tree],
    grouping: Grouping,
    groups: Mapping[str, TreeGroup],
    days: Mapping[str, GroupDay],
    rested: Mapping[str, Instant],
) -> _Counted:
    found = _Counted()
    for tree in trees:
        slug = grouping.of(tree).group
        if slug is None:
            found.without_group += 1
            continue
        found.members[slug] += 1
        day = days.get(slug)
        if day is None or not day.verdict.is_dry:
            continue
        if tree.number in rested:
            found.resting += 1
            continue
        years = grouping.standing_year(tree)
        litres = litres_of(tree, groups[slug])
        found.dry.append(ListedTree(tree, slug, day.verdict.level, litres, years, None))
    return found


def litres_of(tree: Tree, group: TreeGroup) -> float:
    """What its bag holds, else what the group gets, else what its age wants."""
    if tree.bag_litres is not None:
        return tree.bag_litres
    if group.litres is not None:
        return group.litres
    return _YOUNG_LITRES if group.standing_from <= YOUNG_UNTIL else _OLDER_LITRES


def _tours(listed: Sequence[ListedTree], settings: TreeSettings) -> Iterable[ListedTour]:
    """The urgent ones first, in tours of their own; trees without a position last."""
    for level in (Level.URGENT, Level.DUE):
        placed = {one.tree.number: one for one in listed if one.level is level and _placed(one)}
        stops = [_stop(one) for one in placed.values()]
        for tour in tours(stops, settings.tank_litres, settings.depot):
            members = tuple(placed[stop.key] for stop in tour.stops)
            yield ListedTour(members, tour.litres, tour.metres)
    if nowhere := tuple(one for one in listed if not _placed(one)):
        yield ListedTour(nowhere, sum(one.litres for one in nowhere), None)


def _placed(one: ListedTree) -> bool:
    return one.tree.latitude is not None and one.tree.longitude is not None


def _stop(one: ListedTree) -> Stop:
    assert one.tree.latitude is not None
    assert one.tree.longitude is not None
    return Stop(one.tree.number, one.tree.latitude, one.tree.longitude, one.litres)
