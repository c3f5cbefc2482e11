"""The SQL of the record as it was before the history of rules is judged again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, literal, or_, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.incident_repository import Key, of_member
from stadtsinn.cloud.alarms.alerts.tables import former_incidents, incidents

_NAMES = [column.name for column in incidents.columns]
_TOLD = ("rule_name", "station", "station_name", "permitted", "late", "announced_at", "told_at")
"""What the log does not say: by which names people were told, and whether and when."""


def set_apart(connection: Connection, key: Key, since: Instant, now: Instant) -> None:
    """Take from the record what began at `since` or later: it will be found again."""
    chosen = (*of_member(key), incidents.c.opened_at >= since)
    connection.execute(delete(former_incidents).where(*_of_member(key)))
    rows = select(*(incidents.c[name] for name in _NAMES), literal(now)).where(*chosen)
    names = [*_NAMES, "forgotten_at"]
    connection.execute(insert(former_incidents).from_select(names, rows))
    connection.execute(delete(incidents).where(*chosen))


def told_of(connection: Connection, incident: str) -> Mapping[str, Any]:
    """What was told of an incident that is found again; empty for a new one."""
    query = select(*(former_incidents.c[name] for name in _TOLD))
    found = connection.execute(query.where(former_incidents.c.id == incident)).one_or_none()
    return {} if found is None else dict(zip(_TOLD, found, strict=True))


def put_back(connection: Connection, key: Key) -> bool:
    """The record as it was, in the place of what was found again of it so far; False: nothing was
    set apart."""
    mine = _of_member(key)
    since = connection.scalar(select(func.min(former_incidents.c.opened_at)).where(*mine))
    if since is None:
        return False
    # One that is open was found again: with one open from before nothing is judged again.
    found_again = or_(incidents.c.opened_at >= since, incidents.c.closed_at.is_(None))
    connection.execute(delete(incidents).where(*of_member(key), found_again))
    rows = select(*(former_incidents.c[name] for name in _NAMES)).where(*mine)
    connection.execute(insert(incidents).from_select(_NAMES, rows))
    connection.execute(delete(former_incidents).where(*mine))
    return True


def delete_before(connection: Connection, moment: int, limit: int) -> int:
    """Delete those that were set apart before a moment, so many at most; how many."""
    oldest = (
        select(former_incidents.c.id)
        .where(former_incidents.c.forgotten_at < moment)
        .order_by(former_incidents.c.forgotten_at)
        .limit(limit)
    )
    deleted = delete(former_incidents).where(former_incidents.c.id.in_(oldest))
    return connection.execute(deleted).rowcount


def _of_member(key: Key) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return former_incidents.c.rule_id == key[0], former_incidents.c.member == key[1]
