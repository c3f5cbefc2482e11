"""The SQL of what groups were on each day."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.trees.depths import DepthState, Finding, Scale, Trend
from stadtsinn.cloud.domains.trees.judging import Level, Verdict
from stadtsinn.cloud.domains.trees.tables import tree_group_days, tree_groups
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.upsert import insert_into


@dataclass(frozen=True)
class GroupDay:
    """The verdict of a day, and the rain of the seven days before it where it is measured."""

    judged_at: Instant
    verdict: Verdict
    rain_mm: float | None


def write_days(connection: Connection, day: date, found: Mapping[int, GroupDay]) -> None:
    """By the groups' keys; a day that was judged already is judged anew."""
    if not found:
        return
    statement = insert_into(connection, tree_group_days)
    key = [tree_group_days.c.group_id, tree_group_days.c.day]
    kept = {column.name for column in key}
    replaced = {
        column.name: statement.excluded[column.name]
        for column in tree_group_days.c
        if column.name not in kept
    }
    rows = [
        {
            "group_id": group_id,
            "day": day.isoformat(),
            "judged_at": one.judged_at,
            "level": one.verdict.level.value,
            "kept": one.verdict.kept,
            "decided_by": _position(one.verdict),
            "depths": [asdict(depth) for depth in one.verdict.depths],
            "rain_mm": one.rain_mm,
        }
        for group_id, one in found.items()
    ]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=replaced), rows)


def _position(verdict: Verdict) -> int | None:
    return None if verdict.decided_by is None else verdict.depths.index(verdict.decided_by)


def days_of(connection: Connection, scope: Scope, day: date) -> dict[str, GroupDay]:
    """The groups of the town on a day, by their slugs; those that were not judged are absent."""
    query = (
        select(tree_group_days, tree_groups.c.slug)
        .join(tree_groups)
        .where(tree_groups.c.tenant_id == scope.tenant_id)
        .where(tree_group_days.c.day == day.isoformat())
    )
    return {row.slug: _day(row) for row in connection.execute(query)}


def last_levels(
    connection: Connection, group_ids: Collection[int], before: date, not_before: date
) -> dict[int, Level]:
    """The newest level of each group before a day, as far back as `not_before`."""
    table = tree_group_days.c
    newest = (
        select(table.group_id, func.max(table.day).label("day"))
        .where(table.group_id.in_(group_ids))
        .where(table.day < before.isoformat(), table.day >= not_before.isoformat())
        .group_by(table.group_id)
        .subquery()
    )
    query = select(table.group_id, table.level).join(
        newest, (newest.c.group_id == table.group_id) & (newest.c.day == table.day)
    )
    return {row.group_id: Level(row.level) for row in connection.execute(query)}


def judged(connection: Connection, tenant_id: str, day: date) -> set[int]:
    """The keys of the town's groups that have been judged on a day."""
    query = (
        select(tree_group_days.c.group_id)
        .join(tree_groups)
        .where(tree_groups.c.tenant_id == tenant_id, tree_group_days.c.day == day.isoformat())
    )
    return set(connection.execute(query).scalars())


def levels_between(
    connection: Connection, scope: Scope, first: date, last: date
) -> dict[str, dict[Level, int]]:
    """How many days each group had each level, both days included."""
    query = (
        select(tree_groups.c.slug, tree_group_days.c.level, func.count().label("days"))
        .join(tree_groups)
        .where(tree_groups.c.tenant_id == scope.tenant_id)
        .where(tree_group_days.c.day.between(first.isoformat(), last.isoformat()))
        .group_by(tree_groups.c.slug, tree_group_days.c.level)
    )
    found: dict[str, dict[Level, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.slug, {})[Level(row.level)] = row.days
    return found


def _day(row: Row[Any]) -> GroupDay:
    depths = tuple(_depth(one) for one in row.depths)
    decided_by = None if row.decided_by is None else depths[row.decided_by]
    verdict = Verdict(Level(row.level), decided_by, depths, row.kept)
    return GroupDay(row.judged_at, verdict, row.rain_mm)


def _depth(stored: Mapping[str, Any]) -> DepthState:
    finding = stored["finding"]
    return DepthState(
        depth_cm=stored["depth_cm"],
        scale=Scale(stored["scale"]),
        value=stored["value"],
        trend=Trend(stored["trend"]),
        dry_days=stored["dry_days"],
        finding=None if finding is None else Finding(finding),
        nfk=stored["nfk"],
    )
