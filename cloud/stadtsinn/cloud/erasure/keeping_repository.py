"""SQL of what towns keep no longer."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, select, tuple_, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.tables import acknowledgements
from stadtsinn.cloud.alarms.answers.tables import inbound_messages
from stadtsinn.cloud.alarms.duty.tables import duty_pauses, duty_shifts, duty_substitutions
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.domains.crowd.tables import zone_samples
from stadtsinn.cloud.erasure.person_repository import empty_these
from stadtsinn.cloud.platform.audit.tables import audit_lines
from stadtsinn.cloud.platform.privacy.kept import of_tenant

Rows = tuple[Table, ColumnElement[bool]]


def old_samples(tenant_id: str, since: Instant) -> Rows:
    table = zone_samples.c
    return zone_samples, (table.tenant_id == tenant_id) & (table.event_time < since)


def old_lines(tenant_id: str, since: Instant) -> Rows:
    table = audit_lines.c
    return audit_lines, (table.tenant_id == tenant_id) & (table.at < since)


def past_duty(tenant_id: str, since: Instant) -> list[Rows]:
    """Shifts, stand-ins and pauses that ended before a moment."""
    return [
        (table, of_tenant(table, tenant_id) & (table.c.end < since))
        for table in (duty_shifts, duty_substitutions, duty_pauses)
    ]


def empty_messages(connection: Connection, tenant_id: str, since: Instant, limit: int) -> int:
    """Take number and text out of messages made before a moment, so many at most; how many."""
    table = outbox.c
    old = (table.tenant_id == tenant_id, table.purged.is_(False), table.created_at < since)
    return empty_these(connection, select(table.id).where(*old).limit(limit))


def old_answers(tenant_id: str, since: Instant) -> Rows:
    table = inbound_messages.c
    return inbound_messages, (table.tenant_id == tenant_id) & (table.received_at < since)


def empty_acknowledgements(
    connection: Connection, tenant_id: str, since: Instant, limit: int
) -> int:
    """Take the names out of acknowledgements made before a moment, so many at most; how many."""
    table = acknowledgements.c
    old = (table.tenant_id == tenant_id, table.at < since, table.by != "")
    some = select(table.incident_id, table.level).where(*old).limit(limit)
    these = tuple_(table.incident_id, table.level).in_(some)
    return connection.execute(update(acknowledgements).where(these).values(by="")).rowcount
