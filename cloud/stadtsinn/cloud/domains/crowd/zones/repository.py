"""The SQL of zones and gates."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select

from stadtsinn.cloud.domains.crowd.zones.entry import GateEntry, ZoneEntry
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.tables import gates, zones
from stadtsinn.cloud.platform.access.rows import (
    delete_rows,
    missing,
    one_page,
    one_row,
    own_rows,
    update_rows,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.repository import with_site_id
from stadtsinn.cloud.town.tables import devices, sites

# --- zones -----------------------------------------------------------------------------

_ZONES_AND_SITES = zones.outerjoin(sites, zones.c.site_id == sites.c.id)
_SITE = sites.c.slug.label("site")


def _zones(scope: Scope) -> Select[Any]:
    return own_rows(scope, zones, _ZONES_AND_SITES, _SITE)


def _zone(row: object) -> Zone:
    return Zone.model_validate(row, from_attributes=True)


def zone(connection: Connection, scope: Scope, slug: str) -> Zone:
    """A zone of the caller's tenant; raises NotFound."""
    row = connection.execute(_zones(scope).where(zones.c.slug == slug)).one_or_none()
    if row is None:
        raise missing("zone", slug)
    return _zone(row)


def zone_id(connection: Connection, scope: Scope, slug: str) -> int:
    """The key that followers know a zone by; raises NotFound."""
    return int(one_row(connection, scope, zones, zones.c.slug == slug, "zone", slug).id)


def zones_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Zone]:
    query = _zones(scope).order_by(zones.c.slug)
    rows = connection.execute(one_page(query, zones.c.slug, after, limit))
    return [_zone(row) for row in rows]


def insert_zone(connection: Connection, scope: Scope, record: Zone) -> int:
    """Returns the zone's key."""
    values = with_site_id(connection, scope, record.model_dump())
    statement = insert(zones).values(tenant_id=scope.tenant_id, **values)
    return int(connection.execute(statement.returning(zones.c.id)).scalar_one())


def update_zone(connection: Connection, scope: Scope, record: Zone) -> None:
    values = with_site_id(connection, scope, record.model_dump())
    update_rows(connection, scope, zones, zones.c.slug == record.slug, values)


def delete_zone(connection: Connection, scope: Scope, slug: str) -> None:
    delete_rows(connection, scope, zones, zones.c.slug == slug)


# --- gates -----------------------------------------------------------------------------


def _gate(row: object) -> Gate:
    return Gate.model_validate(row, from_attributes=True)


def gates_of(connection: Connection, scope: Scope, zone_slug: str) -> list[Gate]:
    """All gates of a zone; raises NotFound for the zone."""
    owner = zone_id(connection, scope, zone_slug)
    query = own_rows(scope, gates).where(gates.c.zone_id == owner)
    return [_gate(row) for row in connection.execute(query.order_by(gates.c.slug))]


def gate(connection: Connection, scope: Scope, zone_slug: str, slug: str) -> Gate:
    """A gate of a zone; raises NotFound for either."""
    for found in gates_of(connection, scope, zone_slug):
        if found.slug == slug:
            return found
    raise missing("gate", slug)


def gates_of_device(connection: Connection, scope: Scope, dev_eui: str) -> list[str]:
    """Where this device counts, as paths of the API."""
    query = (
        select(zones.c.slug, gates.c.slug)
        .join_from(gates, zones, gates.c.zone_id == zones.c.id)
        .where(gates.c.tenant_id == scope.tenant_id, gates.c.dev_eui == dev_eui)
        .order_by(zones.c.slug, gates.c.slug)
    )
    return [f"zones/{zone}/gates/{gate}" for zone, gate in connection.execute(query)]


def insert_gate(connection: Connection, scope: Scope, zone_slug: str, record: Gate) -> None:
    owner = zone_id(connection, scope, zone_slug)
    connection.execute(
        insert(gates).values(tenant_id=scope.tenant_id, zone_id=owner, **record.model_dump())
    )


def update_gate(connection: Connection, scope: Scope, zone_slug: str, record: Gate) -> None:
    owner = zone_id(connection, scope, zone_slug)
    where = (gates.c.zone_id == owner) & (gates.c.slug == record.slug)
    update_rows(connection, scope, gates, where, record.model_dump())


def delete_gate(connection: Connection, scope: Scope, zone_slug: str, slug: str) -> None:
    owner = zone_id(connection, scope, zone_slug)
    delete_rows(connection, scope, gates, (gates.c.zone_id == owner) & (gates.c.slug == slug))


# --- for followers: zones of all tenants ------------------------------------------------


def zone_entries(connection: Connection) -> list[ZoneEntry]:
    """Every zone with its gates."""
    return _entries(connection)


def zone_entry(connection: Connection, zone_id: int) -> ZoneEntry | None:
    """The zone of this key as it is registered in this moment."""
    found = _entries(connection, zone_id)
    return found[0] if found else None


def _entries(connection: Connection, zone_id: int | None = None) -> list[ZoneEntry]:
    zone_rows = select(zones, _SITE).select_from(_ZONES_AND_SITES).order_by(zones.c.id)
    gate_rows = (
        select(gates, devices.c.device_type)
        .join_from(gates, devices, gates.c.dev_eui == devices.c.dev_eui)
        .order_by(gates.c.id)
    )
    if zone_id is not None:
        zone_rows = zone_rows.where(zones.c.id == zone_id)
        gate_rows = gate_rows.where(gates.c.zone_id == zone_id)
    gates_by_zone: dict[int, list[GateEntry]] = defaultdict(list)
    for row in connection.execute(gate_rows):
        gates_by_zone[row.zone_id].append(GateEntry.model_validate(row, from_attributes=True))
    return [_entry(row, gates_by_zone[row.id]) for row in connection.execute(zone_rows)]


def _entry(row: Row[Any], entries: list[GateEntry]) -> ZoneEntry:
    settings = _zone(row).model_dump()
    return ZoneEntry(id=row.id, tenant_id=row.tenant_id, gates=tuple(entries), **settings)
