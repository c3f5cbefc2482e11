"""The sandbox phone: messages end in our own database and on a page, never outside."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, select, update

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome, Result
from stadtsinn.cloud.alarms.notify.tables import sandbox_messages, sandbox_phone
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.database.upsert import insert_ignore


class SandboxSender:
    """Takes a message once, however often it is sent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def send(self, message: Message) -> Result:
        row = {
            "uuid": message.uuid,
            "address": message.address,
            "text": message.text,
            "received_at": self._clock.now(),
        }
        with self._database.write() as connection:
            insert_ignore(connection, sandbox_messages, [row])
        return Result(Outcome.SENT, provider_id=message.uuid, delivered=True)

    def lookup(self, uuid: str) -> Found:
        query = select(exists().where(sandbox_messages.c.uuid == uuid))
        with self._database.read() as connection:
            return Found.YES if connection.scalar(query) else Found.NO

    def close(self) -> None:
        """Nothing is open."""


def switch_phone(connection: Connection, since: Instant | None) -> None:
    """Make the phone page exist, or (None) not: it must not outlive the sandbox."""
    if since is None:
        connection.execute(delete(sandbox_phone))
    else:
        insert_ignore(connection, sandbox_phone, [{"id": 1, "since": since}])


def phone_is_on(connection: Connection) -> bool:
    return connection.scalar(select(sandbox_phone.c.id)) is not None


def purge_phone(connection: Connection, before: Instant) -> None:
    """Empty numbers and texts of old messages; the uuid stays, so none is taken twice."""
    connection.execute(
        update(sandbox_messages)
        .where(sandbox_messages.c.received_at < before)
        .values(address="", text="")
    )
