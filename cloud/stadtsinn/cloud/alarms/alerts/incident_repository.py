"""The SQL of the states of rules and of incidents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from stadtsinn.base.batches import batched
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.tables import incidents, rule_states, rules
from stadtsinn.cloud.platform.access.rows import only_row
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.upsert import (
    insert_ignore,
    insert_or_update,
    insert_or_update_all,
)
from stadtsinn.rules.kind import FIRST_LEVEL
from stadtsinn.rules.state import Closed, CloseReason, Opened, Phase, RuleState

# --- states ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """A rule's state, and what led to it: the revision of the rule, and of a zone its footing
    (`Watching.footing`); None: not known."""

    state: RuleState
    revision: int
    footing: str | None = None


Key = tuple[int, int]
"""Rule and member, see `rule_states`."""
NAMED = 0
"""The `member` of a rule that names one station or one zone."""


def read_states(
    connection: Connection, rule_ids: Collection[int], limit: int | None = None
) -> dict[Key, Standing]:
    """The states of these rules, or so many of them; those that were never judged are absent."""
    query = select(rule_states).where(rule_states.c.rule_id.in_(list(rule_ids)))
    query = query.order_by(rule_states.c.rule_id, rule_states.c.member).limit(limit)
    return {(row.rule_id, row.member): _standing(row) for row in connection.execute(query)}


def states_after(connection: Connection, after: Key, limit: int) -> dict[Key, Standing]:
    """The states behind `after`, the first of them."""
    query = (
        select(rule_states)
        .where(tuple_(rule_states.c.rule_id, rule_states.c.member) > after)
        .order_by(rule_states.c.rule_id, rule_states.c.member)
        .limit(limit)
    )
    return {(row.rule_id, row.member): _standing(row) for row in connection.execute(query)}


def judged_until(connection: Connection, rule_id: int) -> int:
    """Up to when a rule has judged at any member (`RuleState.judged_until`): a group may have very
    many."""
    table = rule_states.c
    latest = select(
        func.max(table.last_event), func.max(table.opened_at), func.max(table.quiet_until)
    )
    row = connection.execute(latest.where(table.rule_id == rule_id)).one()
    return max(one or 0 for one in row)


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


def have_states(connection: Connection, keys: Collection[Key]) -> set[Key]:
    """Those of them that were judged."""
    table, found = rule_states.c, set()
    for some in batched(keys, 500):
        query = select(table.rule_id, table.member)
        query = query.where(tuple_(table.rule_id, table.member).in_(some))
        found |= {(row.rule_id, row.member) for row in connection.execute(query)}
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


@dataclass(frozen=True)
class Footing:
    """What a state stands on, whether an alarm began in it, and when time leads it on."""

    key: Key
    begun: bool
    footing: str | None
    due_at: Instant | None


def footings(connection: Connection, after: Key, limit: int) -> list[Footing]:
    """The states behind `after`, the first of them."""
    table = rule_states.c
    query = (
        select(table.rule_id, table.member, table.phase, table.footing, table.due_at)
        .where(tuple_(table.rule_id, table.member) > after)
        .order_by(table.rule_id, table.member)
        .limit(limit)
    )
    return [
        Footing((rule_id, member), phase != Phase.OK.value, footing, due_at)
        for rule_id, member, phase, footing, due_at in connection.execute(query)
    ]


def write_state(
    connection: Connection, key: Key, standing: Standing, due_at: Instant | None
) -> None:
    """Insert or replace the state of a rule."""
    insert_or_update(connection, rule_states, _row(key, standing, due_at))


def write_states(
    connection: Connection, states: Iterable[tuple[Key, Standing, Instant | None]]
) -> None:
    """As `write_state`, for many at once."""
    insert_or_update_all(connection, rule_states, [_row(*one) for one in states])


def _row(key: Key, standing: Standing, due_at: Instant | None) -> dict[str, Any]:
    return {"rule_id": key[0], "member": key[1], **_values(standing, due_at)}


def make_due(connection: Connection, key: Key, at: Instant) -> None:
    """Time has something to do for this state, by `at` at the latest."""
    later = or_(rule_states.c.due_at.is_(None), rule_states.c.due_at > at)
    connection.execute(update(rule_states).where(_is(key), later).values(due_at=at))


def delete_state(connection: Connection, key: Key) -> None:
    connection.execute(delete(rule_states).where(_is(key)))


def _is(key: Key) -> ColumnElement[bool]:
    return and_(rule_states.c.rule_id == key[0], rule_states.c.member == key[1])


def of_member(key: Key) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return incidents.c.rule_id == key[0], incidents.c.member == key[1]


@dataclass(frozen=True)
class Past:
    """An incident: when it began and ended, and the newest sample that people were told of."""

    opened_at: Instant
    closed_at: Instant | None
    level: int
    opening_value: float | None
    told_at: Instant | None


def last_before(connection: Connection, key: Key, moment: Instant) -> Past | None:
    """The last incident that began before `moment`."""
    table = incidents.c
    row = connection.execute(
        select(table.opened_at, table.closed_at, table.level, table.opening_value, table.told_at)
        .where(*of_member(key), table.opened_at < moment)
        .order_by(table.opened_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Past(*row)


def openings_between(
    connection: Connection, key: Key, since: int, moment: Instant
) -> list[Instant]:
    """When the incidents began that began from `since` on and before `moment`."""
    opened_at = incidents.c.opened_at
    query = select(opened_at).where(*of_member(key), opened_at >= since, opened_at < moment)
    return list(connection.scalars(query.order_by(opened_at)))


_FOUND_AGAIN = (CloseReason.RECOVERED.value, CloseReason.NOT_ACTIVE.value)


def last_change(connection: Connection, key: Key) -> Instant | None:
    """When the last incident ended that neither samples nor time ended: a rule or a station was
    changed."""
    changed = incidents.c.close_reason.not_in(_FOUND_AGAIN)
    query = select(func.max(incidents.c.closed_at)).where(*of_member(key), changed)
    at: Instant | None = connection.scalar(query)
    return at


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
        openings=tuple(row.openings),
        flapping=row.flapping,
        silence_told=row.silence_told,
        shut_at=row.shut_at,
        quiet_until=row.quiet_until,
    )
    return Standing(state, row.rule_revision, row.footing)


def _values(standing: Standing, due_at: Instant | None) -> dict[str, Any]:
    state = standing.state
    return {
        "rule_revision": standing.revision,
        "footing": standing.footing,
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
        "openings": list(state.openings),
        "flapping": state.flapping,
        "silence_told": state.silence_told,
        "shut_at": state.shut_at,
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


def key_of(incident: str) -> Key:
    """The rule and the station of a group that `incident_id` made this name of."""
    rule_id, _, *member = incident.split("-")
    return int(rule_id), int(member[0]) if member else NAMED


def open_incident(
    connection: Connection,
    tenant_id: str,
    key: Key,
    rule_name: str,
    place: Place | None,
    opened: Opened,
    told: Mapping[str, Any],
) -> None:
    """`told` is what stays as people were told of it."""
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
        **told,
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
    row = connection.execute(query.where(*of_member(key), table.closed_at.is_(None))).first()
    if row is None:
        return None
    return OpenIncident(row[0], None if row.station_id is None else Place(*row[1:]))


@dataclass(frozen=True)
class OpenMatter(OpenIncident):
    """An open incident, found by its name."""

    key: Key
    opened_at: Instant
    level: int
    permitted: int | None


def open_matter(connection: Connection, incident: str) -> OpenMatter | None:
    """None where it is not open."""
    table = incidents.c
    query = select(incidents).where(table.id == incident, table.closed_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    place = None if row.station_id is None else Place(row.station_id, row.station, row.station_name)
    key = (row.rule_id, row.member)
    return OpenMatter(row.rule_name, place, key, row.opened_at, row.level, row.permitted)


def mark_announced(connection: Connection, incident: str, at: Instant) -> None:
    """A message was written about a sample of this time."""
    first = func.coalesce(incidents.c.announced_at, at)
    newest = case((incidents.c.told_at > at, incidents.c.told_at), else_=at)
    connection.execute(
        update(incidents)
        .where(incidents.c.id == incident)
        .values(announced_at=first, told_at=newest)
    )


def told_at(connection: Connection, incident: str) -> Instant | None:
    """The time of the sample that the newest alarm about an incident is about."""
    at: Instant | None = connection.scalar(
        select(incidents.c.told_at).where(incidents.c.id == incident)
    )
    return at


def raise_level(connection: Connection, incident: str, level: int) -> None:
    """The level of an incident is the highest that it reached."""
    connection.execute(
        update(incidents)
        .where(incidents.c.id == incident, incidents.c.level < level)
        .values(level=level)
    )


def worst_of(connection: Connection, incident: str) -> tuple[int, int | None]:
    """The highest level of an incident, and what the permit allowed when it began; the first
    level and None where nothing is on record."""
    table = incidents.c
    query = select(table.level, table.permitted).where(table.id == incident)
    row = connection.execute(query).one_or_none()
    return (FIRST_LEVEL, None) if row is None else (row.level, row.permitted)


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
