"""SQL of trying a town file: a copy of the town's registry in a database of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, Select, Table, insert, null, select

from stadtsinn.base.batches import batched
from stadtsinn.cloud.alarms.alerts.tables import rule_groups, rule_recipients, rules
from stadtsinn.cloud.alarms.duty.tables import duty_groups, duty_members, duty_weekly
from stadtsinn.cloud.alarms.notify.tables import recipients
from stadtsinn.cloud.domains.crowd.zones.tables import gates, zones
from stadtsinn.cloud.platform.access.rows import NAMED
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.tables import tenant_limits
from stadtsinn.cloud.platform.tenants.tables import tenants
from stadtsinn.cloud.schema import metadata
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.cloud.town.tables import devices, edges, sites

_OWN = (
    tenant_limits,
    sites,
    devices,
    edges,
    stations,
    deployments,
    zones,
    gates,
    recipients,
    duty_groups,
    rules,
)
"""What a town file can name, in the order in which they refer to each other."""

_ROWS = 1_000


def copy_town(
    connection: Connection,
    copy: Database,
    tenant_id: str,
    dev_euis: Collection[str],
    edge_ids: Collection[str],
) -> None:
    """Copy what a town has into an empty database, and what others have of these names."""
    metadata.create_all(copy.engine)
    with copy.write() as into:
        for table, query in _queries(tenant_id, dev_euis, edge_ids):
            rows = connection.execute(query).mappings()
            for some in batched(rows, _ROWS):
                into.execute(insert(table), [dict(row) for row in some])


def _queries(
    tenant_id: str, dev_euis: Collection[str], edge_ids: Collection[str]
) -> Iterator[tuple[Table, Select[Any]]]:
    yield tenants, select(tenants)
    for table in _OWN:
        yield table, select(table).where(table.c.tenant_id == tenant_id)
    for table in (rule_recipients, rule_groups):
        yield table, select(table).join(rules).where(rules.c.tenant_id == tenant_id)
    for table in (duty_members, duty_weekly):
        yield table, select(table).join(duty_groups).where(duty_groups.c.tenant_id == tenant_id)
    once_ours = select(deployments.c.dev_eui).where(deployments.c.tenant_id == tenant_id)
    theirs = select(*_without_site(devices)).where(devices.c.tenant_id != tenant_id)
    yield devices, theirs.where(devices.c.dev_eui.in_(once_ours))
    for some in batched(dev_euis, NAMED):
        named = theirs.where(devices.c.dev_eui.in_(some), devices.c.dev_eui.not_in(once_ours))
        yield devices, named
    for some in batched(edge_ids, NAMED):
        named = select(edges).where(edges.c.tenant_id != tenant_id, edges.c.id.in_(some))
        yield edges, named


def _without_site(table: Table) -> list[Any]:
    return [null().label("site_id") if one.name == "site_id" else one for one in table.c]
