"""SQL of stations and deployments. Functions that serve the API take a scope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from stadtsinn.base.instant import Instant, to_datetime
from stadtsinn.cloud.platform.access.rows import (
    delete_rows,
    one_page,
    one_row,
    only_row,
    own_rows,
    rows_named,
    update_rows,
    users_of,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.repository import with_site_id, with_site_ids
from stadtsinn.cloud.town.stations.model import (
    BEGINNING,
    FOR_EVER,
    Deployment,
    PlacedDeployment,
    Station,
)
from stadtsinn.cloud.town.stations.tables import (
    datastreams,
    deployments,
    series_corrections,
    stations,
)
from stadtsinn.cloud.town.tables import devices, sites

# --- stations --------------------------------------------------------------------------


def station(connection: Connection, scope: Scope, slug: str) -> Station:
    """A station of the caller's tenant; raises NotFound."""
    row = only_row(connection, _stations(scope).where(stations.c.slug == slug), "station", slug)
    return _station(row)


def stations_page(
    connection: Connection,
    scope: Scope,
    after: str | None,
    limit: int | None,
    *,
    kind: str | None = None,
    site: str | None = None,
) -> list[Station]:
    """Stations in the order of their slugs, of one kind or site where given."""
    query = one_page(_stations(scope).order_by(stations.c.slug), stations.c.slug, after, limit)
    if kind is not None:
        query = query.where(stations.c.kind == kind)
    if site is not None:
        query = query.where(sites.c.slug == site)
    return [_station(row) for row in connection.execute(query)]


def stations_named(
    connection: Connection, scope: Scope, slugs: Collection[str]
) -> dict[str, Station]:
    """Those of these stations that the caller's tenant has."""
    rows = rows_named(connection, _stations(scope), stations.c.slug, slugs)
    return {row.slug: _station(row) for row in rows}


def station_ids(connection: Connection, scope: Scope, slugs: Collection[str]) -> dict[str, int]:
    """The keys of those of these stations that the caller's tenant has."""
    own = select(stations.c.slug, stations.c.id).where(stations.c.tenant_id == scope.tenant_id)
    return {row.slug: row.id for row in rows_named(connection, own, stations.c.slug, slugs)}


def insert_stations(
    connection: Connection, scope: Scope, records: Sequence[Station], now: Instant
) -> dict[str, int]:
    """Returns the stations' keys by their slugs."""
    columns = [record.model_dump(mode="json") for record in records]
    shared = {"tenant_id": scope.tenant_id, "created_at": now}
    rows = [{**row, **shared} for row in with_site_ids(connection, scope, columns)]
    if not rows:
        return {}
    made = insert(stations).returning(stations.c.slug, stations.c.id)
    return {row.slug: row.id for row in connection.execute(made, rows)}


def update_station(connection: Connection, scope: Scope, record: Station) -> None:
    values = _station_columns(connection, scope, record)
    update_rows(connection, scope, stations, stations.c.slug == record.slug, values)


def delete_station(connection: Connection, scope: Scope, slug: str) -> None:
    number = station_id(connection, scope, slug)
    connection.execute(delete(datastreams).where(datastreams.c.station_id == number))
    connection.execute(delete(stations).where(stations.c.id == number))


def users_of_station(connection: Connection, scope: Scope, slug: str) -> list[str]:
    """The tables of other rooms whose rows refer to a station, e.g. ``gates``."""
    number = station_id(connection, scope, slug)
    return users_of(connection, stations.c.id, number, without=(deployments, datastreams))


def station_id(connection: Connection, scope: Scope, slug: str) -> int:
    """The key that followers know a station by; raises NotFound."""
    return int(one_row(connection, scope, stations, stations.c.slug == slug, "station", slug).id)


def _stations(scope: Scope) -> Select[Any]:
    joined = stations.outerjoin(sites, sites.c.id == stations.c.site_id)
    return own_rows(scope, stations, joined, sites.c.slug.label("site"))


def _station(row: Row[Any]) -> Station:
    values = {name: getattr(row, name) for name in Station.model_fields}
    return Station.model_construct(**{**values, "tags": tuple(row.tags)})


def _station_columns(connection: Connection, scope: Scope, record: Station) -> dict[str, Any]:
    return with_site_id(connection, scope, record.model_dump(mode="json"))


# --- deployments -----------------------------------------------------------------------


def deployment(connection: Connection, scope: Scope, number: int) -> PlacedDeployment:
    """A deployment of the caller's tenant; raises NotFound."""
    row = only_row(
        connection, _deployments(scope).where(deployments.c.id == number), "deployment", number
    )
    return _deployment(row)


def deployments_page(
    connection: Connection,
    scope: Scope,
    after: int | None,
    limit: int | None,
    *,
    station: str | None = None,
    dev_eui: str | None = None,
) -> list[PlacedDeployment]:
    """Deployments in the order of their making, of one station or device where given."""
    query = one_page(_deployments(scope).order_by(deployments.c.id), deployments.c.id, after, limit)
    if station is not None:
        query = query.where(stations.c.slug == station)
    if dev_eui is not None:
        query = query.where(deployments.c.dev_eui == dev_eui)
    return [_deployment(row) for row in connection.execute(query)]


def deployments_of(
    connection: Connection, scope: Scope, dev_euis: Collection[str]
) -> list[PlacedDeployment]:
    """Where these devices were, are and will be."""
    return _deployments_where(connection, scope, deployments.c.dev_eui, dev_euis)


def deployments_beside(
    connection: Connection, scope: Scope, dev_euis: Collection[str], station_keys: Collection[int]
) -> list[PlacedDeployment]:
    """Deployments of these devices or at these stations, each once."""
    # By the indexed columns of one table: a town has ten thousand deployments.
    found = [
        *_deployments_where(connection, scope, deployments.c.dev_eui, dev_euis),
        *_deployments_where(connection, scope, deployments.c.station_id, station_keys),
    ]
    return list({one.id: one for one in found}.values())


def _deployments_where(
    connection: Connection, scope: Scope, column: Any, values: Collection[Any]
) -> list[PlacedDeployment]:
    return [_deployment(row) for row in rows_named(connection, _deployments(scope), column, values)]


def insert_deployment(
    connection: Connection, scope: Scope, record: Deployment, station: int, now: Instant
) -> int:
    """`station` is the key of the record's station. Returns the deployment's id."""
    values = _deployment_columns(record, station)
    statement = insert(deployments).values(tenant_id=scope.tenant_id, created_at=now, **values)
    return int(connection.execute(statement.returning(deployments.c.id)).scalar_one())


def insert_deployments(
    connection: Connection, scope: Scope, placed: Sequence[tuple[Deployment, int]], now: Instant
) -> None:
    """As `insert_deployment`, for many; without their ids, which SQLite tells one by one only."""
    shared = {"tenant_id": scope.tenant_id, "created_at": now}
    rows = [{**_deployment_columns(record, station), **shared} for record, station in placed]
    if rows:
        connection.execute(insert(deployments), rows)


def update_deployment(
    connection: Connection, scope: Scope, number: int, record: Deployment, station: int
) -> None:
    values = _deployment_columns(record, station)
    update_rows(connection, scope, deployments, deployments.c.id == number, values)


def delete_deployments(connection: Connection, scope: Scope, numbers: Collection[int]) -> None:
    delete_rows(connection, scope, deployments, deployments.c.id.in_(numbers))


def _deployments(scope: Scope) -> Select[Any]:
    joined = deployments.join(stations, stations.c.id == deployments.c.station_id)
    return own_rows(scope, deployments, joined, stations.c.slug.label("station"))


def _deployment(row: Row[Any]) -> PlacedDeployment:
    values = {name: getattr(row, name) for name in PlacedDeployment.model_fields}
    values["start"] = None if row.start == BEGINNING else to_datetime(row.start)
    values["end"] = None if row.end is None else to_datetime(row.end)
    return PlacedDeployment.model_validate(values)


def _deployment_columns(record: Deployment, station: int) -> dict[str, Any]:
    values = record.model_dump(mode="json", exclude={"station", "start", "end", "id"})
    return {
        **values,
        "station_id": station,
        "start": record.starts,
        "end": None if record.ends == FOR_EVER else record.ends,
    }


# --- datastreams and corrections -------------------------------------------------------


def has_datastreams(connection: Connection, scope: Scope, slug: str) -> bool:
    """Whether anything was ever measured at a station."""
    query = (
        select(func.count())
        .select_from(datastreams.join(stations, stations.c.id == datastreams.c.station_id))
        .where(stations.c.tenant_id == scope.tenant_id, stations.c.slug == slug)
    )
    return bool(connection.execute(query).scalar_one())


def insert_corrections(
    connection: Connection,
    scope: Scope,
    parts: Sequence[tuple[str, Instant, Instant]],
    now: Instant,
    by: str,
) -> None:
    """Mark these parts of series (station, start, end) to be made anew from the log."""
    rows = [
        {
            "tenant_id": scope.tenant_id,
            "station": slug,
            "start": start,
            "end": end,
            "requested_at": now,
            "requested_by": by,
        }
        for slug, start, end in parts
    ]
    if rows:
        connection.execute(insert(series_corrections), rows)


def last_start(connection: Connection, scope: Scope, dev_eui: str) -> Instant:
    """When the latest deployment of a device begins; 0 without one, or from the beginning."""
    query = select(func.max(deployments.c.start)).where(
        deployments.c.tenant_id == scope.tenant_id, deployments.c.dev_eui == dev_eui
    )
    return Instant(connection.execute(query).scalar_one_or_none() or 0)


def own_devices(connection: Connection, scope: Scope, dev_euis: Collection[str]) -> set[str]:
    """Those of these devices that the caller's tenant has."""
    own = select(devices.c.dev_eui).where(devices.c.tenant_id == scope.tenant_id)
    return {row.dev_eui for row in rows_named(connection, own, devices.c.dev_eui, dev_euis)}


def device_types(connection: Connection, dev_euis: Collection[str]) -> dict[str, str]:
    """The types of devices, whoever owns them; an unknown one is absent."""
    types = select(devices.c.dev_eui, devices.c.device_type)
    rows = rows_named(connection, types, devices.c.dev_eui, dev_euis)
    return {row.dev_eui: row.device_type for row in rows}
