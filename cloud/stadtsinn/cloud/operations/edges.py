"""How the edge agents of the installation are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from stadtsinn.base.instant import DAY, MINUTE, Instant
from stadtsinn.cloud.intake import edge_state_repository as intake
from stadtsinn.cloud.intake.edge_state_repository import EdgeState
from stadtsinn.cloud.intake.edge_states import EdgeReport, report_of, time_of
from stadtsinn.cloud.operations import repository

SILENT_AFTER = 15 * MINUTE
"""An agent says every half minute that it is there."""

QUIET_AFTER = DAY
"""One whose broker passes no status on is known by its batches alone."""


class Presence(StrEnum):
    """Whether an edge agent is there."""

    ONLINE = "online"
    AWAY = "away"
    STOPPED = "stopped"
    """Its people stopped it in order."""
    NEVER = "never"
    """It was never heard of."""


@dataclass(frozen=True)
class EdgeView:
    """An edge agent as the cloud knows it. `seen_at`: when it was heard of last, in whatever way.
    `report` is what it said last of itself; None for one that never did."""

    id: str
    name: str
    tenant_id: str
    presence: Presence
    seen_at: Instant | None
    away_since: Instant | None
    report: EdgeReport | None

    @property
    def certificate_ends(self) -> Instant | None:
        return time_of(self.report.certificate_ends) if self.report else None

    @property
    def oldest_waiting(self) -> Instant | None:
        return time_of(self.report.spool.oldest) if self.report else None


def edges(connection: Connection, now: Instant, tenant_id: str | None = None) -> list[EdgeView]:
    """All edge agents of the installation or of a town, by town and id."""
    registered = repository.edges(connection, tenant_id)
    ids = [row.id for row in registered]
    states = intake.states(connection, ids)
    batches = intake.last_batches(connection, ids)
    return [
        _view(row.id, row.name, row.tenant_id, states.get(row.id), batches.get(row.id), now)
        for row in registered
    ]


def _view(
    edge_id: str,
    name: str,
    tenant_id: str,
    state: EdgeState | None,
    batch_at: Instant | None,
    now: Instant,
) -> EdgeView:
    heard = state.heard_at if state is not None and state.heard_at else None
    seen = max((one for one in (heard, batch_at) if one), default=None)
    presence, away = _presence(state, seen, now)
    report = report_of(state.status) if state is not None else None
    return EdgeView(edge_id, name, tenant_id, presence, seen, away, report)


def _presence(
    state: EdgeState | None, seen: Instant | None, now: Instant
) -> tuple[Presence, Instant | None]:
    if state is not None and state.offline_at is not None:
        if state.offline_reason == "stopped":
            return Presence.STOPPED, state.offline_at
        return Presence.AWAY, state.offline_at
    if seen is None:
        return Presence.NEVER, None
    if now - seen > (SILENT_AFTER if state is not None else QUIET_AFTER):
        return Presence.AWAY, seen
    return Presence.ONLINE, None
