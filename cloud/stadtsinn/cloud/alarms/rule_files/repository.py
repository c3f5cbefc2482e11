"""The SQL of the origins of rules, and of who changed a rule since."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.tables import rules
from stadtsinn.cloud.alarms.rule_files.tables import rule_origins
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.access.tables import api_keys
from stadtsinn.cloud.platform.audit.line import Kind
from stadtsinn.cloud.platform.audit.tables import audit_lines
from stadtsinn.cloud.platform.database.upsert import insert_or_update


@dataclass(frozen=True)
class Origin:
    """From which folder a rule came, and how it was."""

    folder: str
    digest: str
    applied_at: Instant


@dataclass(frozen=True)
class Changed:
    """Who changed a rule last; `key` is the name of an API key, None: a command on the server."""

    at: Instant
    key: str | None


def origins(connection: Connection, scope: Scope, slug: str | None = None) -> dict[str, Origin]:
    """Of the rules of the caller's town that came from files, or of one, by slug."""
    query = (
        select(rules.c.slug, rule_origins)
        .join(rule_origins, rule_origins.c.rule_id == rules.c.id)
        .where(rules.c.tenant_id == scope.tenant_id)
    )
    if slug is not None:
        query = query.where(rules.c.slug == slug)
    return {
        row.slug: Origin(row.folder, row.digest, Instant(row.applied_at))
        for row in connection.execute(query)
    }


def set_origin(connection: Connection, rule_id: int, origin: Origin) -> None:
    row = {
        "rule_id": rule_id,
        "folder": origin.folder,
        "digest": origin.digest,
        "applied_at": origin.applied_at,
    }
    insert_or_update(connection, rule_origins, row)


def last_change(connection: Connection, scope: Scope, slug: str) -> Changed | None:
    """By whom and when a rule, or who gets its messages, was changed last, as the audit says."""
    row = connection.execute(
        select(audit_lines.c.at, audit_lines.c.key_id, api_keys.c.name)
        .outerjoin(api_keys, api_keys.c.id == audit_lines.c.key_id)
        .where(audit_lines.c.tenant_id == scope.tenant_id)
        .where(audit_lines.c.kind.in_((Kind.RULE.value, Kind.RULE_RECIPIENT.value)))
        .where(audit_lines.c.name == slug)
        .order_by(audit_lines.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Changed(Instant(row.at), None if row.key_id is None else row.name or str(row.key_id))
