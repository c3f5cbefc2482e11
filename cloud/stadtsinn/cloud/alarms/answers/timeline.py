"""All that happened to an incident, in its order: for those who ask why an alarm came or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts import attention_repository, incident_repository
from stadtsinn.cloud.alarms.answers import repository
from stadtsinn.cloud.platform.access.scope import Scope

MOST = 1_000
"""Messages that are shown of one incident, the first of them."""


@dataclass(frozen=True)
class Happened:
    """One thing."""

    at: Instant
    what: str
    kind: str | None = None
    who: str | None = None
    status: str | None = None
    level: int | None = None
    detail: str = ""


def timeline(connection: Connection, scope: Scope, incident: str) -> list[Happened]:
    """Raises NotFound."""
    return sorted(_happened(connection, scope, incident), key=lambda one: one.at)


def _happened(connection: Connection, scope: Scope, incident: str) -> Iterator[Happened]:
    row = incident_repository.incident(connection, scope, incident)
    yield Happened(row.opened_at, "opened", level=row.level)
    found = attention_repository.acknowledgements_of(connection, [incident])
    for one in found.get(incident, ()):
        yield Happened(one.at, "acknowledged", who=one.by, level=one.level, detail=one.via)
    for message in repository.messages_about(connection, scope, incident, MOST):
        yield Happened(
            message.sent_at or message.created_at,
            "message",
            message.kind,
            message.recipient,
            message.status,
            message.level,
            message.reason,
        )
    if row.closed_at is not None:
        yield Happened(row.closed_at, "closed", detail=row.close_reason)
