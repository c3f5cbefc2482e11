"""What a sender is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from sqlalchemy import Connection

from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.alarms.notify.senders.provider import ReportFormat


class Outcome(StrEnum):
    SENT = "sent"
    RETRY = "retry"
    """Certainly not sent; another try may work."""
    NEVER = "never"
    """Certainly not sent, and no try will change it."""
    UNKNOWN = "unknown"
    """It may have been sent or not."""


@dataclass(frozen=True)
class Result:
    """What became of a call. `reason` names no number, no text and no secret."""

    outcome: Outcome
    provider_id: str | None = None
    delivered: bool = False
    reason: str = ""


class Found(StrEnum):
    """Whether the other side has a message."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot_tell"
    KNOWS_COPIES = "knows_copies"
    """It cannot be asked, and takes a second one for the first: sending again does no harm."""


class Sender(Protocol):
    """Sends messages of one channel. Its methods may be called from several workers at once.

    An exception out of `send` counts as `Outcome.UNKNOWN`, out of `lookup` as "ask later".
    """

    @property
    def reports_delivery(self) -> bool:
        """It says later whether a message arrived; until then `Outcome.SENT` is half the way."""
        ...

    def send(self, message: Message) -> Result: ...

    def lookup(self, uuid: str) -> Found:
        """Whether a message with this uuid has arrived there, after an unknown outcome."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Inside(Protocol):
    """A sender whose other side lies in our own database: handing over commits with our note of it,
    and never leaves a doubt."""

    def hand_over(self, connection: Connection, message: Message) -> Result:
        """In place of `send`. Raises nothing: what failed has left the transaction as it was."""
        ...


@dataclass(frozen=True)
class OpenedSender:
    """A sender, and how its provider words delivery reports, if it sends any."""

    sender: Sender
    reports: ReportFormat | None = None
    phone: str = ""
    """The tenant whose messages the page of the sandbox phone shows."""
