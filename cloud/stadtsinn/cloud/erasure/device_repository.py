"""SQL of erasing one device of a town."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, update

from stadtsinn.cloud.domains.crowd.tables import gate_counts
from stadtsinn.cloud.domains.crowd.zones.tables import gates
from stadtsinn.cloud.erasure.repository import owned_tables
from stadtsinn.cloud.intake.tables import quarantine
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.platform.access.rows import missing
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.privacy.kept import of_tenant
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.cloud.town.tables import devices, former_owners

Line = tuple[int, int]
"""Gate and direction."""


def require_known(connection: Connection, scope: Scope, dev_eui: str) -> None:
    """Raises NotFound unless the town has or had the device, or keeps something of it."""
    mine = [
        select(table.c.dev_eui).where(
            table.c.tenant_id == scope.tenant_id, table.c.dev_eui == dev_eui
        )
        for table in (devices, former_owners, uplinks, deployments)
    ]
    if not any(connection.execute(one.limit(1)).first() is not None for one in mine):
        raise missing("device", dev_eui)


def towns_that_know(connection: Connection, dev_eui: str) -> list[str]:
    """The towns that have or had a device, the one that has it first."""
    found = []
    for table in (devices, former_owners, deployments):
        query = select(table.c.tenant_id).distinct().where(table.c.dev_eui == dev_eui)
        found += [one for one in connection.execute(query).scalars() if one is not None]
    return list(dict.fromkeys(found))


def rows_of(tenant_id: str, dev_eui: str) -> list[tuple[Table, ColumnElement[bool]]]:
    """The rows that go with a device: of every town's table that names devices."""
    return [
        (table, (table.c.dev_eui == dev_eui) & of_tenant(table, tenant_id))
        if table is not quarantine
        else (table, _quarantined(tenant_id, dev_eui))
        for table in owned_tables()
        if "dev_eui" in table.c and table not in _APART
    ]


_APART = (devices, former_owners, deployments, gate_counts)
"""Struck off at the beginning, kept until the end, or kept without the name."""


def _quarantined(tenant_id: str, dev_eui: str) -> ColumnElement[bool]:
    """Also what belongs to nobody, unless another town has the device by now."""
    others = select(devices.c.dev_eui).where(
        devices.c.dev_eui == dev_eui, devices.c.tenant_id != tenant_id
    )
    of_nobody = quarantine.c.tenant_id.is_(None) & ~others.exists()
    return (quarantine.c.dev_eui == dev_eui) & ((quarantine.c.tenant_id == tenant_id) | of_nobody)


def count_quarantined(connection: Connection, tenant_id: str, dev_eui: str) -> int:
    query = select(func.count()).where(_quarantined(tenant_id, dev_eui))
    return int(connection.execute(query).scalar_one())


def stations_of(connection: Connection, tenant_id: str, dev_eui: str) -> list[str]:
    """The stations at which a device was deployed."""
    query = (
        select(stations.c.slug)
        .distinct()
        .join(deployments, deployments.c.station_id == stations.c.id)
        .where(deployments.c.tenant_id == tenant_id, deployments.c.dev_eui == dev_eui)
        .order_by(stations.c.slug)
    )
    return list(connection.execute(query).scalars())


def lines_of(connection: Connection, tenant_id: str, dev_eui: str) -> list[Line]:
    """The gates and directions that it may have counted."""
    at = select(deployments.c.station_id).where(
        deployments.c.tenant_id == tenant_id, deployments.c.dev_eui == dev_eui
    )
    own = select(gates.c.id).where(gates.c.tenant_id == tenant_id, gates.c.station_id.in_(at))
    return [(gate, direction) for gate in connection.execute(own).scalars() for direction in (0, 1)]


class Unnaming:
    """Takes a device's name out of the counts of a line, in the order of time."""

    def __init__(self, line: Line, dev_eui: str) -> None:
        self._line = line
        self._dev_eui = dev_eui
        self._since = -1

    def __call__(self, connection: Connection, limit: int) -> int:
        """Looks at so many counts; how many there were."""
        table = gate_counts.c
        gate, direction = self._line
        here = (table.gate_id == gate) & (table.direction == direction)
        query = select(table.event_time).where(here, table.event_time > self._since)
        times = connection.execute(query.order_by(table.event_time).limit(limit)).scalars().all()
        if times:
            span = table.event_time.between(times[0], times[-1])
            mine = table.dev_eui == self._dev_eui
            connection.execute(
                update(gate_counts).where(here, span, mine).values(dev_eui="", dev_addr="")
            )
            self._since = times[-1]
        return len(times)


def delete_deployments(connection: Connection, tenant_id: str, dev_eui: str) -> None:
    connection.execute(
        delete(deployments).where(
            deployments.c.tenant_id == tenant_id, deployments.c.dev_eui == dev_eui
        )
    )
