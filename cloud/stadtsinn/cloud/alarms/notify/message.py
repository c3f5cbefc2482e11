"""What is sent, and what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from stadtsinn.base.instant import Instant

SMS = "sms"


class Kind(StrEnum):
    ALARM = "ALARM"
    ALL_CLEAR = "ALL_CLEAR"
    ENDED = "ENDED"
    """The rule was changed or deleted; not an all-clear."""
    STALE = "STALE"
    """Data is missing, the alarm stays."""
    TECHNICAL = "TECHNICAL"
    """For technicians: data is missing where an alarm was near."""


ENDINGS = (Kind.ALL_CLEAR, Kind.ENDED)


class Status(StrEnum):
    READY = "READY"
    SENDING = "SENDING"
    """A worker has it under a lease."""
    ACCEPTED = "ACCEPTED"
    """The provider took it."""
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    """Nobody can tell whether the provider took it."""
    EXPIRED = "EXPIRED"


@dataclass(frozen=True)
class Draft:
    """A message to be put into the outbox, for each of the recipients one."""

    tenant_id: str
    incident_id: str
    kind: Kind
    level: int
    sequence: int
    text: str
    event_time: Instant
    created_at: Instant
    expires_at: Instant


@dataclass(frozen=True)
class Recipient:
    """Who gets a message. `address` is personal data and stays out of the repr."""

    id: int
    slug: str
    name: str
    channel: str
    address: str = field(repr=False)


@dataclass(frozen=True)
class Message:
    """One message for one recipient, as a sender gets it. The repr shows nothing personal."""

    uuid: str
    kind: Kind
    address: str = field(repr=False)
    text: str = field(repr=False)
    report_token: str = field(repr=False)
    """Unguessable; part of the address at which the provider reports the delivery."""


_SEPARATORS = re.compile(r"[\s()/.-]")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


def normalise_number(address: str) -> str:
    """A telephone number as E.164 (``+491701234567``); ``0170…`` is taken for German.

    Raises ValueError, without the number in it, for anything that cannot be one.
    """
    number = _SEPARATORS.sub("", address)
    if number.startswith("00"):
        number = "+" + number[2:]
    elif number.startswith("0"):
        number = "+49" + number[1:]
    if not _E164.fullmatch(number):
        raise ValueError("this is no telephone number: write it like +49 170 1234567")
    return number


def masked(address: str) -> str:
    """An address as people other than its owner may see it: its last three characters."""
    return f"…{address[-3:]}" if address else ""
