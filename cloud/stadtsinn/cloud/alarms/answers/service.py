"""Answers by SMS: "OK" acknowledges, "STOP" pauses the shift, all else gets a short help.

Whatever channel took the message hands it over as `Inbound`. All that comes of it, with the answer,
commits together; the same message twice is one. No number and no text is written down or logged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.answers import inbound_repository, repository, topics, wording
from stadtsinn.cloud.alarms.answers.acknowledging import Person, Via, acknowledge
from stadtsinn.cloud.alarms.answers.inbound import Inbound
from stadtsinn.cloud.alarms.answers.meaning import Meaning, meaning
from stadtsinn.cloud.alarms.answers.pausing import pause
from stadtsinn.cloud.alarms.answers.repository import Writer
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS
from stadtsinn.cloud.alarms.notify.channels.sms import Sms
from stadtsinn.cloud.alarms.notify.message import Draft, Kind
from stadtsinn.cloud.alarms.notify.sentence import Said, Sentence
from stadtsinn.cloud.platform.database.engine import Database, serialize

log = structlog.get_logger()

_answers = Counter("stadtsinn_answers_total", "Messages that people sent to us", ["meant"])

_UNDER_WAY = 30 * SECOND
"""A message counts as told before an answer that came so much earlier: clocks differ."""
_HELP_EVERY = HOUR
_MOST_ANSWERS = 10
"""To one number in an hour: two machines that answer each other must come to an end."""
_KEEPS = HOUR


class Taken(StrEnum):
    """What came of a message."""

    ACKNOWLEDGED = "acknowledged"
    ALREADY = "already"
    NOTHING_OPEN = "nothing_open"
    STOPPED = "stopped"
    NO_SHIFT = "no_shift"
    HELPED = "helped"
    IGNORED = "ignored"
    """Help was given in this hour already, or too much was answered."""
    TWICE = "twice"
    UNKNOWN = "unknown"
    """The number belongs to no recipient: nobody is answered."""


@dataclass(frozen=True)
class _Answer:
    taken: Taken
    said: Said | None
    incident: str | None = None
    """Which one it is about."""
    to: Writer | None = None
    level: int = 0


def take(database: Database, inbound: Inbound, now: Instant, channel: str = Sms.name) -> Taken:
    """Do what somebody wrote. `now` is of the clock of the measurements."""
    address = _address(channel, inbound.address)
    with database.write() as connection:
        serialize(connection, "rules")  # no alarm begins or ends meanwhile
        taken = _take(connection, channel, address, inbound, now)
        crash_point("answers.taking")
    log.info("answer_taken", taken=taken.value)
    return taken


def _address(channel: str, written: str) -> str | None:
    """As recipients' addresses are kept; providers leave out the plus. None: nobody's."""
    bare = "".join(written.split())
    if bare.isascii() and bare.isdigit() and not bare.startswith("0"):
        bare = f"+{bare}"
    try:
        return CHANNELS[channel].address(bare)
    except ValueError:
        return None


def _take(
    connection: Connection, channel: str, address: str | None, inbound: Inbound, now: Instant
) -> Taken:
    people = repository.writers(connection, channel, address) if address is not None else []
    meant = meaning(inbound.text)
    number = inbound_repository.note(
        connection,
        key=_key(channel, inbound),
        writer=people[0] if people else None,
        meant=meant.value if people else Taken.UNKNOWN.value,
        now=now,
    )
    if number is None:
        return Taken.TWICE
    _answers.labels(meant.value if people else Taken.UNKNOWN.value).inc()
    if not people:
        return Taken.UNKNOWN
    answer = _do(connection, people, meant, inbound, number, now)
    ids = [one.id for one in people]
    if answer.said is None or _is_enough(connection, ids, meant, answer, now):
        return Taken.IGNORED
    _reply(connection, answer, answer.to or people[0], number, now)
    inbound_repository.mark_answered(connection, number)
    return answer.taken


def _is_enough(
    connection: Connection, people: list[int], meant: Meaning, answer: _Answer, now: Instant
) -> bool:
    """Nothing new happened and the same was answered just now, or very much in this hour."""
    last_minute, last_hour = Instant(now - MINUTE), Instant(now - HOUR)
    said_already = inbound_repository.answered_since(connection, people, last_minute, meant.value)
    if said_already and answer.taken is not Taken.ACKNOWLEDGED:
        return True
    return inbound_repository.answered_since(connection, people, last_hour) >= _MOST_ANSWERS


def _key(channel: str, inbound: Inbound) -> str:
    """The same for the same message: the same words of the same sender under the name that its
    channel gave it, or without one at the same moment. Not by the name alone: a gateway that was
    installed anew counts from 1 again, and no answer may be lost by that."""
    name = inbound.provider_id or str(inbound.received_at)
    whole = f"{channel}|{name}|{inbound.address}|{inbound.text}"
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()


def _do(
    connection: Connection,
    people: list[Writer],
    meant: Meaning,
    inbound: Inbound,
    number: int,
    now: Instant,
) -> _Answer:
    if meant is Meaning.ACKNOWLEDGE:
        return _acknowledge(connection, people, inbound, now)
    if meant is Meaning.STOP:
        paused = pause(connection, people, number, now)
        if paused is None:
            return _Answer(Taken.NO_SHIFT, wording.everywhere(wording.no_shift))
        names, end = paused.groups, paused.end

        def stopped(language: Language) -> Sentence:
            return wording.stopped(names, end, now, language)

        return _Answer(Taken.STOPPED, wording.everywhere(stopped), to=paused.writer)
    ids = [one.id for one in people]
    since = Instant(now - _HELP_EVERY)
    if inbound_repository.answered_since(connection, ids, since, Meaning.UNCLEAR.value):
        return _Answer(Taken.IGNORED, None)
    return _Answer(Taken.HELPED, wording.everywhere(wording.help_answer))


def _acknowledge(
    connection: Connection, people: list[Writer], inbound: Inbound, now: Instant
) -> _Answer:
    """What this person was told last, of whatever town, and is still open."""
    until = Instant(min(inbound.received_at, now) + _UNDER_WAY)
    last = repository.last_told(connection, [one.id for one in people], until)
    matter = topics.matter(connection, last.incident, now) if last is not None else None
    if last is None or matter is None:
        return _Answer(Taken.NOTHING_OPEN, wording.everywhere(wording.nothing_open))
    writer = next(one for one in people if one.id == last.recipient_id)
    person = Person(writer.name, Via.SMS, writer.id)
    done = acknowledge(connection, matter, person, now, last.level)
    topic, incident = matter.topic, matter.incident
    if done.first:
        higher = not done.is_whole
        said = topic.each(lambda one: wording.confirmed(one, now, higher_since=higher))
        return _Answer(Taken.ACKNOWLEDGED, said, incident, writer, done.level)
    said = topic.each(lambda one: wording.already(one, done.by, done.at))
    return _Answer(Taken.ALREADY, said, incident, writer, done.level)


def _reply(connection: Connection, answer: _Answer, to: Writer, number: int, now: Instant) -> None:
    """One message to who wrote."""
    assert answer.said is not None
    draft = Draft(
        tenant_id=to.tenant_id,
        incident_id=answer.incident or f"answer-{number}",
        kind=Kind.ANSWER,
        level=answer.level,
        sequence=number,
        said=answer.said,
        event_time=now,
        created_at=now,
        expires_at=Instant(now + _KEEPS),
    )
    outbox.enqueue(connection, draft, [to.addressee])
