"""The SQL of how messages leave the outbox: what is due, who sends it, how each came to its end.

`settled` marks a row for which nothing more will be tried. What one recipient gets about one
incident goes out in the order it was written: a row waits for the unsettled ones before it, so
an all-clear never overtakes its alarm. Of several incidents of one rule nothing older leaves after
a newer alarm: it goes before it or never, and the alarm waits only for what is being sent just now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify import facts
from stadtsinn.cloud.alarms.notify.message import (
    ALARMS,
    ENDINGS,
    LEFT_READY,
    LOST,
    URGENT,
    Kind,
    Message,
    Status,
)
from stadtsinn.cloud.alarms.notify.outbox_repository import AT_ONCE, WAITING, text_of
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.platform.database.engine import serialize
from stadtsinn.cloud.platform.database.in_turn import number_in_town
from stadtsinn.cloud.platform.tenants.repository import erasing


@dataclass(frozen=True)
class Claim:
    """A row that a worker took. It belongs to the worker while `attempts` is still this number."""

    id: int
    attempts: int
    channel: str
    language: Language
    resent: bool
    message: Message


def has_work(connection: Connection, now: Instant) -> bool:
    """Some message is not settled and does not wait for the end of quiet hours; asked first, so
    that an idle worker takes no write lock. `now` is of the clock of the measurements."""
    work = exists().where(outbox.c.settled.is_(False), _is_not_quiet(now))
    return bool(connection.scalar(select(work)))


def _is_not_quiet(now: Instant) -> ColumnElement[bool]:
    return or_(outbox.c.not_before.is_(None), outbox.c.not_before <= now)


@dataclass(frozen=True)
class Backlog:
    """Messages that are not settled, by channel; `troubled` were tried three times or more."""

    waiting: dict[str, int]
    troubled: int


def backlog(connection: Connection) -> Backlog:
    rows = connection.execute(
        select(
            outbox.c.channel,
            func.count().label("waiting"),
            func.sum(case((outbox.c.attempts >= 3, 1), else_=0)).label("troubled"),
        )
        .where(outbox.c.settled.is_(False))
        .group_by(outbox.c.channel)
    ).all()
    return Backlog({row.channel: row.waiting for row in rows}, sum(row.troubled for row in rows))


def expired(connection: Connection, now: Instant) -> Sequence[int]:
    """What nobody needs any more, `AT_ONCE` messages at most. Looks through all that wait: for
    that nobody may wait."""
    given_up = or_(*(condition for condition, _ in _no_use(now)))
    return _first(connection, WAITING, given_up)


def expire(connection: Connection, found: Sequence[int], now: Instant) -> None:
    """Give up these messages, as far as nobody needs them still."""
    for given_up, reason in _no_use(now):
        connection.execute(
            update(outbox)
            .where(outbox.c.id.in_(found), WAITING, given_up)
            .values(status=Status.EXPIRED.value, settled=True, reason=reason)
        )


def _no_use(now: Instant) -> Sequence[tuple[ColumnElement[bool], str]]:
    """Too old, the end of an alarm that never arrived, or older than an alarm that has left."""
    return (
        (or_(outbox.c.expires_at <= now, _moot()), "no use any more"),
        (_is_older_than_a_sent_alarm(), "a newer alarm has left"),
    )


def _first(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[int]:
    query = select(outbox.c.id).where(*conditions).order_by(outbox.c.id)
    return connection.scalars(query.limit(AT_ONCE)).all()


def _moot() -> ColumnElement[bool]:
    """About alarms none of which reached this recipient."""
    alarm = outbox.alias("alarm")
    theirs = and_(
        alarm.c.incident_id == outbox.c.incident_id,
        alarm.c.recipient_id == outbox.c.recipient_id,
        alarm.c.kind.in_([kind.value for kind in ALARMS]),
    )
    is_lost = alarm.c.status.in_([status.value for status in LOST])
    about = outbox.c.kind.in_([kind.value for kind in (*ENDINGS, Kind.STALE)])
    return and_(about, exists().where(theirs, is_lost), ~exists().where(theirs, ~is_lost))


def _is_older_than_a_sent_alarm() -> ColumnElement[bool]:
    """A newer alarm of the same rule left for this recipient, or may have left."""
    newer = outbox.alias("newer")
    left = newer.c.status.in_([status.value for status in LEFT_READY])
    return exists().where(_newer_alarm(newer), or_(left, newer.c.resent.is_(True)))


def _newer_alarm(newer: Any) -> ColumnElement[bool]:
    return and_(
        newer.c.subject == outbox.c.subject,
        newer.c.recipient_id == outbox.c.recipient_id,
        newer.c.incident_id != outbox.c.incident_id,
        newer.c.kind == Kind.ALARM.value,
        newer.c.id > outbox.c.id,
    )


def break_leases(connection: Connection, now: Instant, retry_at: Instant) -> int:
    """Rows whose worker died: nobody knows whether the message was sent."""
    lost = and_(
        outbox.c.settled.is_(False),
        outbox.c.status == Status.SENDING.value,
        outbox.c.lease_until < now,
    )
    return connection.execute(
        update(outbox)
        .where(lost)
        .values(status=Status.UNKNOWN.value, next_attempt=retry_at, reason="the sender stopped")
    ).rowcount


@dataclass(frozen=True)
class Moments:
    """Now, by both clocks: `wall` is the machine's, which attempts go by, `measured` that of the
    measurements, which quiet hours go by."""

    wall: Instant
    measured: Instant


@dataclass(frozen=True)
class Due:
    """A message that is due. `number`: which of its town's it is, from 1."""

    id: int
    tenant_id: str
    urgent: bool
    number: int


def due(
    connection: Connection, channels: Collection[str], now: Moments, of_each: int
) -> Sequence[Due]:
    """Of each town the first messages that are due, those about alarms before all others. Looks
    through all that wait: for that nobody may wait."""
    newer = outbox.alias("newer_waiting")
    before_an_alarm = exists().where(_newer_alarm(newer), newer.c.settled.is_(False))
    urgent = or_(outbox.c.kind.in_([kind.value for kind in URGENT]), before_an_alarm)
    alarms_first = case((urgent, 0), else_=1)
    ranked = (
        select(
            outbox.c.id,
            outbox.c.tenant_id,
            alarms_first.label("later"),
            number_in_town(outbox.c.tenant_id, alarms_first, outbox.c.id),
        )
        .where(*_is_due(channels, now))
        .subquery()
    )
    rows = connection.execute(select(ranked).where(ranked.c.number <= of_each))
    return [Due(row.id, row.tenant_id, not row.later, row.number) for row in rows]


def doubt_what_waits() -> Update:
    """For a database of a backup: what waited then may have been sent since. Nobody can tell."""
    waiting = and_(outbox.c.settled.is_(False), outbox.c.status == Status.READY.value)
    values = {"status": Status.UNKNOWN.value, "next_attempt": 0, "reason": "from a backup"}
    return update(outbox).where(waiting).values(values)


def claim(
    connection: Connection,
    number: int,
    channels: Collection[str],
    now: Moments,
    lease_until: Instant,
) -> Claim | None:
    """Take a message: READY → SENDING. None where it is not due any more, or somebody has it.

    One worker at a time: two that choose at once would not see what the other takes, and send an
    alarm and the older all-clear side by side.
    """
    serialize(connection, "outbox")
    query = select(outbox).where(outbox.c.id == number, *_is_due(channels, now))
    row = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    text = text_of(row)  # what is tried again says the same
    connection.execute(
        update(outbox)
        .where(outbox.c.id == row.id)
        .values(
            status=Status.SENDING.value,
            attempts=outbox.c.attempts + 1,
            lease_until=lease_until,
            text=text,
        )
    )
    return _claim(row, row.attempts + 1, text)


def _is_due(channels: Collection[str], now: Moments) -> Sequence[ColumnElement[bool]]:
    before = outbox.alias("before")
    overtaken = exists().where(
        before.c.incident_id == outbox.c.incident_id,
        before.c.recipient_id == outbox.c.recipient_id,
        before.c.settled.is_(False),
        before.c.id < outbox.c.id,
        # What is in doubt on another channel does not hold up the next one in line.
        ~and_(before.c.status == Status.UNKNOWN.value, before.c.channel != outbox.c.channel),
    )
    other = outbox.alias("other")
    being_sent = exists().where(
        other.c.subject == outbox.c.subject,
        other.c.recipient_id == outbox.c.recipient_id,
        other.c.status == Status.SENDING.value,
        other.c.id < outbox.c.id,
    )
    return (
        WAITING,
        outbox.c.next_attempt <= now.wall,
        _is_not_quiet(now.measured),
        outbox.c.channel.in_(list(channels)),
        outbox.c.tenant_id.not_in(erasing()),
        ~overtaken,
        ~being_sent,
        ~_moot(),
        ~_is_older_than_a_sent_alarm(),
    )


def unknowns(connection: Connection, channels: Collection[str], now: Instant) -> list[Claim]:
    """Messages of which nobody knows whether they were sent, and which are due for a decision."""
    number = number_in_town(outbox.c.tenant_id, outbox.c.next_attempt, outbox.c.id)
    rows = connection.execute(
        select(outbox, number)
        .where(
            outbox.c.settled.is_(False),
            outbox.c.status == Status.UNKNOWN.value,
            outbox.c.next_attempt <= now,
            outbox.c.channel.in_(list(channels)),
        )
        .order_by(number, outbox.c.next_attempt, outbox.c.id)
        .limit(100)
    )
    return [_claim(row, row.attempts, text_of(row)) for row in rows]


def _claim(row: Any, attempts: int, text: str) -> Claim:
    message = Message(
        row.uuid,
        Kind(row.kind),
        row.address,
        text,
        row.report_token,
        row.tenant_id,
        row.incident_id,
        row.level,
        Language(row.language),
        row.created_at,
        facts.read(row.facts),
        expires_at=row.expires_at,
    )
    return Claim(row.id, attempts, row.channel, message.language, row.resent, message)


def finish(
    connection: Connection, claimed: Claim, status: Status, *, only_from: Status, **values: Any
) -> bool:
    """Write what came of a claim, unless somebody else was quicker (a report, a lost lease)."""
    settled = status in (Status.ACCEPTED, Status.DELIVERED, Status.FAILED, Status.EXPIRED)
    changed = connection.execute(
        update(outbox)
        .where(
            outbox.c.id == claimed.id,
            outbox.c.attempts == claimed.attempts,
            outbox.c.status == only_from.value,
        )
        .values({"settled": settled, **values, "status": status.value, "lease_until": None})
    )
    return changed.rowcount == 1


def note_sent(connection: Connection, row_id: int, values: Mapping[str, Any]) -> None:
    """Add what the sender answered about a message that was settled by its report already."""
    connection.execute(
        update(outbox).where(outbox.c.id == row_id, outbox.c.sent_at.is_(None)).values(**values)
    )
