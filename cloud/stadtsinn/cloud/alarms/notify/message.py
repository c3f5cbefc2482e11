"""What is sent, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.facts import NOTHING, Facts
from stadtsinn.cloud.alarms.notify.sentence import Said


class Kind(StrEnum):
    ALARM = "ALARM"
    ALL_CLEAR = "ALL_CLEAR"
    ENDED = "ENDED"
    """The rule was changed or deleted; not an all-clear."""
    STALE = "STALE"
    """Data is missing, the alarm stays."""
    TECHNICAL = "TECHNICAL"
    """For technicians: data is missing where an alarm was near."""
    REPEAT = "REPEAT"
    """Nobody acknowledged it yet: said again."""
    ESCALATION = "ESCALATION"
    """Nobody acknowledged it yet: the next ones are told."""
    ACKNOWLEDGED = "ACKNOWLEDGED"
    """Who has it in hand, for the others."""
    ANSWER = "ANSWER"
    """To somebody who wrote to us."""
    TEST = "TEST"
    WATERING_LIST = "WATERING_LIST"
    """Once a day, to a crew."""


OF_INCIDENTS = (
    Kind.ALARM,
    Kind.ALL_CLEAR,
    Kind.ENDED,
    Kind.STALE,
    Kind.REPEAT,
    Kind.ESCALATION,
    Kind.ACKNOWLEDGED,
)
"""About an incident that can be looked up; the others name something else instead."""


class Severity(StrEnum):
    """How much a message may wait. Quiet hours are set for each but the last."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    """Never waits."""


ENDINGS = (Kind.ALL_CLEAR, Kind.ENDED)
ALARMS = (Kind.ALARM, Kind.ESCALATION, Kind.REPEAT)
"""Who gets one of them knows of the alarm, and hears of its end."""
URGENT = (Kind.ALARM, Kind.ESCALATION)
"""Go before all others, and are sent again where nobody can tell whether they arrived."""


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
    SUPPRESSED = "SUPPRESSED"
    """Muted. An alarm that still goes on is sent at the end of that."""


LEFT_READY = (Status.SENDING, Status.ACCEPTED, Status.DELIVERED, Status.UNKNOWN)
LOST = (Status.FAILED, Status.EXPIRED, Status.SUPPRESSED)


@dataclass(frozen=True)
class Draft:
    """A message to be put into the outbox, for each of the addressees one."""

    tenant_id: str
    incident_id: str
    kind: Kind
    level: int
    sequence: int
    said: Said
    event_time: Instant
    created_at: Instant
    expires_at: Instant
    facts: Facts = NOTHING
    """What `said` is about, for channels that say more or pass on data."""


@dataclass(frozen=True)
class Addressee:
    """Where a recipient's messages go. `address` is personal data and stays out of the repr."""

    id: int
    """The recipient's."""
    channel: str
    address: str = field(repr=False)
    language: Language = Language.DE
    group_id: int | None = None
    """The duty group as whose member they are told."""
    not_before: Instant | None = None
    """The end of quiet hours, by the clock of the measurements."""
    muted: str = ""
    """Why they are not told, if so: the message is written down and not sent."""

    @classmethod
    def of(cls, key: int, channel: str, address: str, language: str) -> Addressee:
        """From columns of a row."""
        return cls(key, channel, address, Language(language))


@dataclass(frozen=True)
class Message:
    """One message for one recipient, as a sender gets it. The repr shows nothing personal."""

    uuid: str
    kind: Kind
    address: str = field(repr=False)
    text: str = field(repr=False)
    report_token: str = field(repr=False)
    """Unguessable; part of the address at which the provider reports the delivery."""
    tenant_id: str = ""
    incident_id: str = ""
    level: int = 0
    language: Language = Language.DE
    created_at: int = 0
    facts: Facts = field(default=NOTHING, repr=False)
    link: str = ""
    """To the incident; empty: there is none, or nobody said where the API is reached."""
    expires_at: int | None = None
    """When nobody needs it any more, by the clock of the measurements."""


def with_link(message: Message, public_url: str) -> Message:
    """The same with the address of its incident below `public_url`, if there is one."""
    if not public_url or message.kind not in OF_INCIDENTS:
        return message
    link = f"{public_url.rstrip('/')}/api/v1/incidents/{message.incident_id}"
    return replace(message, link=link)


def masked(address: str) -> str:
    """An address as people other than its owner may see it: the last three characters, of an
    address that may hold a token only what it begins with (``https://…``)."""
    scheme, found, _ = address.partition("://")
    if found:
        return f"{scheme}://…"
    return f"…{address[-3:]}" if address else ""
