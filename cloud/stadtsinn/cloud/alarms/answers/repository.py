"""The SQL of who was told of what, and who wrote to us."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, String, and_, cast, exists, func, or_, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts.tables import incidents
from stadtsinn.cloud.alarms.notify.message import ALARMS, URGENT, Addressee, Status
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.platform.access.rows import only_row
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.tenants.repository import erasing

_ALARMS = [kind.value for kind in ALARMS]
_URGENT = [kind.value for kind in URGENT]
_LEFT = [
    status.value for status in (Status.SENDING, Status.ACCEPTED, Status.DELIVERED, Status.UNKNOWN)
]


def may_be_known(connection: Connection, incident: str, level: int, now: Instant) -> bool:
    """Whether an alarm of this level was written that does not wait for the end of quiet hours
    and is not muted; or nobody at all was to be told of it. `now` is of the measurements."""
    theirs = and_(
        outbox.c.incident_id == incident, outbox.c.level == level, outbox.c.kind.in_(_URGENT)
    )
    is_quiet = and_(outbox.c.status == Status.READY.value, outbox.c.not_before > now)
    held = or_(is_quiet, outbox.c.status == Status.SUPPRESSED.value)
    is_known = select(exists().where(theirs, ~func.coalesce(held, False)))
    if connection.scalar(is_known):
        return True
    return not connection.scalar(select(exists().where(theirs)))


@dataclass(frozen=True)
class Suppressed:
    """An alarm that was not sent to somebody."""

    id: int
    level: int
    to: Addressee


def suppressed_alarms(connection: Connection, incident: str) -> list[Suppressed]:
    """Those of an incident, whose recipients are still there."""
    rows = connection.execute(
        select(outbox)
        .join(recipients, recipients.c.id == outbox.c.recipient_id)
        .where(
            outbox.c.incident_id == incident,
            outbox.c.kind.in_(_URGENT),
            outbox.c.status == Status.SUPPRESSED.value,
        )
        .order_by(outbox.c.id)
    )
    return [
        Suppressed(
            row.id,
            row.level,
            Addressee(
                row.recipient_id, row.channel, row.address, Language(row.language), row.group_id
            ),
        )
        for row in rows
    ]


def send_suppressed(
    connection: Connection,
    number: int,
    facts: Mapping[str, Any],
    now: Instant,
    expires_at: Instant,
) -> None:
    """The mute is over: what still goes on is sent after all."""
    connection.execute(
        update(outbox)
        .where(outbox.c.id == number, outbox.c.status == Status.SUPPRESSED.value)
        .values(
            status=Status.READY.value,
            settled=False,
            reason="",
            facts=facts,
            text="",
            created_at=now,
            expires_at=expires_at,
            not_before=None,
        )
    )


def have_alarm(connection: Connection, incident: str, level: int) -> set[int]:
    """Ids of recipients for whom an alarm of this level was sent or waits to be."""
    gone = (Status.FAILED, Status.EXPIRED, Status.SUPPRESSED)
    query = select(outbox.c.recipient_id).where(
        outbox.c.incident_id == incident,
        outbox.c.level >= level,
        outbox.c.kind.in_(_URGENT),
        outbox.c.status.not_in([one.value for one in gone]),
    )
    return set(connection.scalars(query))


def still_waiting(connection: Connection, incident: str) -> set[int]:
    """Ids of recipients to whom something about the alarm is still to be sent."""
    query = select(outbox.c.recipient_id).where(
        outbox.c.incident_id == incident,
        outbox.c.kind.in_(_ALARMS),
        outbox.c.settled.is_(False),
        outbox.c.status == Status.READY.value,
    )
    return set(connection.scalars(query))


def messages_about(
    connection: Connection, scope: Scope, incident: str, limit: int
) -> Sequence[Row[Any]]:
    """The first messages about an incident, with the names of their recipients."""
    query = (
        select(outbox, recipients.c.name.label("recipient"))
        .outerjoin(recipients, recipients.c.id == outbox.c.recipient_id)
        .where(outbox.c.tenant_id == scope.tenant_id, outbox.c.incident_id == incident)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return connection.execute(query).all()


def recipient_named(connection: Connection, scope: Scope, slug: str) -> Row[Any]:
    """Raises NotFound."""
    query = select(recipients.c.id, recipients.c.name).where(
        recipients.c.tenant_id == scope.tenant_id, recipients.c.slug == slug
    )
    return only_row(connection, query, "recipient", slug)


# --- people who write --------------------------------------------------------------------


@dataclass(frozen=True)
class Writer:
    """A recipient with the number from which somebody wrote."""

    id: int
    tenant_id: str
    slug: str
    name: str
    language: Language
    channel: str
    address: str = field(repr=False)

    @property
    def addressee(self) -> Addressee:
        return Addressee(self.id, self.channel, self.address, self.language)


def writers(connection: Connection, channel: str, address: str) -> list[Writer]:
    """All recipients with this address, of whatever town, also as one of their further channels;
    whom somebody wrote to last first."""
    last = (
        select(outbox.c.recipient_id, func.max(outbox.c.id).label("last"))
        .where(outbox.c.status.in_(_LEFT))
        .group_by(outbox.c.recipient_id)
        .subquery()
    )
    table = recipients.c
    first = and_(table.address == address, table.channel == channel)
    further = cast(table.channels, String).contains(address, autoescape=True)
    rows = connection.execute(
        select(recipients)
        .outerjoin(last, last.c.recipient_id == table.id)
        .where(or_(first, further), table.tenant_id.not_in(erasing()))
        .order_by(func.coalesce(last.c.last, 0).desc(), table.id)
    )
    return [
        Writer(
            row.id,
            row.tenant_id,
            row.slug,
            row.name,
            Language(row.language),
            channel,
            address,
        )
        for row in rows
        if {"channel": channel, "address": address}
        in [{"channel": row.channel, "address": row.address}, *row.channels]
    ]


@dataclass(frozen=True)
class LastTold:
    """The last alarm that somebody was told of and that is still open."""

    recipient_id: int
    incident: str
    level: int


def last_told(connection: Connection, people: Collection[int], until: Instant) -> LastTold | None:
    """Of all that left for these recipients by `until` and is about an open incident, the last."""
    rows = connection.execute(
        select(outbox.c.recipient_id, outbox.c.incident_id, outbox.c.level)
        .join(incidents, incidents.c.id == outbox.c.incident_id)
        .where(
            outbox.c.recipient_id.in_(people),
            outbox.c.kind.in_(_ALARMS),
            or_(outbox.c.status.in_(_LEFT), outbox.c.resent.is_(True)),
            func.coalesce(outbox.c.sent_at, outbox.c.created_at) <= until,
            incidents.c.closed_at.is_(None),
        )
        .order_by(func.coalesce(outbox.c.sent_at, outbox.c.created_at).desc(), outbox.c.id.desc())
        .limit(1)
    ).all()
    return LastTold(*rows[0]) if rows else None


def unattended_through(connection: Connection, group_id: int, recipient_id: int) -> Sequence[str]:
    """Open incidents that this person was told of as one of the group."""
    query = (
        select(outbox.c.incident_id)
        .join(incidents, incidents.c.id == outbox.c.incident_id)
        .where(
            outbox.c.group_id == group_id,
            outbox.c.recipient_id == recipient_id,
            outbox.c.kind.in_(_ALARMS),
            incidents.c.closed_at.is_(None),
        )
        .distinct()
        .order_by(outbox.c.incident_id)
    )
    return list(connection.scalars(query))
