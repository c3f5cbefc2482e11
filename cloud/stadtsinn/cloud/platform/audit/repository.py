"""SQL of the audit."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.access.scope import CLAIM, Scope
from stadtsinn.cloud.platform.access.tables import api_keys
from stadtsinn.cloud.platform.audit.line import KEPT_LINES, Action, By, KeptLine, Line
from stadtsinn.cloud.platform.audit.tables import audit_lines

AT_ONCE = 500
"""Lines that one transaction drops, beside as many as it adds."""


def write(connection: Connection, lines: Sequence[Line], key_id: int | None, now: Instant) -> None:
    """Add lines, and drop the oldest where a tenant has too many. Old ones go by retention."""
    rows = [
        {
            "tenant_id": line.tenant_id,
            "at": now,
            "key_id": key_id,
            "action": line.action.value,
            "kind": line.kind,
            "name": line.name,
            "detail": line.detail,
        }
        for line in lines
    ]
    connection.execute(insert(audit_lines), rows)
    for tenant_id in {line.tenant_id for line in lines}:
        _bound(connection, tenant_id, len(lines) + AT_ONCE)


def _bound(connection: Connection, tenant_id: str, at_once: int) -> None:
    """Drop of a tenant's lines what is too much, so many at most: more than were just added, so
    that some time all of it is gone."""
    mine = audit_lines.c.tenant_id == tenant_id
    oldest = (
        select(audit_lines.c.at)
        .where(mine)
        .order_by(audit_lines.c.at.desc())
        .offset(KEPT_LINES)
        .limit(1)
    )
    if (too_old := connection.scalar(oldest)) is not None:
        surplus = select(audit_lines.c.id).where(mine, audit_lines.c.at <= too_old)
        some = surplus.order_by(audit_lines.c.at).limit(at_once)
        connection.execute(delete(audit_lines).where(audit_lines.c.id.in_(some)))


def lines_page(
    connection: Connection, scope: Scope, before: int | None, limit: int
) -> list[KeptLine]:
    """Lines of the caller's tenant, the newest first."""
    query = (
        select(audit_lines, api_keys.c.name.label("key_name"))
        .outerjoin(api_keys, api_keys.c.id == audit_lines.c.key_id)
        .where(audit_lines.c.tenant_id == scope.tenant_id)
        .order_by(audit_lines.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(audit_lines.c.id < before)
    return [
        KeptLine(
            row.id,
            row.at,
            _by(row.key_id),
            row.key_id if _by(row.key_id) is By.KEY else None,
            row.key_name,
            Line(row.tenant_id, Action(row.action), row.kind, row.name, row.detail),
        )
        for row in connection.execute(query)
    ]


def _by(key_id: int | None) -> By:
    if key_id is None:
        return By.OPERATOR
    return By.CLAIM if key_id == CLAIM else By.KEY
