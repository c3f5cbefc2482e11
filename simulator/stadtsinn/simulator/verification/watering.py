"""Compares the watering list with the soil: the trees of each dry group, and no others."""

from __future__ import annotations

from statistics import median

from sqlalchemy import Connection

from stadtsinn.cloud.domains.trees.watering_service import watering_list
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.simulator.market_day.tree_register import GROUPS, register_csv
from stadtsinn.simulator.market_day.truth import SeriesName, Truth
from stadtsinn.simulator.verification.report import Check, check

_FIELD_CAPACITY, _WILTING_POINT = 25.0, 8.0
"""Vol.-% of the loamy sand that is the same everywhere in the town."""
_DUE_NFK = 50.0
"""Of young trees (domain facts, 1.5)."""


def check_watering(truth: Truth, connection: Connection) -> Check:
    """Compare the list of the day, as it was when the crew printed it."""
    printed = truth.plan.watering_list
    made = watering_list(connection, operator_scope(truth.town.tenant), truth.plan.date, printed)
    found = {one.tree.number for one in made.trees}
    expected = _dry_trees(truth)
    problems = [f"the tree {number} is dry and not on the list" for number in expected - found]
    problems += [f"the tree {number} is on the list and not dry" for number in found - expected]
    return check(
        "the watering list names the dry trees",
        expected=len(expected),
        found=len(found),
        problems=sorted(problems),
        numbers={"litres": sum(tour.litres for tour in made.tours)},
    )


def _dry_trees(truth: Truth) -> set[str]:
    genera = {one.species for one in GROUPS if _is_dry(truth, one.station)}
    rows = [line.split(";") for line in register_csv().decode("cp1252").splitlines()[1:]]
    return {row[0] for row in rows if row[2].split()[0] in genera}


def _is_dry(truth: Truth, station: str) -> bool:
    values = truth.readings[SeriesName(station, "soil_moisture", "")]
    before = [one.value for one in values if one.time <= truth.plan.watering_list]
    usable = 100 * (median(before) - _WILTING_POINT) / (_FIELD_CAPACITY - _WILTING_POINT)
    return usable <= _DUE_NFK
