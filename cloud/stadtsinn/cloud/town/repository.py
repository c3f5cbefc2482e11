"""The registry's SQL. Every function that serves the API takes a scope and stays inside it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    Row,
    Select,
    Table,
    delete,
    insert,
    select,
    update,
)

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town import tables
from stadtsinn.cloud.town.records import Device, Edge, Gate, Site, Zone

AnyRow = Row[Any]


def bump_revision(connection: Connection) -> None:
    """Count the registry's revision up, in the transaction of the change itself."""
    table = tables.registry_revision
    counted = connection.execute(update(table).values(revision=table.c.revision + 1))
    if counted.rowcount == 0:
        connection.execute(insert(table).values(id=1, revision=1))


# --- sites -----------------------------------------------------------------------------


def _site(row: AnyRow) -> Site:
    return Site(row.slug, row.name, row.latitude, row.longitude)


def site(connection: Connection, scope: Scope, slug: str) -> Site:
    """A site of the caller's tenant; raises NotFound."""
    return _site(_one(connection, scope, tables.sites, tables.sites.c.slug == slug, "site", slug))


def sites_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Site]:
    """Sites in the order of their slugs."""
    query = _mine(scope, tables.sites).order_by(tables.sites.c.slug)
    return [
        _site(row) for row in connection.execute(_paged(query, tables.sites.c.slug, after, limit))
    ]


def insert_site(connection: Connection, scope: Scope, record: Site) -> None:
    connection.execute(insert(tables.sites).values(tenant_id=scope.tenant_id, **asdict(record)))


def update_site(connection: Connection, scope: Scope, record: Site) -> None:
    _update(connection, scope, tables.sites, tables.sites.c.slug == record.slug, asdict(record))


def delete_site(connection: Connection, scope: Scope, slug: str) -> None:
    _delete(connection, scope, tables.sites, tables.sites.c.slug == slug)


# --- devices ---------------------------------------------------------------------------


def _devices(scope: Scope) -> Select[Any]:
    joined = tables.devices.outerjoin(tables.sites, tables.devices.c.site_id == tables.sites.c.id)
    return _mine(scope, tables.devices, joined, tables.sites.c.slug.label("site"))


def _device(row: AnyRow) -> Device:
    return Device(
        dev_eui=row.dev_eui,
        device_type=row.device_type,
        name=row.name,
        interval_s=row.interval_s,
        site=row.site,
        latitude=row.latitude,
        longitude=row.longitude,
        tags=row.tags,
    )


def device(connection: Connection, scope: Scope, dev_eui: str) -> Device:
    """A device of the caller's tenant; raises NotFound, also for another tenant's."""
    row = connection.execute(
        _devices(scope).where(tables.devices.c.dev_eui == dev_eui)
    ).one_or_none()
    if row is None:
        raise _missing("device", dev_eui)
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
    query = _devices(scope).order_by(tables.devices.c.dev_eui)
    if site_slug is not None:
        query = query.where(tables.sites.c.slug == site_slug)
    if device_type is not None:
        query = query.where(tables.devices.c.device_type == device_type)
    rows = connection.execute(_paged(query, tables.devices.c.dev_eui, after, limit))
    return [_device(row) for row in rows]


def is_dev_eui_taken(connection: Connection, dev_eui: str) -> bool:
    """Whether any tenant has this device: the one question that goes beyond a scope."""
    where = tables.devices.c.dev_eui == dev_eui
    return connection.execute(select(tables.devices.c.dev_eui).where(where)).first() is not None


def tenant_of_device(connection: Connection, dev_eui: str) -> str | None:
    """Whose a device is, for commands on the server; None for one that nobody registered."""
    query = select(tables.devices.c.tenant_id).where(tables.devices.c.dev_eui == dev_eui)
    return connection.execute(query).scalar_one_or_none()


def insert_device(connection: Connection, scope: Scope, record: Device, now: Instant) -> None:
    connection.execute(
        insert(tables.devices).values(
            tenant_id=scope.tenant_id,
            created_at=now,
            **_with_site_id(connection, scope, asdict(record)),
        )
    )


def update_device(connection: Connection, scope: Scope, record: Device) -> None:
    values = _with_site_id(connection, scope, asdict(record))
    _update(connection, scope, tables.devices, tables.devices.c.dev_eui == record.dev_eui, values)


def delete_device(connection: Connection, scope: Scope, dev_eui: str) -> None:
    _delete(connection, scope, tables.devices, tables.devices.c.dev_eui == dev_eui)


# --- edge agents -----------------------------------------------------------------------


def edge(connection: Connection, scope: Scope, edge_id: str) -> Edge:
    """An edge agent of the caller's tenant; raises NotFound."""
    found = _one(
        connection, scope, tables.edges, tables.edges.c.id == edge_id, "edge agent", edge_id
    )
    return Edge(found.id, found.name)


def edges_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Edge]:
    query = _mine(scope, tables.edges).order_by(tables.edges.c.id)
    rows = connection.execute(_paged(query, tables.edges.c.id, after, limit))
    return [Edge(row.id, row.name) for row in rows]


def is_edge_id_taken(connection: Connection, edge_id: str) -> bool:
    """Whether any tenant has this edge agent: certificates know no tenants."""
    where = tables.edges.c.id == edge_id
    return connection.execute(select(tables.edges.c.id).where(where)).first() is not None


def insert_edge(connection: Connection, scope: Scope, record: Edge, now: Instant) -> None:
    connection.execute(
        insert(tables.edges).values(tenant_id=scope.tenant_id, created_at=now, **asdict(record))
    )


def update_edge(connection: Connection, scope: Scope, record: Edge) -> None:
    _update(connection, scope, tables.edges, tables.edges.c.id == record.id, asdict(record))


def delete_edge(connection: Connection, scope: Scope, edge_id: str) -> None:
    _delete(connection, scope, tables.edges, tables.edges.c.id == edge_id)


# --- zones -----------------------------------------------------------------------------


def _zones(scope: Scope) -> Select[Any]:
    joined = tables.zones.outerjoin(tables.sites, tables.zones.c.site_id == tables.sites.c.id)
    return _mine(scope, tables.zones, joined, tables.sites.c.slug.label("site"))


def _zone(row: AnyRow) -> Zone:
    return Zone(
        slug=row.slug,
        name=row.name,
        name_en=row.name_en,
        site=row.site,
        permitted=row.permitted,
        reset_at=row.reset_at,
        interval_s=row.interval_s,
        error_in=row.error_in,
        error_out=row.error_out,
        max_rate=row.max_rate,
        public=row.public,
    )


def zone(connection: Connection, scope: Scope, slug: str) -> Zone:
    """A zone of the caller's tenant; raises NotFound."""
    row = connection.execute(_zones(scope).where(tables.zones.c.slug == slug)).one_or_none()
    if row is None:
        raise _missing("zone", slug)
    return _zone(row)


def zone_id(connection: Connection, scope: Scope, slug: str) -> int:
    """The key that followers know a zone by; raises NotFound."""
    found = _one(connection, scope, tables.zones, tables.zones.c.slug == slug, "zone", slug)
    return int(found.id)


def zones_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Zone]:
    query = _zones(scope).order_by(tables.zones.c.slug)
    rows = connection.execute(_paged(query, tables.zones.c.slug, after, limit))
    return [_zone(row) for row in rows]


def insert_zone(connection: Connection, scope: Scope, record: Zone) -> None:
    values = _with_site_id(connection, scope, asdict(record))
    connection.execute(insert(tables.zones).values(tenant_id=scope.tenant_id, **values))


def update_zone(connection: Connection, scope: Scope, record: Zone) -> None:
    values = _with_site_id(connection, scope, asdict(record))
    _update(connection, scope, tables.zones, tables.zones.c.slug == record.slug, values)


def delete_zone(connection: Connection, scope: Scope, slug: str) -> None:
    _delete(connection, scope, tables.zones, tables.zones.c.slug == slug)


# --- gates -----------------------------------------------------------------------------


def _gate(row: AnyRow) -> Gate:
    return Gate(row.slug, row.name, row.dev_eui, row.channel, row.swapped)


def gates_of(connection: Connection, scope: Scope, zone_slug: str) -> list[Gate]:
    """All gates of a zone; raises NotFound for the zone."""
    owner = zone_id(connection, scope, zone_slug)
    query = _mine(scope, tables.gates).where(tables.gates.c.zone_id == owner)
    return [_gate(row) for row in connection.execute(query.order_by(tables.gates.c.slug))]


def gate(connection: Connection, scope: Scope, zone_slug: str, slug: str) -> Gate:
    """A gate of a zone; raises NotFound for either."""
    for found in gates_of(connection, scope, zone_slug):
        if found.slug == slug:
            return found
    raise _missing("gate", slug)


def gates_of_device(connection: Connection, scope: Scope, dev_eui: str) -> list[tuple[str, str]]:
    """Slugs of zone and gate wherever this device counts."""
    query = (
        select(tables.zones.c.slug, tables.gates.c.slug)
        .join_from(tables.gates, tables.zones, tables.gates.c.zone_id == tables.zones.c.id)
        .where(tables.gates.c.tenant_id == scope.tenant_id, tables.gates.c.dev_eui == dev_eui)
        .order_by(tables.zones.c.slug, tables.gates.c.slug)
    )
    return [(zone_slug, gate_slug) for zone_slug, gate_slug in connection.execute(query)]


def insert_gate(connection: Connection, scope: Scope, zone_slug: str, record: Gate) -> None:
    owner = zone_id(connection, scope, zone_slug)
    connection.execute(
        insert(tables.gates).values(tenant_id=scope.tenant_id, zone_id=owner, **asdict(record))
    )


def update_gate(connection: Connection, scope: Scope, zone_slug: str, record: Gate) -> None:
    owner = zone_id(connection, scope, zone_slug)
    where = (tables.gates.c.zone_id == owner) & (tables.gates.c.slug == record.slug)
    _update(connection, scope, tables.gates, where, asdict(record))


def delete_gate(connection: Connection, scope: Scope, zone_slug: str, slug: str) -> None:
    owner = zone_id(connection, scope, zone_slug)
    where = (tables.gates.c.zone_id == owner) & (tables.gates.c.slug == slug)
    _delete(connection, scope, tables.gates, where)


# --- what all of them share ------------------------------------------------------------


def _mine(scope: Scope, table: Table, source: FromClause | None = None, *more: Any) -> Select[Any]:
    """Rows of the caller's tenant, and of no other."""
    return (
        select(table, *more)
        .select_from(table if source is None else source)
        .where(table.c.tenant_id == scope.tenant_id)
    )


def _paged(query: Select[Any], key: Any, after: str | None, limit: int | None) -> Select[Any]:
    return (query if after is None else query.where(key > after)).limit(limit)


def _one(
    connection: Connection, scope: Scope, table: Table, where: Any, kind: str, name: str
) -> AnyRow:
    row = connection.execute(_mine(scope, table).where(where)).one_or_none()
    if row is None:
        raise _missing(kind, name)
    return row


def _update(
    connection: Connection, scope: Scope, table: Table, where: Any, values: dict[str, Any]
) -> None:
    connection.execute(
        update(table).where(table.c.tenant_id == scope.tenant_id, where).values(**values)
    )


def _delete(connection: Connection, scope: Scope, table: Table, where: Any) -> None:
    connection.execute(delete(table).where(table.c.tenant_id == scope.tenant_id, where))


def _with_site_id(connection: Connection, scope: Scope, values: dict[str, Any]) -> dict[str, Any]:
    slug = values.pop("site")
    if slug is None:
        return {**values, "site_id": None}
    where = tables.sites.c.slug == slug
    found = _one(connection, scope, tables.sites, where, "site", slug)
    return {**values, "site_id": found.id}


def _missing(kind: str, name: str) -> NotFound:
    return NotFound(f"There is no {kind} '{name}'.")
