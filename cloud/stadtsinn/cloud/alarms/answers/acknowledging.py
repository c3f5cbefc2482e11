"""Somebody says "I have it": no repeats, no escalation, and the others learn who has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog
from sqlalchemy import Connection

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.base.problems import Conflict
from stadtsinn.cloud.alarms.alerts import attention_repository as attending
from stadtsinn.cloud.alarms.alerts import incident_repository
from stadtsinn.cloud.alarms.alerts.attention_repository import Acknowledgement, Attended
from stadtsinn.cloud.alarms.answers import topics, wording
from stadtsinn.cloud.alarms.answers.topics import Matter
from stadtsinn.cloud.alarms.duty.reaching import each_once, with_pauses, with_quiet_hours
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.message import Addressee, Draft, Kind
from stadtsinn.cloud.alarms.notify.sentence import Said
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import serialize
from stadtsinn.rules import attention
from stadtsinn.rules.attention import Attention

log = structlog.get_logger()

_KEEPS = 6 * HOUR
"""How long it is worth telling others who has it."""


class Via(StrEnum):
    API = "api"
    COMMAND = "command"
    SMS = "sms"


@dataclass(frozen=True)
class Person:
    """Who acknowledges. `recipient_id`: who is not told of it, having said it."""

    name: str
    via: Via
    recipient_id: int | None = None


@dataclass(frozen=True)
class Acknowledged:
    """What came of it. `first`: nobody was before; `by` and `at` are those of the first.

    `level` is the one that is acknowledged now, `told` the one that people were told.
    """

    incident: str
    first: bool
    by: str
    at: Instant
    level: int
    told: int

    @property
    def is_whole(self) -> bool:
        return self.level >= self.told


def acknowledge_of(
    connection: Connection, scope: Scope, incident: str, person: Person, now: Instant
) -> Acknowledged:
    """For a caller. Raises NotFound, and Conflict for an incident that is over."""
    serialize(connection, "rules")  # no higher level is told, and nothing ends, meanwhile
    row = incident_repository.incident(connection, scope, incident)
    found = topics.matter(connection, incident, now)
    if found is None or row.closed_at is not None:
        raise Conflict(
            f"Incident '{incident}' is over: there is nothing to acknowledge.",
            f"Der Alarm '{incident}' ist vorbei: zu bestätigen ist nichts mehr.",
        )
    return acknowledge(connection, found, person, now)


def acknowledge(
    connection: Connection, matter: Matter, person: Person, now: Instant, level: int | None = None
) -> Acknowledged:
    """All of it or nothing, on the caller's connection; `level`: only up to this one."""
    attended = attending.find(connection, matter.incident) or _untold(matter)
    state, first = attention.acknowledge(
        attended.state, attended.state.level if level is None else level
    )
    told = state.level
    if first:
        one = Acknowledgement(state.acknowledged, now, person.name, person.via, person.recipient_id)
        first = attending.insert_acknowledgement(connection, matter.tenant_id, matter.incident, one)
    if not first:
        known = attending.acknowledgements_of(connection, [matter.incident])
        before = known[matter.incident][-1]
        return Acknowledged(
            matter.incident,
            False,
            before.by,
            before.at,
            max(state.acknowledged, before.level),
            told,
        )
    rest = Attended(matter.incident, matter.tenant_id, state, attended.muted)
    due_at = attention.next_due(matter.stored.rule.plan, state)
    attending.write(connection, rest, due_at)
    if state.is_acknowledged:
        outbox.give_up_reminders(connection, matter.incident, "acknowledged")
    _tell_others(connection, matter, person, now, state.acknowledged)
    crash_point("answers.acknowledging")
    log.info("incident_acknowledged", incident=matter.incident, via=person.via.value)
    return Acknowledged(matter.incident, True, person.name, now, state.acknowledged, told)


def _untold(matter: Matter) -> Attended:
    """It was open before acknowledgements were known, or nobody was told of it yet."""
    return Attended(matter.incident, matter.tenant_id, Attention(matter.topic.about.level))


def _tell_others(
    connection: Connection, matter: Matter, person: Person, now: Instant, level: int
) -> None:
    """Those who were told of the alarm, but for who said it."""
    said = matter.topic.each(lambda topic: wording.taken(topic, person.name, now))
    told = outbox.alarmed_addressees(connection, matter.incident)
    own = {one.address for one in told if one.id == person.recipient_id}
    others = [one for one in told if one.address not in own and one.id != person.recipient_id]
    severity = matter.stored.rule.severity
    waiting = with_quiet_hours(connection, others, severity, now)
    to = matter.mutes.hold_back(with_pauses(connection, waiting, now), Kind.ACKNOWLEDGED)
    write(connection, matter, Kind.ACKNOWLEDGED, said, to, now, level=level, keeps=_KEEPS)


def write(
    connection: Connection,
    matter: Matter,
    kind: Kind,
    said: Said,
    to: Sequence[Addressee],
    now: Instant,
    *,
    level: int,
    sequence: int = 0,
    keeps: int = _KEEPS,
) -> None:
    """A message about an incident into the outbox, to each of them once."""
    draft = Draft(
        tenant_id=matter.tenant_id,
        incident_id=matter.incident,
        kind=kind,
        level=level,
        sequence=sequence,
        said=said,
        event_time=matter.topic.moment.at or matter.topic.opened_at,
        created_at=now,
        expires_at=Instant(now + keeps),
        facts=matter.facts,
    )
    outbox.enqueue(connection, draft, each_once(to))
