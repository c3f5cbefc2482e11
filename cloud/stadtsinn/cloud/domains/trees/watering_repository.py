"""The SQL of waterings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select

from stadtsinn.base.batches import batched
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.trees.tables import tree_waterings
from stadtsinn.cloud.platform.access.rows import NAMED, delete_rows, one_row
from stadtsinn.cloud.platform.access.scope import Scope


@dataclass(frozen=True, slots=True)
class Watering:
    """A logged watering."""

    id: int
    tree: str
    watered_at: Instant
    litres: float
    crew: str
    remark: str
    entered_at: Instant


def _own(scope: Scope) -> ColumnElement[bool]:
    return tree_waterings.c.tenant_id == scope.tenant_id


def _watering(row: Row[Any]) -> Watering:
    return Watering(
        row.id, row.tree, row.watered_at, row.litres, row.crew, row.remark, row.entered_at
    )


def watering(connection: Connection, scope: Scope, number: int) -> Watering:
    """A watering of the caller's tenant; raises NotFound."""
    where = tree_waterings.c.id == number
    return _watering(one_row(connection, scope, tree_waterings, where, "watering", str(number)))


def insert_watering(
    connection: Connection,
    scope: Scope,
    tree: str,
    watered_at: Instant,
    litres: float,
    crew: str,
    remark: str,
    now: Instant,
) -> int:
    """Returns its id. Raises IntegrityError for a second one of a tree at one moment."""
    values = {
        "tenant_id": scope.tenant_id,
        "tree": tree,
        "watered_at": watered_at,
        "litres": litres,
        "crew": crew,
        "remark": remark,
        "entered_at": now,
    }
    statement = insert(tree_waterings).values(**values).returning(tree_waterings.c.id)
    return int(connection.execute(statement).scalar_one())


def is_there(connection: Connection, scope: Scope, tree: str, watered_at: Instant) -> bool:
    query = select(tree_waterings.c.id).where(
        _own(scope),
        tree_waterings.c.tree == tree,
        tree_waterings.c.watered_at == watered_at,
    )
    return connection.execute(query).first() is not None


def delete_watering(connection: Connection, scope: Scope, number: int) -> None:
    delete_rows(connection, scope, tree_waterings, tree_waterings.c.id == number)


def waterings_page(
    connection: Connection, scope: Scope, before: int | None, limit: int, tree: str | None
) -> list[Watering]:
    """The newest entry first, of one tree where given."""
    query = select(tree_waterings).where(_own(scope))
    if before is not None:
        query = query.where(tree_waterings.c.id < before)
    if tree is not None:
        query = query.where(tree_waterings.c.tree == tree)
    rows = connection.execute(query.order_by(tree_waterings.c.id.desc()).limit(limit))
    return [_watering(row) for row in rows]


def waterings_between(
    connection: Connection,
    scope: Scope,
    start: Instant,
    end: Instant,
    trees: Collection[str] | None = None,
) -> list[Watering]:
    """In the order of their times, start <= time < end; of some trees where given."""
    query = select(tree_waterings).where(
        _own(scope),
        tree_waterings.c.watered_at >= start,
        tree_waterings.c.watered_at < end,
    )
    if trees is not None:
        query = query.where(tree_waterings.c.tree.in_(trees))
    order = tree_waterings.c.watered_at, tree_waterings.c.id
    return [_watering(row) for row in connection.execute(query.order_by(*order))]


def last_waterings(
    connection: Connection, scope: Scope, trees: Sequence[str]
) -> dict[str, Watering]:
    """The newest watering of each of these trees; one that was never watered is absent."""
    table = tree_waterings.c
    found: dict[str, Watering] = {}
    for some in batched(trees, NAMED):
        newest = (
            select(table.tree, func.max(table.watered_at).label("watered_at"))
            .where(_own(scope), table.tree.in_(some))
            .group_by(table.tree)
            .subquery()
        )
        query = (
            select(tree_waterings)
            .join(
                newest,
                (newest.c.tree == table.tree) & (newest.c.watered_at == table.watered_at),
            )
            .where(_own(scope))
        )
        found.update((row.tree, _watering(row)) for row in connection.execute(query))
    return found
