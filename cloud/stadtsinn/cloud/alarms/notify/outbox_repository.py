"""The SQL of the outbox: messages in, one row per recipient, and how each came to its end.

`settled` marks a row for which nothing more will be tried. What one recipient gets about one
incident goes out in the order it was written: a row waits for the unsettled ones before it, so
an all-clear never overtakes its alarm. Of several incidents of one rule nothing older leaves after
a newer alarm: it goes before it or never, and the alarm waits only for what is being sent just now.
"""

from __future__ import annotations

import secrets
import uuid
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
from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS
from stadtsinn.cloud.alarms.notify.message import ENDINGS, Addressee, Draft, Kind, Message, Status
from stadtsinn.cloud.alarms.notify.sentence import Said
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.platform.database.engine import serialize
from stadtsinn.cloud.platform.database.in_turn import number_in_town
from stadtsinn.cloud.platform.database.upsert import insert_ignore
from stadtsinn.cloud.platform.tenants.repository import erasing

AT_ONCE = 500
"""Messages that one transaction gives up or empties."""

_LEFT_READY = (Status.SENDING, Status.ACCEPTED, Status.DELIVERED, Status.UNKNOWN)
_LOST = (Status.FAILED, Status.EXPIRED)
_WAITING = and_(outbox.c.settled.is_(False), outbox.c.status == Status.READY.value)


@dataclass(frozen=True)
class Claim:
    """A row that a worker took. It belongs to the worker while `attempts` is still this number."""

    id: int
    attempts: int
    channel: str
    language: Language
    resent: bool
    message: Message


def enqueue(connection: Connection, draft: Draft, to: Sequence[Addressee]) -> int:
    """Put one row per addressee into the outbox; those who have this message already get none.

    Returns how many rows are new.
    """
    return insert_ignore(connection, outbox, [_row(draft, addressee) for addressee in to])


def _row(draft: Draft, addressee: Addressee) -> dict[str, Any]:
    key = (draft.incident_id, draft.kind, draft.level, draft.sequence)
    return {
        "uuid": str(uuid.uuid4()),
        "tenant_id": draft.tenant_id,
        "incident_id": draft.incident_id,
        "subject": _subject(draft.incident_id),
        "kind": draft.kind.value,
        "level": draft.level,
        "sequence": draft.sequence,
        "channel": addressee.channel,
        "recipient_id": addressee.id,
        "dedup_key": "|".join(map(str, (*key, addressee.channel, addressee.id))),
        "address": addressee.address,
        "language": addressee.language.value,
        "text": CHANNELS[addressee.channel].text(draft.said[addressee.language]),
        "status": Status.READY.value,
        "reason": "",
        "attempts": 0,
        "resent": False,
        "reworded": False,
        "settled": False,
        "next_attempt": 0,
        "report_token": secrets.token_urlsafe(24),
        "event_time": draft.event_time,
        "created_at": draft.created_at,
        # What waits for the end of quiet hours is worth trying from then on.
        "expires_at": draft.expires_at + max(0, (addressee.not_before or 0) - draft.created_at),
        "purged": False,
        "group_id": addressee.group_id,
        "not_before": addressee.not_before,
    }


def _subject(incident_id: str) -> str:
    """Without the time at which it began, see the table of incidents."""
    rule, *rest = incident_id.split("-")
    return "-".join((rule, *rest[1:]))


def give_up_quiet(connection: Connection, incident_id: str, now: Instant) -> int:
    """The incident ended in quiet hours: nobody is told afterwards."""
    quiet = and_(
        outbox.c.incident_id == incident_id,
        _WAITING,
        outbox.c.not_before > now,
        outbox.c.resent.is_(False),
    )
    return connection.execute(
        update(outbox)
        .where(quiet)
        .values(status=Status.EXPIRED.value, settled=True, reason="over before quiet hours ended")
    ).rowcount


def reword_waiting_alarms(connection: Connection, incident_id: str, said: Said) -> int:
    """The incident ended before these went out: say so in the one message they will get."""
    waiting = and_(
        outbox.c.incident_id == incident_id,
        outbox.c.kind == Kind.ALARM.value,
        outbox.c.status == Status.READY.value,
        outbox.c.resent.is_(False),  # a first copy may have arrived: it needs its all-clear
    )
    ways = select(outbox.c.channel, outbox.c.language).where(waiting).distinct()
    return sum(
        connection.execute(
            update(outbox)
            .where(waiting, outbox.c.channel == channel, outbox.c.language == language)
            .values(text=CHANNELS[channel].text(said[Language(language)]), reworded=True)
        ).rowcount
        for channel, language in connection.execute(ways).all()
    )


def supersede_waiting_alarms(connection: Connection, incident_id: str, level: int) -> int:
    """A message about this level of the incident takes the place of those about lower ones."""
    waiting = and_(
        outbox.c.incident_id == incident_id,
        outbox.c.kind == Kind.ALARM.value,
        outbox.c.status == Status.READY.value,
        outbox.c.level < level,
        outbox.c.resent.is_(False),
    )
    return connection.execute(
        update(outbox)
        .where(waiting)
        .values(status=Status.EXPIRED.value, settled=True, reason="a newer alarm took its place")
    ).rowcount


def alarmed_addressees(connection: Connection, incident_id: str) -> list[Addressee]:
    """Recipients who got, or may have got, an alarm of this incident and no message of its end."""
    ended = outbox.alias("ended")
    heard = exists().where(
        ended.c.incident_id == outbox.c.incident_id,
        ended.c.recipient_id == outbox.c.recipient_id,
        ended.c.reworded,
    )
    left = or_(
        outbox.c.status.in_([status.value for status in _LEFT_READY]), outbox.c.resent.is_(True)
    )
    rows = connection.execute(
        select(*_TO)
        .join(recipients, recipients.c.id == outbox.c.recipient_id)
        .where(
            outbox.c.incident_id == incident_id,
            outbox.c.kind == Kind.ALARM.value,
            ~heard,
            outbox.c.purged.is_(False),
            left,
        )
        .distinct()
    )
    return [_to(row) for row in rows]


@dataclass(frozen=True)
class Told:
    """A message to a member of a duty group. `may_arrive`: it left, or still waits."""

    to: Addressee
    kind: Kind
    level: int
    sequence: int
    may_arrive: bool


def told_through(connection: Connection, incident_id: str, group_id: int) -> list[Told]:
    """All that members of a group were told about an incident, as far as they are still there."""
    rows = connection.execute(
        select(*_TO, outbox.c.kind, outbox.c.level, outbox.c.sequence, outbox.c.status)
        .join(recipients, recipients.c.id == outbox.c.recipient_id)
        .where(
            outbox.c.incident_id == incident_id,
            outbox.c.group_id == group_id,
            outbox.c.purged.is_(False),
        )
        .order_by(outbox.c.id)
    )
    lost = [status.value for status in _LOST]
    return [
        Told(_to(row), Kind(row.kind), row.level, row.sequence, row.status not in lost)
        for row in rows
    ]


_TO = (
    outbox.c.recipient_id,
    outbox.c.channel,
    outbox.c.address,
    outbox.c.language,
    outbox.c.group_id,
)


def _to(row: Any) -> Addressee:
    return Addressee(
        row.recipient_id, row.channel, row.address, Language(row.language), row.group_id
    )


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
    return _first(connection, _WAITING, given_up)


def expire(connection: Connection, found: Sequence[int], now: Instant) -> None:
    """Give up these messages, as far as nobody needs them still."""
    for given_up, reason in _no_use(now):
        connection.execute(
            update(outbox)
            .where(outbox.c.id.in_(found), _WAITING, given_up)
            .values(status=Status.EXPIRED.value, settled=True, reason=reason)
        )


def _no_use(now: Instant) -> Sequence[tuple[ColumnElement[bool], str]]:
    """Too old, the end of an alarm that never arrived, or older than an alarm that has left."""
    return (
        (or_(outbox.c.expires_at <= now, _moot()), "no use any more"),
        (_is_older_than_a_sent_alarm(), "a newer alarm has left"),
    )


def _first(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[int]:
    query = select(outbox.c.id).where(*conditions).order_by(outbox.c.id).limit(AT_ONCE)
    return connection.scalars(query).all()


def _moot() -> ColumnElement[bool]:
    """About alarms none of which reached this recipient."""
    alarm = outbox.alias("alarm")
    theirs = and_(
        alarm.c.incident_id == outbox.c.incident_id,
        alarm.c.recipient_id == outbox.c.recipient_id,
        alarm.c.kind == Kind.ALARM.value,
    )
    is_lost = alarm.c.status.in_([status.value for status in _LOST])
    about = outbox.c.kind.in_([kind.value for kind in (*ENDINGS, Kind.STALE)])
    return and_(about, exists().where(theirs, is_lost), ~exists().where(theirs, ~is_lost))


def _is_older_than_a_sent_alarm() -> ColumnElement[bool]:
    """A newer alarm of the same rule left for this recipient, or may have left."""
    newer = outbox.alias("newer")
    left = newer.c.status.in_([status.value for status in _LEFT_READY])
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
    urgent = or_(outbox.c.kind == Kind.ALARM.value, before_an_alarm)
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
    connection.execute(
        update(outbox)
        .where(outbox.c.id == row.id)
        .values(
            status=Status.SENDING.value, attempts=outbox.c.attempts + 1, lease_until=lease_until
        )
    )
    return _claim(row, row.attempts + 1)


def _is_due(channels: Collection[str], now: Moments) -> Sequence[ColumnElement[bool]]:
    before = outbox.alias("before")
    overtaken = exists().where(
        before.c.incident_id == outbox.c.incident_id,
        before.c.recipient_id == outbox.c.recipient_id,
        before.c.settled.is_(False),
        before.c.id < outbox.c.id,
    )
    other = outbox.alias("other")
    being_sent = exists().where(
        other.c.subject == outbox.c.subject,
        other.c.recipient_id == outbox.c.recipient_id,
        other.c.status == Status.SENDING.value,
        other.c.id < outbox.c.id,
    )
    return (
        _WAITING,
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
    return [_claim(row, row.attempts) for row in rows]


def _claim(row: Any, attempts: int) -> Claim:
    message = Message(row.uuid, Kind(row.kind), row.address, row.text, row.report_token)
    return Claim(row.id, attempts, row.channel, Language(row.language), row.resent, message)


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


def has_token(connection: Connection, token: str) -> bool:
    """Whether a message was sent with this token for its delivery report."""
    query = select(outbox.c.id).where(outbox.c.report_token == token)
    return connection.scalar(query) is not None


def report_by_token(connection: Connection, token: str, status: Status) -> bool:
    """Apply the delivery report that came with a message's own token; False when none has it."""
    return _report(connection, outbox.c.report_token == token, status)


def report_by_name(connection: Connection, name: str, status: Status) -> bool:
    """Apply a delivery report that names its message, by the provider's id or by ours."""
    return _report(connection, or_(outbox.c.provider_id == name, outbox.c.uuid == name), status)


def _report(connection: Connection, where: ColumnElement[bool], status: Status) -> bool:
    """A report never takes back a delivery, and one of an earlier copy spares the resending."""
    row = connection.execute(select(outbox.c.id).where(where)).first()
    if row is None:
        return False
    replaceable = {
        Status.DELIVERED: (*_LEFT_READY, Status.READY, Status.FAILED),
        Status.ACCEPTED: (Status.SENDING, Status.UNKNOWN),
        Status.FAILED: (Status.SENDING, Status.UNKNOWN, Status.ACCEPTED),
    }[status]
    connection.execute(
        update(outbox)
        .where(
            outbox.c.id == row.id,
            outbox.c.attempts > 0,
            outbox.c.status.in_([old.value for old in replaceable]),
        )
        .values(status=status.value, settled=True, reason=f"reported {status.value.lower()}")
    )
    return True
