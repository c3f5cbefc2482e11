"""SQL of erasing. Which rows are whose, the tables themselves say (`platform.privacy.kept`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    delete,
    func,
    or_,
    select,
    tuple_,
    union,
    update,
)
from sqlalchemy.schema import sort_tables

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.tables import rules
from stadtsinn.cloud.alarms.duty.tables import duty_groups
from stadtsinn.cloud.intake.device_claims.tables import device_claims
from stadtsinn.cloud.intake.tables import configured_edges, quarantine
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.operations.conditions import OF_DEVICES, OF_DUTY, OF_EDGES, duty_subject
from stadtsinn.cloud.operations.repository import told
from stadtsinn.cloud.operations.tables import operator_alarms
from stadtsinn.cloud.platform.privacy.kept import is_owned, of_tenant, owner_of
from stadtsinn.cloud.platform.tenants.tables import tenants
from stadtsinn.cloud.schema import metadata
from stadtsinn.cloud.series.redecode.tables import redecodings
from stadtsinn.cloud.town.stations.tables import deployments
from stadtsinn.cloud.town.tables import devices, edges, former_owners


def owned_tables() -> list[Table]:
    """The tables of towns but for `tenants` and the log: what refers comes before what it refers
    to."""
    tables = [one for one in metadata.tables.values() if is_owned(one)]
    beside = [
        (metadata.tables[owner[1].partition(".")[0]], table)
        for table in tables
        if (owner := owner_of(table)) is not None
    ]
    beside += [(devices, quarantine), (edges, quarantine)]  # see `rows_of`
    ordered = sort_tables(tables, extra_dependencies=beside)
    return [one for one in reversed(ordered) if one not in (tenants, uplinks)]


def rows_of(table: Table, tenant_id: str) -> ColumnElement[bool]:
    """A town's rows, with those of nobody that are about its devices and edges."""
    own = of_tenant(table, tenant_id)
    if table is not quarantine:
        return own
    its_devices = select(devices.c.dev_eui).where(devices.c.tenant_id == tenant_id)
    its_edges = select("edge:" + edges.c.id).where(edges.c.tenant_id == tenant_id)
    about = or_(quarantine.c.dev_eui.in_(its_devices), quarantine.c.source.in_(its_edges))
    return or_(own, quarantine.c.tenant_id.is_(None) & about)


def delete_some(
    connection: Connection, table: Table, where: ColumnElement[bool], limit: int
) -> int:
    """Delete `limit` of these rows at most; how many."""
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(where).limit(limit)
    return connection.execute(delete(table).where(key.in_(some))).rowcount


def count(connection: Connection, table: Table, tenant_id: str) -> int:
    query = select(func.count()).select_from(table).where(of_tenant(table, tenant_id))
    return int(connection.execute(query).scalar_one())


def anything_left(connection: Connection, tenant_id: str) -> str | None:
    """A table in which a town still has rows."""
    for table in (uplinks, *owned_tables()):
        query = select(*table.primary_key.columns).where(rows_of(table, tenant_id)).limit(1)
        if connection.execute(query).first() is not None:
            return table.name
    return None


def known_towns(connection: Connection, *, also_erasing: bool = False) -> list[str]:
    """The towns of this installation, in their order."""
    query = select(tenants.c.id).order_by(tenants.c.id)
    if not also_erasing:
        query = query.where(tenants.c.erasing_since.is_(None))
    return list(connection.execute(query).scalars())


# --- the beginning and the end of a town -----------------------------------------------


def mark(connection: Connection, tenant_id: str, now: Instant) -> bool:
    """From now on nobody sees the town, nothing of it is taken and no rule of it is judged.

    False where it was so already.
    """
    new = connection.execute(
        update(tenants)
        .where(tenants.c.id == tenant_id, tenants.c.erasing_since.is_(None))
        .values(erasing_since=now)
    ).rowcount
    connection.execute(update(rules).where(rules.c.tenant_id == tenant_id).values(enabled=False))
    return bool(new)


def forget_claims(connection: Connection, tenant_id: str) -> None:
    """Claims of others no longer name the town."""
    table = device_claims
    for column in (table.c.agreed_by, table.c.former_owner):
        connection.execute(update(table).where(column == tenant_id).values({column.name: None}))


def forget_former_owner(connection: Connection, tenant_id: str, dev_eui: str | None = None) -> None:
    """A device that somebody else has by now: what it measured before is nobody's, and not the new
    owner's. Of others the row goes."""
    own = former_owners.c.tenant_id == tenant_id
    if dev_eui is not None:
        own &= former_owners.c.dev_eui == dev_eui
    elsewhere = select(devices.c.dev_eui).where(devices.c.tenant_id != tenant_id)
    others = own & former_owners.c.dev_eui.in_(elsewhere)
    connection.execute(update(former_owners).where(others).values(tenant_id=None))
    connection.execute(delete(former_owners).where(own))


def delete_tenant(connection: Connection, tenant_id: str) -> None:
    connection.execute(delete(tenants).where(tenants.c.id == tenant_id))


# --- what the installation notes of devices ---------------------------------------------


def devices_of(connection: Connection, tenant_id: str) -> set[str]:
    """The devices that a town has."""
    query = select(devices.c.dev_eui).where(devices.c.tenant_id == tenant_id)
    return set(connection.execute(query).scalars())


def edges_of(connection: Connection, tenant_id: str) -> set[str]:
    """The edge agents that a town has."""
    return set(
        connection.execute(select(edges.c.id).where(edges.c.tenant_id == tenant_id)).scalars()
    )


def known_devices(connection: Connection) -> set[str]:
    """Every device that some town has, had or deployed."""
    tables = (devices, deployments, former_owners)
    return set(connection.execute(union(*(select(one.c.dev_eui) for one in tables))).scalars())


def forget_in_redecodings(connection: Connection, dev_euis: Collection[str]) -> None:
    """Records of runs for all towns no longer name these devices."""
    table = redecodings
    ended = table.c.tenant_id.is_(None) & table.c.finished_at.is_not(None)
    for number, chosen in connection.execute(select(table.c.id, table.c.devices).where(ended)):
        left = [one for one in chosen if one not in dev_euis]
        if chosen and not left:  # an empty list would say: all
            connection.execute(delete(table).where(table.c.id == number))
        elif left != chosen:
            connection.execute(update(table).where(table.c.id == number).values(devices=left))


def duty_subjects(connection: Connection, tenant_id: str) -> set[str]:
    """How operators are told of a town's duty groups."""
    own = select(duty_groups.c.slug).where(duty_groups.c.tenant_id == tenant_id)
    return {duty_subject(tenant_id, one) for one in connection.execute(own).scalars()}


def forget_told(
    connection: Connection,
    dev_euis: Collection[str],
    edge_ids: Collection[str] = (),
    groups: Collection[str] = (),
) -> None:
    """What operators were told of these is over. Who calls an edge like another's device reaches
    nothing that was told of that."""
    table = operator_alarms
    gone = {(kind.value, one) for kind in OF_DEVICES for one in dev_euis}
    gone |= {(kind.value, one) for kind in OF_EDGES for one in edge_ids}
    gone |= {(kind.value, one) for kind in OF_DUTY for one in groups}
    for kind, subject in told(connection).keys() & gone:
        connection.execute(delete(table).where(table.c.kind == kind, table.c.subject == subject))


def configurations_without_edge(connection: Connection) -> Iterator[str]:
    """Edges that are gone, whose retained configuration the ingest still has to take back."""
    query = select(configured_edges.c.edge_id)
    yield from connection.execute(
        query.where(configured_edges.c.edge_id.not_in(select(edges.c.id)))
    ).scalars()
