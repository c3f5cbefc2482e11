"""The SQL of delivery reports: what providers say about messages that they took."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, or_, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.notify.message import LEFT_READY, Status
from stadtsinn.cloud.alarms.notify.tables import outbox


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
        Status.DELIVERED: (*LEFT_READY, Status.READY, Status.FAILED),
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


@dataclass(frozen=True)
class OnItsWay:
    """A message that its channel took and of which it may still say more."""

    uuid: str
    provider_id: str | None
    watched: bool
    """An alarm whose arrival is waited for."""


def on_their_way(
    connection: Connection, channel: str, prefix: str, since: Instant
) -> list[OnItsWay]:
    """Those that were written since then and whose name there begins so, or that have none."""
    table = outbox.c
    query = select(table.uuid, table.provider_id, table.watched).where(
        table.channel == channel,
        table.status == Status.ACCEPTED.value,
        table.created_at >= since,
        table.purged.is_(False),
        or_(table.provider_id.is_(None), table.provider_id.startswith(prefix, autoescape=True)),
    )
    return [OnItsWay(*row) for row in connection.execute(query.order_by(table.id))]


def no_use_any_more(connection: Connection, uuids: Collection[str], now: Instant) -> list[str]:
    """Those of them that nobody needs now."""
    table = outbox.c
    query = select(table.uuid).where(table.uuid.in_(uuids), table.expires_at <= now)
    return list(connection.scalars(query))


def went_out(connection: Connection, uuids: Collection[str]) -> None:
    """They were sent, and nobody will say that they arrived: that is not waited for any more."""
    mine = (outbox.c.uuid.in_(uuids), outbox.c.status == Status.ACCEPTED.value)
    connection.execute(update(outbox).where(*mine).values(watched=False))


def never_went_out(connection: Connection, uuids: Collection[str]) -> None:
    """The channel took them, and was asked to send them no more."""
    mine = (outbox.c.uuid.in_(uuids), outbox.c.status == Status.ACCEPTED.value)
    values = {"status": Status.EXPIRED.value, "settled": True, "reason": "not sent in time"}
    connection.execute(update(outbox).where(*mine).values(values))
