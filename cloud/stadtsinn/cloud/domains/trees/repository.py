"""The SQL of the tree register, its groups and the settings of watering."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from stadtsinn.cloud.domains.trees.model import TreeGroup, TreeSettings
from stadtsinn.cloud.domains.trees.register_row import Tree
from stadtsinn.cloud.domains.trees.tables import tree_groups, tree_settings, trees
from stadtsinn.cloud.platform.access.rows import (
    delete_rows,
    one_page,
    one_row,
    only_row,
    own_rows,
    update_rows,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.upsert import insert_into
from stadtsinn.cloud.town.stations.repository import station_id
from stadtsinn.cloud.town.stations.tables import stations
from stadtsinn.cloud.town.tables import sites

# --- trees -----------------------------------------------------------------------------

_COLUMNS = {one.name: "group_name" if one.name == "group" else one.name for one in fields(Tree)}
"""Of a tree: its attribute and its column."""
_TREE = [trees.c[column].label(name) for name, column in _COLUMNS.items()]


def _tree(row: Row[Any]) -> Tree:
    return Tree(*row[: len(_COLUMNS)])


def _own(scope: Scope) -> Select[Any]:
    return select(*_TREE).where(trees.c.tenant_id == scope.tenant_id)


def tree(connection: Connection, scope: Scope, number: str) -> Tree:
    """A tree of the caller's tenant; raises NotFound."""
    return _tree(only_row(connection, _own(scope).where(trees.c.number == number), "tree", number))


def trees_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Tree]:
    """Trees in the order of their numbers."""
    query = one_page(_own(scope).order_by(trees.c.number), trees.c.number, after, limit)
    return [_tree(row) for row in connection.execute(query)]


def all_trees(connection: Connection, scope: Scope) -> Iterator[Tree]:
    """Every tree of the town."""
    for row in connection.execute(_own(scope).order_by(trees.c.number)):
        yield _tree(row)


def write_trees(connection: Connection, scope: Scope, records: Sequence[Tree]) -> None:
    """Register trees; those that are there become as the records say."""
    statement = insert_into(connection, trees)
    replaced = {name: statement.excluded[name] for name in _COLUMNS.values() if name != "number"}
    key = [trees.c.tenant_id, trees.c.number]
    rows = [
        {"tenant_id": scope.tenant_id}
        | {column: getattr(record, name) for name, column in _COLUMNS.items()}
        for record in records
    ]
    if rows:
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=replaced), rows)


def delete_trees(connection: Connection, scope: Scope, numbers: Collection[str]) -> None:
    delete_rows(connection, scope, trees, trees.c.number.in_(numbers))


def known_positions(connection: Connection, scope: Scope, limit: int) -> list[tuple[float, float]]:
    """Where stations, sites and trees of the town are, so many of each at most."""
    found = []
    for table in (stations, sites, trees):
        query = select(table.c.latitude, table.c.longitude).where(
            table.c.tenant_id == scope.tenant_id, table.c.latitude.is_not(None)
        )
        found += [(row.latitude, row.longitude) for row in connection.execute(query.limit(limit))]
    return found


# --- groups ----------------------------------------------------------------------------

_STATION = stations.c.slug.label("station")


def _groups(scope: Scope) -> Select[Any]:
    return own_rows(scope, tree_groups, tree_groups.join(stations), _STATION)


def _group(row: object) -> TreeGroup:
    return TreeGroup.model_validate(row, from_attributes=True)


def group(connection: Connection, scope: Scope, slug: str) -> TreeGroup:
    """A group of the caller's tenant; raises NotFound."""
    query = _groups(scope).where(tree_groups.c.slug == slug)
    return _group(only_row(connection, query, "group of trees", slug))


def group_id(connection: Connection, scope: Scope, slug: str) -> int:
    where = tree_groups.c.slug == slug
    return int(one_row(connection, scope, tree_groups, where, "group of trees", slug).id)


def group_ids(connection: Connection, scope: Scope) -> dict[str, int]:
    """The keys of all groups by their slugs."""
    query = select(tree_groups.c.slug, tree_groups.c.id)
    own = query.where(tree_groups.c.tenant_id == scope.tenant_id)
    return {row.slug: row.id for row in connection.execute(own)}


def groups_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[TreeGroup]:
    query = one_page(_groups(scope).order_by(tree_groups.c.slug), tree_groups.c.slug, after, limit)
    return [_group(row) for row in connection.execute(query)]


def insert_group(connection: Connection, scope: Scope, record: TreeGroup) -> None:
    values = _group_columns(connection, scope, record)
    connection.execute(insert(tree_groups).values(tenant_id=scope.tenant_id, **values))


def update_group(connection: Connection, scope: Scope, record: TreeGroup) -> None:
    values = _group_columns(connection, scope, record)
    update_rows(connection, scope, tree_groups, tree_groups.c.slug == record.slug, values)


def delete_group(connection: Connection, scope: Scope, slug: str) -> None:
    """With the verdicts of its days."""
    delete_rows(connection, scope, tree_groups, tree_groups.c.slug == slug)


def _group_columns(connection: Connection, scope: Scope, record: TreeGroup) -> dict[str, Any]:
    values = record.model_dump(mode="json")
    values["thresholds"] = record.thresholds.model_dump(mode="json", exclude_none=True)
    number = station_id(connection, scope, values.pop("station"))
    return {**values, "station_id": number}


# --- settings --------------------------------------------------------------------------


def settings(connection: Connection, scope: Scope) -> TreeSettings:
    """Those of the town; the defaults where it has set none."""
    return settings_of(connection, scope.tenant_id)


def settings_of(connection: Connection, tenant_id: str) -> TreeSettings:
    query = (
        select(tree_settings, stations.c.slug.label("rain_station"))
        .select_from(tree_settings.outerjoin(stations))
        .where(tree_settings.c.tenant_id == tenant_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return TreeSettings()
    return TreeSettings.model_validate(row, from_attributes=True)


def write_settings(connection: Connection, scope: Scope, record: TreeSettings) -> None:
    values = record.model_dump(mode="json")
    rain = values.pop("rain_station")
    number = None if rain is None else station_id(connection, scope, rain)
    _put_settings(connection, scope, {**values, "rain_station_id": number})


def _put_settings(connection: Connection, scope: Scope, values: Mapping[str, Any]) -> None:
    """One row a town; what is not said here stays, or begins as the defaults."""
    own = tree_settings.c.tenant_id == scope.tenant_id
    if connection.execute(update(tree_settings).where(own).values(**values)).rowcount:
        return
    usual = TreeSettings().model_dump(mode="json", exclude={"rain_station"})
    row = {**usual, "forecast": [], **values, "tenant_id": scope.tenant_id}
    connection.execute(insert(tree_settings).values(**row))


def write_forecast(
    connection: Connection, scope: Scope, hours: Sequence[tuple[int, float]], now: int
) -> None:
    """The rain that is forecast: from when an hour begins, and how many mm."""
    _put_settings(connection, scope, {"forecast": list(map(list, hours)), "forecast_at": now})


def forecast(connection: Connection, scope: Scope) -> tuple[list[tuple[int, float]], int | None]:
    """The hours of the forecast, and when it was brought."""
    query = select(tree_settings.c.forecast, tree_settings.c.forecast_at)
    own = query.where(tree_settings.c.tenant_id == scope.tenant_id)
    row = connection.execute(own).one_or_none()
    if row is None:
        return [], None
    return [(int(at), float(mm)) for at, mm in row.forecast], row.forecast_at


def tenants_with_groups(connection: Connection) -> list[str]:
    """The towns that water."""
    query = select(tree_groups.c.tenant_id).distinct().order_by(tree_groups.c.tenant_id)
    return [str(one) for one in connection.execute(query).scalars()]
