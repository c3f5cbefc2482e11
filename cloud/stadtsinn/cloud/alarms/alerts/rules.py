"""The SQL of rules and incidents for the API: inside the caller's tenant only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    delete,
    insert,
    or_,
    select,
    update,
)

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.alarms.alerts.repository import ALARM, TECHNICAL
from stadtsinn.cloud.alarms.alerts.schemas import NewRule
from stadtsinn.cloud.alarms.alerts.tables import incidents, rule_recipients, rule_states, rules
from stadtsinn.cloud.alarms.notify.tables import recipients
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town_file.model import Direction


def _mine(scope: Scope) -> Select[Any]:
    return (
        select(rules, zones.c.slug.label("zone"))
        .outerjoin(zones, zones.c.id == rules.c.zone_id)
        .where(rules.c.tenant_id == scope.tenant_id)
    )


def rule_row(connection: Connection, scope: Scope, slug: str) -> Row[Any]:
    """The row of a rule; raises NotFound."""
    row = connection.execute(_mine(scope).where(rules.c.slug == slug)).one_or_none()
    if row is None:
        raise NotFound(f"There is no rule '{slug}'.")
    return row


def rules_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[Row[Any]]:
    """Rows of rules in the order of their slugs."""
    query = _mine(scope)
    if after is not None:
        query = query.where(rules.c.slug > after)
    return list(connection.execute(query.order_by(rules.c.slug).limit(limit)))


def record_of(connection: Connection, row: Row[Any]) -> NewRule:
    """A rule as it was written."""
    return NewRule(
        slug=row.slug,
        name=row.name,
        device=row.dev_eui,
        zone=row.zone,
        quantity=row.quantity,
        channel=row.channel,
        direction=Direction(row.direction),
        on=row.on_level,
        off=row.off_level,
        for_s=row.for_s,
        min_samples=row.min_samples,
        keep_firing_s=row.keep_firing_s,
        stale_after_s=row.stale_after_s,
        max_age_s=row.max_age_s,
        resolve_notice=row.resolve_notice,
        alert_on_stale=row.alert_on_stale,
        enabled=row.enabled,
        recipients=_told(connection, row.id, ALARM),
        technicians=_told(connection, row.id, TECHNICAL),
    )


def _told(connection: Connection, rule_id: int, purpose: str) -> tuple[str, ...]:
    query = (
        select(recipients.c.slug)
        .join(rule_recipients, rule_recipients.c.recipient_id == recipients.c.id)
        .where(rule_recipients.c.rule_id == rule_id, rule_recipients.c.purpose == purpose)
        .order_by(recipients.c.slug)
    )
    return tuple(connection.scalars(query))


def columns_of(record: NewRule, zone_id: int | None) -> dict[str, Any]:
    """A rule as columns, without its recipients."""
    values = record.model_dump(exclude={"recipients", "technicians", "device", "zone", "on", "off"})
    return {
        **values,
        "direction": record.direction.value,
        "dev_eui": record.device,
        "zone_id": zone_id,
        "on_level": record.on,
        "off_level": record.off,
    }


def insert_rule(connection: Connection, scope: Scope, values: dict[str, Any]) -> int:
    """Returns the rule's id."""
    statement = insert(rules).values(tenant_id=scope.tenant_id, revision=1, valid_from=0, **values)
    return int(connection.execute(statement.returning(rules.c.id)).scalar_one())


def update_rule(connection: Connection, scope: Scope, rule_id: int, values: dict[str, Any]) -> None:
    connection.execute(
        update(rules)
        .where(rules.c.tenant_id == scope.tenant_id, rules.c.id == rule_id)
        .values(**values)
    )


def delete_rule(connection: Connection, scope: Scope, rule_id: int) -> None:
    connection.execute(delete(rule_states).where(rule_states.c.rule_id == rule_id))
    connection.execute(
        delete(rules).where(rules.c.tenant_id == scope.tenant_id, rules.c.id == rule_id)
    )


def judged_until(connection: Connection, rule_id: int) -> Instant:
    """The event time up to which the rule as it is now was applied; 0 before its first sample."""
    row = connection.execute(
        select(rule_states.c.last_event, rule_states.c.opened_at).where(
            rule_states.c.rule_id == rule_id
        )
    ).one_or_none()
    return Instant(max(row.last_event or 0, row.opened_at or 0)) if row else Instant(0)


def state_rows(connection: Connection, rule_ids: Sequence[int]) -> dict[int, Row[Any]]:
    query = select(rule_states).where(rule_states.c.rule_id.in_(rule_ids))
    return {row.rule_id: row for row in connection.execute(query)}


def set_told(connection: Connection, rule_id: int, purpose: str, ids: Sequence[int]) -> None:
    """Make these the recipients for a purpose, and no others."""
    connection.execute(
        delete(rule_recipients).where(
            rule_recipients.c.rule_id == rule_id, rule_recipients.c.purpose == purpose
        )
    )
    if ids:
        rows = [{"rule_id": rule_id, "recipient_id": one, "purpose": purpose} for one in ids]
        connection.execute(insert(rule_recipients), rows)


def recipient_ids(connection: Connection, scope: Scope, slugs: Sequence[str]) -> dict[str, int]:
    """Ids of those of the slugs that exist in the caller's tenant."""
    query = select(recipients.c.slug, recipients.c.id).where(
        recipients.c.tenant_id == scope.tenant_id, recipients.c.slug.in_(slugs)
    )
    return {row.slug: row.id for row in connection.execute(query)}


def _incidents(scope: Scope) -> Select[Any]:
    return (
        select(incidents, rules.c.slug.label("rule"))
        .outerjoin(rules, rules.c.id == incidents.c.rule_id)
        .where(incidents.c.tenant_id == scope.tenant_id)
    )


def incidents_page(
    connection: Connection,
    scope: Scope,
    before: tuple[int, str] | None,
    limit: int,
    *,
    still_open: bool | None = None,
    rule: str | None = None,
) -> list[Row[Any]]:
    """Incidents, the newest first, before the one with this opening time and id."""
    query = _incidents(scope)
    if before is not None:
        opened_at, key = before
        query = query.where(
            or_(
                incidents.c.opened_at < opened_at,
                and_(incidents.c.opened_at == opened_at, incidents.c.id < key),
            )
        )
    if still_open is not None:
        is_open = incidents.c.closed_at.is_(None)
        query = query.where(is_open if still_open else ~is_open)
    if rule is not None:
        query = query.where(rules.c.slug == rule)
    query = query.order_by(incidents.c.opened_at.desc(), incidents.c.id.desc()).limit(limit)
    return list(connection.execute(query))


def incident(connection: Connection, scope: Scope, key: str) -> Row[Any]:
    """An incident of the caller's tenant; raises NotFound."""
    row = connection.execute(_incidents(scope).where(incidents.c.id == key)).one_or_none()
    if row is None:
        raise NotFound(f"There is no incident '{key}'.")
    return row
