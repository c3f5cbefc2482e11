"""The SQL of alarms that do not arrive: somebody else is told instead, once.

`watched` marks an alarm whose arrival is waited for. It is taken away in the transaction that puts
the next one into the outbox, under a key of its own: who is killed in between does neither.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, exists, or_, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.platform.database.engine import serialize

_AT_ONCE = 100


def has_undelivered(
    connection: Connection, reporting: Collection[str], now: Instant, patience: int
) -> bool:
    return bool(connection.scalar(select(exists().where(*_late(reporting, now, patience)))))


def undelivered(
    connection: Connection, reporting: Collection[str], now: Instant, patience: int
) -> list[int]:
    """Alarms that failed, or did not arrive within `patience`; `reporting` are the channels that
    say when something arrives, on all others to be taken is as far as it goes."""
    query = select(outbox.c.id).where(*_late(reporting, now, patience)).order_by(outbox.c.id)
    return list(connection.scalars(query.limit(_AT_ONCE)))


def take(
    connection: Connection, number: int, reporting: Collection[str], now: Instant, patience: int
) -> Row[Any] | None:
    """The message, watched no more; None where it arrived meanwhile, or somebody else took it."""
    serialize(connection, "outbox")
    late = (outbox.c.id == number, *_late(reporting, now, patience))
    row = connection.execute(select(outbox).where(*late)).one_or_none()
    if row is not None:
        connection.execute(update(outbox).where(outbox.c.id == number).values(watched=False))
    return row


def give_up(connection: Connection, number: int) -> None:
    """It was certainly not sent, and somebody else is told: it is tried no more."""
    ready = (outbox.c.id == number, outbox.c.status == Status.READY.value)
    values = {"status": Status.EXPIRED.value, "settled": True, "reason": "the next in line is told"}
    connection.execute(update(outbox).where(*ready, outbox.c.resent.is_(False)).values(values))


def told(connection: Connection, row: Any) -> set[tuple[int, str]]:
    """By which channels which recipients were, or are to be, told of this alarm."""
    query = select(outbox.c.recipient_id, outbox.c.channel).where(
        outbox.c.incident_id == row.incident_id,
        outbox.c.level >= row.level,
        outbox.c.kind == row.kind,
    )
    return {(one.recipient_id, one.channel) for one in connection.execute(query)}


def ways_of(connection: Connection, recipient_id: int) -> list[tuple[str, str]]:
    """Channels and addresses of a recipient, in their order; none of one that was deleted."""
    query = select(recipients).where(recipients.c.id == recipient_id)
    row = connection.execute(query).one_or_none()
    return [] if row is None else ways_in(row)


def ways_in(row: Any) -> list[tuple[str, str]]:
    """The same, of a row of the table of recipients."""
    further = [(one["channel"], one["address"]) for one in row.channels]
    return [(row.channel, row.address), *further]


def _late(reporting: Collection[str], now: Instant, patience: int) -> list[ColumnElement[bool]]:
    waits = outbox.c.not_before > outbox.c.created_at
    since = case((waits, outbox.c.not_before), else_=outbox.c.created_at)
    on_its_way = or_(
        # What was never tried waits for a worker: after a stop it goes its first way first.
        and_(outbox.c.status == Status.READY.value, outbox.c.attempts > 0),
        outbox.c.status == Status.UNKNOWN.value,
        and_(outbox.c.status == Status.ACCEPTED.value, outbox.c.channel.in_(list(reporting))),
    )
    return [
        outbox.c.watched,
        outbox.c.expires_at > now,
        outbox.c.purged.is_(False),
        outbox.c.reworded.is_(False),
        or_(outbox.c.status == Status.FAILED.value, and_(since + patience <= now, on_its_way)),
    ]
