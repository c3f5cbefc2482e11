"""Which group a tree belongs to: the one it names, or the one whose description fits best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.domains.trees.model import TreeGroup
from stadtsinn.cloud.domains.trees.register_row import Tree
from stadtsinn.cloud.domains.trees.thresholds import standing_year


class Lack(StrEnum):
    """Why a tree has no group."""

    NO_SUCH_GROUP = "no_such_group"
    NONE_FITS = "none_fits"
    SEVERAL_FIT = "several_fit"


LACKS: Mapping[Lack, Sentence] = {
    Lack.NO_SUCH_GROUP: Sentence("names a group that is not there", "nennt eine unbekannte Gruppe"),
    Lack.NONE_FITS: Sentence("no group fits", "keine Gruppe passt"),
    Lack.SEVERAL_FIT: Sentence(
        "several groups fit equally well", "mehrere Gruppen passen gleich gut"
    ),
}


@dataclass(frozen=True, slots=True)
class Membership:
    """The group's slug, or why there is none."""

    group: str | None
    lack: Lack | None = None


class Grouping:
    """The groups of a town on a day. Trees that are described alike are looked at once."""

    def __init__(self, groups: Sequence[TreeGroup], today: date) -> None:
        self._groups = groups
        self._today = today
        self._named = {name.lower(): one.slug for one in groups for name in (one.slug, one.name)}
        self._seen: dict[tuple[object, ...], Membership] = {}

    def of(self, tree: Tree) -> Membership:
        if tree.group is not None:
            slug = self._named.get(tree.group.lower())
            return Membership(slug, None if slug else Lack.NO_SUCH_GROUP)
        years = self.standing_year(tree)
        alike = (tree.soil_class, tree.exposure, tree.species.lower(), years)
        if alike not in self._seen:
            self._seen[alike] = self._described(tree, years)
        return self._seen[alike]

    def standing_year(self, tree: Tree) -> int | None:
        if tree.planted_year is None:
            return None
        return standing_year(tree.planted_year, self._today, tree.planted_month)

    def _described(self, tree: Tree, years: int | None) -> Membership:
        """What a tree does not say of itself fits no description that asks for it."""
        fitting = [one for one in self._groups if _fits(one, tree, years)]
        if not fitting:
            return Membership(None, Lack.NONE_FITS)
        most = max(map(_precision, fitting))
        best = [one for one in fitting if _precision(one) == most]
        if len(best) > 1:
            return Membership(None, Lack.SEVERAL_FIT)
        return Membership(best[0].slug)


def _fits(group: TreeGroup, tree: Tree, years: int | None) -> bool:
    known = tree.soil_class or (group.soil_class if group.unknown_soil else None)
    if known != group.soil_class or years is None:
        return False
    if not group.standing_from <= years <= (group.standing_to or years):
        return False
    if group.exposure is not None and tree.exposure != group.exposure:
        return False
    return _is_of(tree.species.lower(), group.species.lower())


def _is_of(species: str, wanted: str) -> bool:
    """``tilia cordata`` is of ``tilia``; every species is of ``""``."""
    return not wanted or species == wanted or species.startswith(f"{wanted} ")


def _precision(group: TreeGroup) -> int:
    """How much a group's description asks for: a species more than a genus."""
    return (group.exposure is not None) + len(group.species.split())
