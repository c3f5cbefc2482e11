"""The sandbox: messages end in our own database, and in a demo on a page, never outside."""

from __future__ import annotations

from stadtsinn.base.clock import Clock
from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.alarms.notify.senders import repository
from stadtsinn.cloud.alarms.notify.senders.base import Found, OpenedSender, Outcome, Result
from stadtsinn.cloud.platform.database.engine import Database


class SandboxSender:
    """Takes a message once, however often it is sent."""

    reports_delivery = True

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def send(self, message: Message) -> Result:
        with self._database.write() as connection:
            repository.take_in_sandbox(connection, message, self._clock.now())
        return Result(Outcome.SENT, provider_id=message.uuid, delivered=True)

    def lookup(self, uuid: str) -> Found:  # noqa: ARG002 (part of the protocol)
        return Found.KNOWS_COPIES

    def close(self) -> None:
        """Nothing is open."""


def open_sandbox(database: Database, clock: Clock, phone: str) -> OpenedSender:
    return OpenedSender(SandboxSender(database, clock), phone=phone)
