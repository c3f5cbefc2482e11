"""The SQL of who has an alarm in hand: see `rules.attention`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, func, or_, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.tables import (
    acknowledgements,
    alert_attention,
    former_incidents,
    incidents,
)
from stadtsinn.cloud.platform.database.upsert import insert_ignore, insert_or_update
from stadtsinn.rules import attention
from stadtsinn.rules.attention import Attention


@dataclass(frozen=True)
class Attended:
    """An incident that people were told of. `muted`: somebody was not, and is to be afterwards."""

    incident: str
    tenant_id: str
    state: Attention
    muted: bool = False


def tell(connection: Connection, tenant_id: str, incident: str, level: int, *, muted: bool) -> None:
    """An alarm of this level was written."""
    before = find(connection, incident)
    state = attention.told(before.state if before else None, level)
    is_muted = muted or (before is not None and before.muted)
    if before is None and (known := highest_acknowledged(connection, incident)):
        # It was told before and acknowledged; what was noted of that is gone.
        state = Attention(level, acknowledged=known)
    write(connection, Attended(incident, tenant_id, state, is_muted), due_at=Instant(0))


def find(connection: Connection, incident: str) -> Attended | None:
    query = select(alert_attention).where(alert_attention.c.incident_id == incident)
    row = connection.execute(query).one_or_none()
    return None if row is None else _attended(row)


def write(connection: Connection, attended: Attended, due_at: Instant | None) -> None:
    state = attended.state
    row = {
        "incident_id": attended.incident,
        "tenant_id": attended.tenant_id,
        "level": state.level,
        "acknowledged": state.acknowledged,
        "repeats": state.repeats,
        "repeated_at": state.repeated_at,
        "steps": state.steps,
        "stepped_at": state.stepped_at,
        "muted": attended.muted,
        "due_at": due_at,
    }
    insert_or_update(connection, alert_attention, row)


def forget(connection: Connection, incident: str) -> None:
    """It ended: nobody has to have it in hand."""
    connection.execute(delete(alert_attention).where(alert_attention.c.incident_id == incident))


def look_again(connection: Connection, rule_id: int) -> None:
    """The rule was changed: when something is due next is found out again."""
    theirs = select(incidents.c.id).where(
        incidents.c.rule_id == rule_id, incidents.c.closed_at.is_(None)
    )
    mine = alert_attention.c.incident_id.in_(theirs)
    connection.execute(update(alert_attention).where(mine).values(due_at=0))


def due(
    connection: Connection, now: Instant, after: str, limit: int, *, muted: bool = False
) -> list[Attended]:
    """The first behind `after` of open incidents where time has something to do, or of those that
    were muted. What is being judged again just now waits."""
    what = alert_attention.c.muted.is_(True) if muted else alert_attention.c.due_at <= now
    query = (
        select(alert_attention)
        .join(incidents, incidents.c.id == alert_attention.c.incident_id)
        .where(what, incidents.c.closed_at.is_(None), alert_attention.c.incident_id > after)
        .order_by(alert_attention.c.incident_id)
        .limit(limit)
    )
    return [_attended(row) for row in connection.execute(query)]


def has_due(connection: Connection, now: Instant) -> bool:
    """Asked first, so that an idle worker takes no write lock. What waits since later than now
    shows that the clock was put back."""
    table = alert_attention.c
    ahead = or_(table.repeated_at > now, table.stepped_at > now)
    what = and_(table.due_at.is_not(None), or_(table.due_at <= now, ahead))
    return bool(connection.scalar(select(exists().where(what))))


def has_muted(connection: Connection) -> bool:
    return bool(connection.scalar(select(exists().where(alert_attention.c.muted.is_(True)))))


def wake_from_the_future(connection: Connection, now: Instant) -> None:
    """The machine's clock was put back: what waits since later than now is looked at again."""
    table = alert_attention.c
    ahead = or_(table.repeated_at > now, table.stepped_at > now)
    connection.execute(
        update(alert_attention).where(ahead, table.due_at.is_not(None)).values(due_at=0)
    )


def forget_ended(connection: Connection, limit: int) -> int:
    """Those whose incident ended, or is not found again when the history is judged again."""
    open_ = exists().where(
        incidents.c.id == alert_attention.c.incident_id, incidents.c.closed_at.is_(None)
    )
    apart = exists().where(former_incidents.c.id == alert_attention.c.incident_id)
    some = select(alert_attention.c.incident_id).where(~open_, ~apart).limit(limit)
    gone = delete(alert_attention).where(alert_attention.c.incident_id.in_(some))
    return connection.execute(gone).rowcount


def _attended(row: Row[Any]) -> Attended:
    state = Attention(
        level=row.level,
        acknowledged=row.acknowledged,
        repeats=row.repeats,
        repeated_at=row.repeated_at,
        steps=row.steps,
        stepped_at=row.stepped_at,
    )
    return Attended(row.incident_id, row.tenant_id, state, row.muted)


# --- acknowledgements ------------------------------------------------------------------


@dataclass(frozen=True)
class Acknowledgement:
    """Who has an incident in hand, up to a level. `by` is empty once messages are emptied."""

    level: int
    at: Instant
    by: str
    via: str
    recipient_id: int | None = None


def insert_acknowledgement(
    connection: Connection, tenant_id: str, incident: str, one: Acknowledgement
) -> bool:
    """False: somebody was first."""
    row = {
        "incident_id": incident,
        "tenant_id": tenant_id,
        "level": one.level,
        "at": one.at,
        "by": one.by,
        "via": one.via,
        "recipient_id": one.recipient_id,
    }
    return insert_ignore(connection, acknowledgements, [row]) == 1


def acknowledgements_of(
    connection: Connection, found: Sequence[str]
) -> Mapping[str, list[Acknowledgement]]:
    """Of each of these incidents, in the order of levels."""
    by_incident: dict[str, list[Acknowledgement]] = {}
    table = acknowledgements.c
    query = select(acknowledgements).where(table.incident_id.in_(found)).order_by(table.level)
    for row in connection.execute(query) if found else ():
        one = Acknowledgement(row.level, row.at, row.by, row.via, row.recipient_id)
        by_incident.setdefault(row.incident_id, []).append(one)
    return by_incident


def highest_acknowledged(connection: Connection, incident: str) -> int:
    """The highest level that somebody acknowledged; 0: none."""
    highest = select(func.max(acknowledgements.c.level))
    query = highest.where(acknowledgements.c.incident_id == incident)
    return int(connection.scalar(query) or 0)
