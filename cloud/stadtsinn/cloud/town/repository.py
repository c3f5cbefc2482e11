"""The registry's SQL. Every function that serves the API takes a scope and stays inside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.access.rows import (
    delete_rows,
    missing,
    one_page,
    one_row,
    only_row,
    own_rows,
    rows_named,
    update_rows,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.model import Device, Edge, Site
from stadtsinn.cloud.town.tables import devices, edges, former_owners, registry_revision, sites


def bump_revision(connection: Connection) -> None:
    """Count the registry's revision up, in the transaction of the change itself."""
    table = registry_revision
    counted = connection.execute(update(table).values(revision=table.c.revision + 1))
    if counted.rowcount == 0:
        connection.execute(insert(table).values(id=1, revision=1))


def set_quiet(connection: Connection, until: Instant) -> None:
    """Up to when changes wait: see `quiet.py`."""
    connection.execute(update(registry_revision).values(quiet_until=until))


def quiet_until(connection: Connection) -> Instant:
    found = connection.execute(select(registry_revision.c.quiet_until)).scalar_one_or_none()
    return Instant(found or 0)


# --- sites -----------------------------------------------------------------------------


def _site(row: object) -> Site:
    return Site.model_validate(row, from_attributes=True)


def site(connection: Connection, scope: Scope, slug: str) -> Site:
    """A site of the caller's tenant; raises NotFound."""
    return _site(one_row(connection, scope, sites, sites.c.slug == slug, "site", slug))


def sites_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Site]:
    """Sites in the order of their slugs."""
    query = own_rows(scope, sites).order_by(sites.c.slug)
    return [_site(row) for row in connection.execute(one_page(query, sites.c.slug, after, limit))]


def insert_site(connection: Connection, scope: Scope, record: Site) -> None:
    connection.execute(insert(sites).values(tenant_id=scope.tenant_id, **record.model_dump()))


def update_site(connection: Connection, scope: Scope, record: Site) -> None:
    update_rows(connection, scope, sites, sites.c.slug == record.slug, record.model_dump())


def delete_site(connection: Connection, scope: Scope, slug: str) -> None:
    delete_rows(connection, scope, sites, sites.c.slug == slug)


# --- devices ---------------------------------------------------------------------------


def _devices(scope: Scope) -> Select[Any]:
    joined = devices.outerjoin(sites, devices.c.site_id == sites.c.id)
    return own_rows(scope, devices, joined, sites.c.slug.label("site"))


def _device(row: object) -> Device:
    return Device.model_validate(row, from_attributes=True)


def device(connection: Connection, scope: Scope, dev_eui: str) -> Device:
    """A device of the caller's tenant; raises NotFound, also for another tenant's."""
    row = only_row(
        connection, _devices(scope).where(devices.c.dev_eui == dev_eui), "device", dev_eui
    )
    return _device(row)


def devices_page(
    connection: Connection,
    scope: Scope,
    after: str | None,
    limit: int | None,
    *,
    site_slug: str | None = None,
    device_type: str | None = None,
) -> list[Device]:
    """Devices in the order of their DevEUI, of one site or one type where given."""
    query = _devices(scope).order_by(devices.c.dev_eui)
    if site_slug is not None:
        query = query.where(sites.c.slug == site_slug)
    if device_type is not None:
        query = query.where(devices.c.device_type == device_type)
    rows = connection.execute(one_page(query, devices.c.dev_eui, after, limit))
    return [_device(row) for row in rows]


def devices_named(
    connection: Connection, scope: Scope, dev_euis: Collection[str]
) -> dict[str, Device]:
    """Those of these devices that the caller's tenant has."""
    rows = rows_named(connection, _devices(scope), devices.c.dev_eui, dev_euis)
    return {row.dev_eui: _device(row) for row in rows}


def taken_dev_euis(connection: Connection, dev_euis: Collection[str]) -> set[str]:
    """Those that any tenant has; no scope, because a DevEUI is unique for all tenants."""
    rows = rows_named(connection, select(devices.c.dev_eui), devices.c.dev_eui, dev_euis)
    return {row.dev_eui for row in rows}


def tenant_of_device(connection: Connection, dev_eui: str) -> str | None:
    """The tenant of a device, for commands on the server; None for one that is not registered."""
    query = select(devices.c.tenant_id).where(devices.c.dev_eui == dev_eui)
    return connection.execute(query).scalar_one_or_none()


def has_history(connection: Connection, scope: Scope, dev_eui: str) -> bool:
    """Whether the caller's tenant has this device or had it."""
    table = former_owners
    had = select(table.c.id).where(table.c.tenant_id == scope.tenant_id, table.c.dev_eui == dev_eui)
    has = own_rows(scope, devices).where(devices.c.dev_eui == dev_eui)
    return any(connection.execute(one.limit(1)).first() is not None for one in (has, had))


def require_history(connection: Connection, scope: Scope, dev_eui: str) -> None:
    """Raises NotFound unless the caller's tenant has this device or had it."""
    if not has_history(connection, scope, dev_eui):
        raise missing("device", dev_eui)


def end_ownership(
    connection: Connection, scope: Scope, dev_eui: str, until: Instant, *, from_beginning: bool
) -> None:
    """Note that the caller's tenant had this device up to now.

    `from_beginning`: from where the owner before it ends, else since it was registered.
    """
    table = former_owners
    since = connection.scalar(
        select(func.max(table.c.until)).where(table.c.dev_eui == dev_eui)
        if from_beginning
        else own_rows(scope, devices)
        .where(devices.c.dev_eui == dev_eui)
        .with_only_columns(devices.c.created_at)
    )
    connection.execute(
        insert(table).values(
            dev_eui=dev_eui, tenant_id=scope.tenant_id, since=since or 0, until=until
        )
    )


def give_device(
    connection: Connection, scope: Scope, record: Device, to: Scope, now: Instant
) -> None:
    """Make a device of the caller's tenant one of another: as `record` says, at no site."""
    connection.execute(
        update(devices)
        .where(devices.c.tenant_id == scope.tenant_id, devices.c.dev_eui == record.dev_eui)
        .values(
            tenant_id=to.tenant_id,
            created_at=now,
            **with_site_id(connection, to, record.model_dump()),
        )
    )


def type_of_device(connection: Connection, scope: Scope, dev_eui: str) -> str:
    """The type of a device that the caller's tenant has or had; empty where it is gone.

    Raises NotFound.
    """
    require_history(connection, scope, dev_eui)
    query = select(devices.c.device_type).where(devices.c.dev_eui == dev_eui)
    return connection.execute(query).scalar_one_or_none() or ""


def insert_devices(
    connection: Connection, scope: Scope, records: Sequence[Device], now: Instant
) -> None:
    rows = with_site_ids(connection, scope, [record.model_dump() for record in records])
    shared = {"tenant_id": scope.tenant_id, "created_at": now}
    if rows:
        connection.execute(insert(devices), [{**row, **shared} for row in rows])


def update_device(connection: Connection, scope: Scope, record: Device) -> None:
    values = with_site_id(connection, scope, record.model_dump())
    update_rows(connection, scope, devices, devices.c.dev_eui == record.dev_eui, values)


def delete_device(connection: Connection, scope: Scope, dev_eui: str) -> None:
    delete_rows(connection, scope, devices, devices.c.dev_eui == dev_eui)


# --- edge agents -----------------------------------------------------------------------


def edge(connection: Connection, scope: Scope, edge_id: str) -> Edge:
    """An edge agent of the caller's tenant; raises NotFound."""
    found = one_row(connection, scope, edges, edges.c.id == edge_id, "edge agent", edge_id)
    return Edge.registered(found.id, found.name)


def edges_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Edge]:
    query = own_rows(scope, edges).order_by(edges.c.id)
    rows = connection.execute(one_page(query, edges.c.id, after, limit))
    return [Edge.registered(row.id, row.name) for row in rows]


def tenant_of_edge(connection: Connection, edge_id: str) -> str | None:
    """Whose an edge id is, which is unique for all tenants; None where nobody has it. No answer
    to a town may tell another town from nobody."""
    query = select(edges.c.tenant_id).where(edges.c.id == edge_id)
    return connection.execute(query).scalar_one_or_none()


@dataclass(frozen=True)
class OwnedEdge:
    """An edge agent with its tenant."""

    edge: Edge
    tenant_id: str


def edges_of_all(connection: Connection) -> list[OwnedEdge]:
    """The edge agents of all tenants, for commands on the server."""
    rows = connection.execute(select(edges).order_by(edges.c.id))
    return [OwnedEdge(Edge.registered(row.id, row.name), row.tenant_id) for row in rows]


def give_edge(connection: Connection, scope: Scope, record: Edge) -> None:
    """Make an edge one of the caller's tenant, whoever had it: for commands on the server."""
    where = edges.c.id == record.id
    connection.execute(
        update(edges).where(where).values(tenant_id=scope.tenant_id, name=record.name)
    )


def insert_edge(connection: Connection, scope: Scope, record: Edge, now: Instant) -> None:
    connection.execute(
        insert(edges).values(tenant_id=scope.tenant_id, created_at=now, **record.model_dump())
    )


def update_edge(connection: Connection, scope: Scope, record: Edge) -> None:
    update_rows(connection, scope, edges, edges.c.id == record.id, record.model_dump())


def delete_edge(connection: Connection, scope: Scope, edge_id: str) -> None:
    delete_rows(connection, scope, edges, edges.c.id == edge_id)


# --- what refers to sites --------------------------------------------------------------


def with_site_id(connection: Connection, scope: Scope, values: dict[str, Any]) -> dict[str, Any]:
    """Columns from a model's values: the key of the site instead of its slug. Raises NotFound."""
    (columns,) = with_site_ids(connection, scope, [values])
    return columns


def with_site_ids(
    connection: Connection, scope: Scope, records: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """As `with_site_id`, for many."""
    ids = site_ids(connection, scope, {values["site"] for values in records})
    rows = []
    for values in records:
        columns = dict(values)
        slug = columns.pop("site")
        if slug is not None and slug not in ids:
            raise missing("site", slug)
        rows.append({**columns, "site_id": ids.get(slug)})
    return rows


def site_ids(connection: Connection, scope: Scope, slugs: Iterable[str | None]) -> dict[str, int]:
    """The keys of those sites that the caller's tenant has."""
    wanted = sorted(slug for slug in slugs if slug is not None)
    rows = rows_named(connection, own_rows(scope, sites), sites.c.slug, wanted)
    return {row.slug: row.id for row in rows}
