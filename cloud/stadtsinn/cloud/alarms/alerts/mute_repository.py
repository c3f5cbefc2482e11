"""The SQL of mutes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.mute import Mute, Of, Subject
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.tables import alert_mutes
from stadtsinn.cloud.alarms.duty.tables import duty_groups
from stadtsinn.cloud.platform.access.rows import only_row
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.stations.tables import stations
from stadtsinn.cloud.town.tables import sites


def active(connection: Connection, tenant_id: str, now: Instant) -> list[Mute]:
    """Those of a town that hold at a moment."""
    table = alert_mutes.c
    query = select(alert_mutes).where(
        table.tenant_id == tenant_id, table.end > now, table.start <= now
    )
    return [_mute(row) for row in connection.execute(query.order_by(table.id))]


def active_everywhere(connection: Connection, now: Instant) -> frozenset[int]:
    """The numbers of those that hold, of all towns."""
    table = alert_mutes.c
    return frozenset(
        connection.scalars(select(table.id).where(table.end > now, table.start <= now))
    )


def mutes_page(
    connection: Connection,
    scope: Scope,
    before: int | None,
    limit: int | None,
    *,
    since: Instant | None = None,
) -> list[Mute]:
    """The newest first; with `since` only those that end after it."""
    query = _mine(scope)
    if before is not None:
        query = query.where(alert_mutes.c.id < before)
    if since is not None:
        query = query.where(alert_mutes.c.end > since)
    rows = connection.execute(query.order_by(alert_mutes.c.id.desc()).limit(limit))
    return [_mute(row) for row in rows]


def mute(connection: Connection, scope: Scope, number: int) -> Mute:
    """Raises NotFound."""
    found = _mine(scope).where(alert_mutes.c.id == number)
    return _mute(only_row(connection, found, "mute", str(number)))


def insert_mute(
    connection: Connection,
    scope: Scope,
    of: Of,
    value: str,
    span: tuple[Instant, Instant],
    reason: str,
) -> int:
    """Returns its number."""
    start, end = span
    statement = insert(alert_mutes).values(
        tenant_id=scope.tenant_id, of=of.value, value=value, start=start, end=end, reason=reason
    )
    return int(connection.execute(statement.returning(alert_mutes.c.id)).scalar_one())


def end_mute(connection: Connection, scope: Scope, number: int, now: Instant) -> None:
    table = alert_mutes.c
    connection.execute(
        update(alert_mutes)
        .where(table.tenant_id == scope.tenant_id, table.id == number, table.end > now)
        .values(end=now)
    )


def subject_of(connection: Connection, stored: StoredRule, station_id: int | None) -> Subject:
    """What mutes look at, for a rule at a station; None: a zone's."""
    rule, zone = stored.rule.slug, stored.rule.zone
    if station_id is None:
        return Subject(rule, zone)
    query = (
        select(stations.c.slug, sites.c.slug.label("site"), stations.c.office, stations.c.tags)
        .outerjoin(sites, sites.c.id == stations.c.site_id)
        .where(stations.c.id == station_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return Subject(rule, zone)
    return Subject(rule, zone, row.slug, row.site, row.office, frozenset(row.tags))


def group_ids_named(
    connection: Connection, tenant_id: str, slugs: Collection[str]
) -> frozenset[int]:
    """The duty groups of these short names, as far as they are there."""
    query = select(duty_groups.c.id).where(
        duty_groups.c.tenant_id == tenant_id, duty_groups.c.slug.in_(slugs)
    )
    return frozenset(connection.scalars(query))


def known_offices(connection: Connection, scope: Scope) -> Sequence[str]:
    query = select(stations.c.office).where(
        stations.c.tenant_id == scope.tenant_id, stations.c.office != ""
    )
    return sorted(connection.scalars(query.distinct()))


def known_tags(connection: Connection, scope: Scope) -> Sequence[str]:
    query = select(stations.c.tags).where(stations.c.tenant_id == scope.tenant_id)
    return sorted({tag for tags in connection.scalars(query) for tag in tags})


def _mine(scope: Scope) -> Select[Any]:
    return select(alert_mutes).where(alert_mutes.c.tenant_id == scope.tenant_id)


def _mute(row: Row[Any]) -> Mute:
    return Mute(row.id, Of(row.of), row.value, row.start, row.end, row.reason)
