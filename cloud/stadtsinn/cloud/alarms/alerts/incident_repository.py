"""The SQL of the states of rules and of incidents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    or_,
    select,
    tuple_,
    update,
)

from stadtsinn.base.batches import batched
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.tables import alert_inputs, incidents, rule_states, rules
from stadtsinn.cloud.alarms.judging.kind import FIRST_LEVEL
from stadtsinn.cloud.alarms.judging.machine import forget, next_due
from stadtsinn.cloud.alarms.judging.state import Closed, Opened, Phase, RuleState
from stadtsinn.cloud.alarms.judging.terms import Terms
from stadtsinn.cloud.platform.access.rows import only_row
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.upsert import insert_ignore

# --- states ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """A rule's state, and the revision of the rule that led to it."""

    state: RuleState
    revision: int


Key = tuple[int, int]
"""Rule and member, see `rule_states`."""


def read_states(
    connection: Connection, rule_ids: Collection[int], limit: int | None = None
) -> dict[Key, Standing]:
    """The states of these rules, or so many of them; those that were never judged are absent."""
    query = select(rule_states).where(rule_states.c.rule_id.in_(list(rule_ids)))
    query = query.order_by(rule_states.c.rule_id, rule_states.c.member).limit(limit)
    return {(row.rule_id, row.member): _standing(row) for row in connection.execute(query)}


def read_members(connection: Connection, keys: Collection[Key]) -> dict[Key, Standing]:
    """As `read_states`, for single members: a group's others are not read."""
    found: dict[Key, Standing] = {}
    for some in batched(keys, 500):
        query = select(rule_states).where(
            tuple_(rule_states.c.rule_id, rule_states.c.member).in_(some)
        )
        for row in connection.execute(query):
            found[row.rule_id, row.member] = _standing(row)
    return found


def due_or_edited(connection: Connection, now: Instant, after: Key | None, limit: int) -> list[Key]:
    """Where time has something to do, or the rule was edited since it was judged: the first
    behind `after`."""
    query = (
        select(rule_states.c.rule_id, rule_states.c.member)
        .join(rules, rules.c.id == rule_states.c.rule_id)
        .where(
            or_(
                and_(rule_states.c.due_at <= now, rules.c.enabled),
                rule_states.c.rule_revision != rules.c.revision,
            )
        )
        .order_by(rule_states.c.rule_id, rule_states.c.member)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(rule_states.c.rule_id, rule_states.c.member) > after)
    return [(row.rule_id, row.member) for row in connection.execute(query)]


def members(connection: Connection) -> list[Key]:
    """Every state of a rule for a group."""
    query = select(rule_states.c.rule_id, rule_states.c.member).where(rule_states.c.member != 0)
    return [(row.rule_id, row.member) for row in connection.execute(query)]


def write_state(connection: Connection, key: Key, standing: Standing, terms: Terms) -> None:
    """Insert or replace the state of a rule."""
    values = _values(standing, next_due(terms, standing.state))
    changed = connection.execute(update(rule_states).where(_is(key)).values(**values))
    if changed.rowcount == 0:
        row = {"rule_id": key[0], "member": key[1], **values}
        insert_ignore(connection, rule_states, [row])


def delete_state(connection: Connection, key: Key) -> None:
    connection.execute(delete(rule_states).where(_is(key)))


def _is(key: Key) -> ColumnElement[bool]:
    return and_(rule_states.c.rule_id == key[0], rule_states.c.member == key[1])


@dataclass(frozen=True)
class Again:
    """From when on a rule's history is judged again.

    Incidents that began before `begins` stay; samples up to `known_until`, the end of the last of
    them, are not judged again.
    """

    begins: Instant
    known_until: Instant | None


def forget_all(connection: Connection, again: Mapping[int, Again | None]) -> None:
    """Before the history is judged again. What it cannot find again stays on record: what
    earlier versions of a rule found, what was found at stations that left a group, and for the
    rules in `again` what is older than their samples; None: all of it.
    """
    found_again = (
        select(rules.c.id)
        .join(rule_states, rule_states.c.rule_id == rules.c.id)
        .where(
            rules.c.id == incidents.c.rule_id,
            rule_states.c.member == incidents.c.member,
            rules.c.valid_from <= incidents.c.opened_at,
        )
        .exists()
    )
    others = incidents.c.rule_id.not_in(list(again))
    connection.execute(delete(incidents).where(found_again, others))
    for rule_id, part in again.items():
        if part is not None:
            later = and_(incidents.c.rule_id == rule_id, incidents.c.opened_at >= part.begins)
            connection.execute(delete(incidents).where(found_again, later))
    for row in connection.execute(select(rule_states)).all():
        part = again.get(row.rule_id)
        if part is None and row.rule_id in again:
            continue
        standing = _standing(row)
        state = forget(standing.state)
        if part is not None:
            state = replace(state, last_event=part.known_until)
        connection.execute(
            update(rule_states)
            .where(_is((row.rule_id, row.member)))
            .values(**_values(Standing(state, standing.revision), None))
        )
    connection.execute(delete(alert_inputs))


@dataclass(frozen=True)
class Past:
    """When an incident began and ended."""

    opened_at: Instant
    closed_at: Instant | None


def last_before(connection: Connection, key: Key, moment: Instant) -> Past | None:
    """The last incident that began before `moment`."""
    row = connection.execute(
        select(incidents.c.opened_at, incidents.c.closed_at)
        .where(
            incidents.c.rule_id == key[0],
            incidents.c.member == key[1],
            incidents.c.opened_at < moment,
        )
        .order_by(incidents.c.opened_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Past(row.opened_at, row.closed_at)


def _standing(row: Row[Any]) -> Standing:
    state = RuleState(
        phase=Phase(row.phase),
        level=row.level,
        since=row.since,
        samples=row.samples,
        stale=row.stale,
        last_event=row.last_event,
        last_value=row.last_value,
        notes=row.notes,
        opened_at=row.opened_at,
        announced=row.announced,
        silences=row.silences,
        quiet_until=row.quiet_until,
    )
    return Standing(state, row.rule_revision)


def _values(standing: Standing, due_at: Instant | None) -> dict[str, Any]:
    state = standing.state
    return {
        "rule_revision": standing.revision,
        "phase": state.phase.value,
        "level": state.level,
        "since": state.since,
        "samples": state.samples,
        "stale": state.stale,
        "last_event": state.last_event,
        "last_value": state.last_value,
        "notes": dict(state.notes),
        "opened_at": state.opened_at,
        "announced": state.announced,
        "silences": state.silences,
        "quiet_until": state.quiet_until,
        "due_at": due_at,
    }


# --- incidents -------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where an incident is: the station as it was called then."""

    station_id: int
    slug: str
    name: str


def incident_id(key: Key, opened_at: Instant) -> str:
    """Made from what happened, so that a rebuilt history names its incidents the same."""
    rule_id, member = key
    return f"{rule_id}-{opened_at}-{member}" if member else f"{rule_id}-{opened_at}"


def open_incident(
    connection: Connection,
    tenant_id: str,
    key: Key,
    rule_name: str,
    place: Place | None,
    opened: Opened,
) -> None:
    row = {
        "id": incident_id(key, opened.at),
        "tenant_id": tenant_id,
        "rule_id": key[0],
        "rule_name": rule_name,
        "member": key[1],
        "station_id": place.station_id if place else None,
        "station": place.slug if place else None,
        "station_name": place.name if place else None,
        "level": opened.level,
        "opened_at": opened.at,
        "opening_value": opened.value,
        "late": opened.late,
    }
    insert_ignore(connection, incidents, [row])


@dataclass(frozen=True)
class OpenIncident:
    """What an open incident's messages named: the rule and the station, as they were called."""

    rule_name: str
    place: Place | None


def open_incident_of(connection: Connection, key: Key) -> OpenIncident | None:
    """The open incident; rule and station may have other names by now, or be gone."""
    table = incidents.c
    query = select(table.rule_name, table.station_id, table.station, table.station_name)
    open_one = (table.rule_id == key[0], table.member == key[1], table.closed_at.is_(None))
    row = connection.execute(query.where(*open_one)).first()
    if row is None:
        return None
    return OpenIncident(row[0], None if row.station_id is None else Place(*row[1:]))


def mark_announced(connection: Connection, incident: str, at: Instant) -> None:
    connection.execute(
        update(incidents)
        .where(incidents.c.id == incident, incidents.c.announced_at.is_(None))
        .values(announced_at=at)
    )


def raise_level(connection: Connection, incident: str, level: int) -> None:
    """The level of an incident is the highest that it reached."""
    connection.execute(
        update(incidents)
        .where(incidents.c.id == incident, incidents.c.level < level)
        .values(level=level)
    )


def level_of(connection: Connection, incident: str) -> int:
    """The highest level of an incident; the first one where nothing is on record."""
    level = connection.scalar(select(incidents.c.level).where(incidents.c.id == incident))
    return FIRST_LEVEL if level is None else level


def close_incident(connection: Connection, incident: str, closed: Closed) -> None:
    connection.execute(
        update(incidents)
        .where(incidents.c.id == incident, incidents.c.closed_at.is_(None))
        .values(closed_at=closed.at, close_reason=closed.reason.value, closing_value=closed.value)
    )


def incidents_page(
    connection: Connection,
    scope: Scope,
    before: tuple[int, str] | None,
    limit: int,
    *,
    still_open: bool | None = None,
    rule: str | None = None,
    station: str | None = None,
) -> list[Row[Any]]:
    """Incidents, the newest first, before the one with this opening time and id."""
    query = _mine(scope)
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
    if station is not None:
        query = query.where(incidents.c.station == station)
    query = query.order_by(incidents.c.opened_at.desc(), incidents.c.id.desc()).limit(limit)
    return list(connection.execute(query))


def incident(connection: Connection, scope: Scope, key: str) -> Row[Any]:
    """An incident of the caller's tenant; raises NotFound."""
    return only_row(connection, _mine(scope).where(incidents.c.id == key), "incident", key)


def _mine(scope: Scope) -> Select[Any]:
    return (
        select(incidents, rules.c.slug.label("rule"))
        .outerjoin(rules, rules.c.id == incidents.c.rule_id)
        .where(incidents.c.tenant_id == scope.tenant_id)
    )


# --- inputs beside the uplink log ------------------------------------------------------


def input_position(connection: Connection, name: str) -> int:
    """How far an input was judged; 0 before its first sample."""
    query = select(alert_inputs.c.position).where(alert_inputs.c.name == name)
    return connection.scalar(query) or 0


def move_input(connection: Connection, name: str, position: int) -> None:
    changed = connection.execute(
        update(alert_inputs).where(alert_inputs.c.name == name).values(position=position)
    )
    if changed.rowcount == 0:
        insert_ignore(connection, alert_inputs, [{"name": name, "position": position}])
