"""The SQL of delivery reports: what providers say about messages that they took."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, or_, select, update

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
