"""The SQL of zones and gates."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select

from stadtsinn.cloud.domains.crowd.gate_repository import IN, OUT, delete_oldest
from stadtsinn.cloud.domains.crowd.tables import zone_corrections, zone_samples
from stadtsinn.cloud.domains.crowd.zones.entry import Counter, GateEntry, ZoneEntry
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.permits import PlannedPermit
from stadtsinn.cloud.domains.crowd.zones.tables import gates, zones
from stadtsinn.cloud.platform.access.rows import (
    delete_rows,
    missing,
    one_page,
    one_row,
    only_row,
    own_rows,
    update_rows,
    users_of,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.tenants.repository import erasing
from stadtsinn.cloud.town.repository import with_site_id
from stadtsinn.cloud.town.stations.repository import station_id
from stadtsinn.cloud.town.stations.tables import deployments, stations
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
    row = only_row(connection, _zones(scope).where(zones.c.slug == slug), "zone", slug)
    return _zone(row)


def zone_id(connection: Connection, scope: Scope, slug: str) -> int:
    """The key that followers know a zone by; raises NotFound."""
    return int(one_row(connection, scope, zones, zones.c.slug == slug, "zone", slug).id)


def permitted_of(connection: Connection, number: int) -> int | None:
    """What the permit of a zone allows now, by its key; None without one."""
    permitted: int | None = connection.scalar(select(zones.c.permitted).where(zones.c.id == number))
    return permitted


def zones_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Zone]:
    query = _zones(scope).order_by(zones.c.slug)
    rows = connection.execute(one_page(query, zones.c.slug, after, limit))
    return [_zone(row) for row in rows]


def insert_zone(connection: Connection, scope: Scope, record: Zone) -> int:
    """Returns the zone's key."""
    values = _zone_columns(connection, scope, record)
    statement = insert(zones).values(tenant_id=scope.tenant_id, **values)
    return int(connection.execute(statement.returning(zones.c.id)).scalar_one())


def update_zone(connection: Connection, scope: Scope, record: Zone) -> None:
    values = _zone_columns(connection, scope, record)
    update_rows(connection, scope, zones, zones.c.slug == record.slug, values)


def _zone_columns(connection: Connection, scope: Scope, record: Zone) -> dict[str, Any]:
    values = record.model_dump(exclude={"events"})
    events = [event.model_dump(mode="json") for event in record.events]
    return {**with_site_id(connection, scope, values), "events": events}


def planned_permits(connection: Connection, scope: Scope, slug: str) -> tuple[PlannedPermit, ...]:
    """Changes of the permitted number that are to come; raises NotFound."""
    row = only_row(connection, _zones(scope).where(zones.c.slug == slug), "zone", slug)
    return _planned(row)


def _planned(row: Row[Any]) -> tuple[PlannedPermit, ...]:
    return tuple(PlannedPermit.model_validate(one) for one in row.planned)


def delete_zone(connection: Connection, scope: Scope, slug: str) -> None:
    """With what was computed for it."""
    delete_rows(connection, scope, zones, zones.c.slug == slug)


def users_of_zone(connection: Connection, scope: Scope, slug: str) -> list[str]:
    """The tables of other rooms whose rows refer to a zone, e.g. ``rules``."""
    return users_of(connection, zones.c.id, zone_id(connection, scope, slug), without=(gates,))


def forget_zone_history(connection: Connection, scope: Scope, slug: str, limit: int) -> int:
    """Delete samples and corrections of a zone, the oldest of each, so many at most; how many."""
    mine = zone_id(connection, scope, slug)
    done = 0
    for table, key in ((zone_samples, "position"), (zone_corrections, "id")):
        column = table.c[key]
        oldest = select(column).where(table.c.zone_id == mine).order_by(column).limit(limit)
        done += connection.execute(delete(table).where(column.in_(oldest))).rowcount
    return done


# --- gates -----------------------------------------------------------------------------


_STATION = stations.c.slug.label("station")


def _gates(scope: Scope) -> Select[Any]:
    return own_rows(scope, gates, gates.join(stations), _STATION)


def _gate(row: object) -> Gate:
    return Gate.model_validate(row, from_attributes=True)


def gates_of(connection: Connection, scope: Scope, zone_slug: str) -> list[Gate]:
    """All gates of a zone; raises NotFound for the zone."""
    owner = zone_id(connection, scope, zone_slug)
    query = _gates(scope).where(gates.c.zone_id == owner)
    return [_gate(row) for row in connection.execute(query.order_by(gates.c.slug))]


def gate(connection: Connection, scope: Scope, zone_slug: str, slug: str) -> Gate:
    """A gate of a zone; raises NotFound for either."""
    for found in gates_of(connection, scope, zone_slug):
        if found.slug == slug:
            return found
    raise missing("gate", slug)


def insert_gate(connection: Connection, scope: Scope, zone_slug: str, record: Gate) -> None:
    owner = zone_id(connection, scope, zone_slug)
    values = _gate_columns(connection, scope, record)
    connection.execute(insert(gates).values(tenant_id=scope.tenant_id, zone_id=owner, **values))


def update_gate(connection: Connection, scope: Scope, zone_slug: str, record: Gate) -> None:
    owner = zone_id(connection, scope, zone_slug)
    where = (gates.c.zone_id == owner) & (gates.c.slug == record.slug)
    update_rows(connection, scope, gates, where, _gate_columns(connection, scope, record))


def forget_gate_counts(
    connection: Connection, scope: Scope, zone_slug: str, slug: str, limit: int
) -> int:
    """Delete counts of a gate, the oldest of each direction, so many at most; how many."""
    owner = zone_id(connection, scope, zone_slug)
    mine = select(gates.c.id).where(gates.c.zone_id == owner, gates.c.slug == slug)
    gate_id = connection.scalar(mine) or 0
    return sum(delete_oldest(connection, (gate_id, direction), limit) for direction in (IN, OUT))


def delete_gate(connection: Connection, scope: Scope, zone_slug: str, slug: str) -> None:
    """With its counts."""
    owner = zone_id(connection, scope, zone_slug)
    delete_rows(connection, scope, gates, (gates.c.zone_id == owner) & (gates.c.slug == slug))


def _gate_columns(connection: Connection, scope: Scope, record: Gate) -> dict[str, Any]:
    values = record.model_dump(exclude={"station"})
    return {**values, "station_id": station_id(connection, scope, record.station)}


def device_types_at(connection: Connection, scope: Scope, station: str) -> list[str]:
    """The types of the devices that are, were or will be at a station."""
    query = (
        select(devices.c.device_type)
        .distinct()
        .join_from(deployments, devices, deployments.c.dev_eui == devices.c.dev_eui)
        .join(stations, deployments.c.station_id == stations.c.id)
        .where(stations.c.tenant_id == scope.tenant_id, stations.c.slug == station)
    )
    return list(connection.scalars(query))


# --- for followers: zones of all tenants ------------------------------------------------


def zone_entries(connection: Connection) -> list[ZoneEntry]:
    """Every zone with its gates."""
    return _entries(connection)


def zone_entry(connection: Connection, zone_id: int) -> ZoneEntry | None:
    """The zone of this key as it is registered in this moment."""
    found = _entries(connection, zone_id)
    return found[0] if found else None


def _entries(connection: Connection, zone_id: int | None = None) -> list[ZoneEntry]:
    present = zones.c.tenant_id.not_in(erasing())
    zone_rows = (
        select(zones, _SITE).select_from(_ZONES_AND_SITES).where(present).order_by(zones.c.id)
    )
    gate_rows = select(gates, _STATION).join_from(gates, stations).order_by(gates.c.id)
    if zone_id is not None:
        zone_rows = zone_rows.where(zones.c.id == zone_id)
        gate_rows = gate_rows.where(gates.c.zone_id == zone_id)
    places = _deployments_at_gates(connection)
    gates_by_zone: dict[int, list[GateEntry]] = defaultdict(list)
    for row in connection.execute(gate_rows):
        settings = _gate(row).model_dump()
        counters = _counters(places[row.station_id], row.channel)
        gates_by_zone[row.zone_id].append(
            GateEntry(id=row.id, station_id=row.station_id, counters=counters, **settings)
        )
    return [_entry(row, gates_by_zone[row.id]) for row in connection.execute(zone_rows)]


def _deployments_at_gates(connection: Connection) -> dict[int, list[Any]]:
    """Deployments at stations that have a gate, by station, in the order of time."""
    query = (
        select(
            deployments.c.station_id,
            deployments.c.dev_eui,
            deployments.c.channels,
            devices.c.device_type,
        )
        .select_from(deployments.outerjoin(devices, deployments.c.dev_eui == devices.c.dev_eui))
        .where(deployments.c.station_id.in_(select(gates.c.station_id)))
        .order_by(deployments.c.start, deployments.c.id)
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.station_id].append(row)
    return found


def _counters(places: list[Any], channel: str) -> tuple[Counter, ...]:
    """The devices that feed a channel of the station, each once."""
    found: dict[str, Counter] = {}
    for place in places:
        mapping = {channel: channel} if place.channels is None else place.channels
        for own, fed in mapping.items():
            if fed == channel:
                found[place.dev_eui] = Counter(
                    dev_eui=place.dev_eui, device_type=place.device_type, channel=own
                )
    return tuple(found.values())


def _entry(row: Row[Any], entries: list[GateEntry]) -> ZoneEntry:
    settings = _zone(row).model_dump()
    return ZoneEntry(
        id=row.id, tenant_id=row.tenant_id, gates=tuple(entries), planned=_planned(row), **settings
    )
