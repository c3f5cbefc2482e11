"""The SQL of what goes into the outbox: one row per recipient, and what an incident's end makes of
those that wait. `claim_repository` is how they leave, `report_repository` what is heard of them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, exists, or_, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify import facts
from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS
from stadtsinn.cloud.alarms.notify.message import (
    ALARMS,
    LEFT_READY,
    LOST,
    URGENT,
    Addressee,
    Draft,
    Kind,
    Status,
)
from stadtsinn.cloud.alarms.notify.sentence import Said
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.platform.database.upsert import insert_ignore

AT_ONCE = 500
"""Messages that one transaction gives up or empties."""

_ALARMS = [kind.value for kind in ALARMS]
WAITING = and_(outbox.c.settled.is_(False), outbox.c.status == Status.READY.value)


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
        "facts": facts.written(draft.facts, draft.said),
        "text": "",
        "status": (Status.SUPPRESSED if addressee.muted else Status.READY).value,
        "reason": addressee.muted,
        "attempts": 0,
        "resent": False,
        "reworded": False,
        "settled": bool(addressee.muted),
        "next_attempt": 0,
        "report_token": secrets.token_urlsafe(24),
        "event_time": draft.event_time,
        "created_at": draft.created_at,
        # What waits for the end of quiet hours is worth trying from then on.
        "expires_at": draft.expires_at + max(0, (addressee.not_before or 0) - draft.created_at),
        "purged": False,
        "group_id": addressee.group_id,
        "not_before": addressee.not_before,
        "watched": draft.kind in URGENT,
    }


def _subject(incident_id: str) -> str:
    """Without the time at which it began, see the table of incidents."""
    rule, *rest = incident_id.split("-")
    return "-".join((rule, *rest[1:]))


def give_up_quiet(connection: Connection, incident_id: str, now: Instant) -> int:
    """The incident ended in quiet hours: nobody is told afterwards."""
    quiet = and_(
        outbox.c.incident_id == incident_id,
        WAITING,
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
    found = connection.execute(select(outbox.c.id, outbox.c.facts).where(waiting)).all()
    for row in found:
        now = facts.written(facts.read(row.facts), said)
        values = {"facts": now, "text": "", "reworded": True}
        connection.execute(update(outbox).where(outbox.c.id == row.id).values(values))
    return len(found)


def supersede_waiting_alarms(connection: Connection, incident_id: str, level: int) -> int:
    """A message about this level of the incident takes the place of those about lower ones."""
    waiting = and_(
        outbox.c.incident_id == incident_id,
        outbox.c.kind.in_(_ALARMS),
        outbox.c.status == Status.READY.value,
        outbox.c.level < level,
        outbox.c.resent.is_(False),
    )
    return connection.execute(
        update(outbox)
        .where(waiting)
        .values(status=Status.EXPIRED.value, settled=True, reason="a newer alarm took its place")
    ).rowcount


def text_of(row: Any) -> str:
    """What a row of the outbox says: as it was sent, else as its channel would send it now."""
    if row.text or row.purged:
        return str(row.text)
    language = Language(row.language)
    sentence = facts.read(row.facts).sentence(language)
    return "" if sentence is None else CHANNELS[row.channel].text(sentence)


def give_up_reminders(connection: Connection, incident_id: str, reason: str) -> int:
    """Somebody has it in hand, or it is over: repeats and escalations that wait are
    not sent, and where an alarm does not arrive, nobody else is told."""
    watched = and_(outbox.c.watched, outbox.c.incident_id == incident_id)
    connection.execute(update(outbox).where(watched).values(watched=False))
    reminding = outbox.c.kind.in_([Kind.REPEAT.value, Kind.ESCALATION.value])
    waiting = and_(
        outbox.c.incident_id == incident_id, reminding, WAITING, outbox.c.resent.is_(False)
    )
    return connection.execute(
        update(outbox)
        .where(waiting)
        .values(status=Status.EXPIRED.value, settled=True, reason=reason)
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
        outbox.c.status.in_([status.value for status in LEFT_READY]), outbox.c.resent.is_(True)
    )
    rows = connection.execute(
        select(*_TO)
        .join(recipients, recipients.c.id == outbox.c.recipient_id)
        .where(
            outbox.c.incident_id == incident_id,
            outbox.c.kind.in_(_ALARMS),
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
    lost = [status.value for status in LOST]
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
