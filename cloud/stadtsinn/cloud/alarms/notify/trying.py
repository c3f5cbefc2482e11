"""A test message to somebody, on each of their channels: does an alarm arrive there?"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.berlin import date_and_time
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify import outbox_repository, repository, watched_repository
from stadtsinn.cloud.alarms.notify.message import Addressee, Draft, Kind
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.platform.access.scope import Scope

_SAID = {
    Language.DE: ("TEST für ", ", {at}: Kommt dies an, kommen auch Alarme an."),
    Language.EN: ("TEST for ", ", {at}: where this arrives, alarms arrive."),
}


@dataclass(frozen=True)
class Tried:
    """The channels of somebody: by which the test goes, and which no sender serves."""

    written: tuple[str, ...]
    unserved: tuple[str, ...]


def write_test(
    connection: Connection, scope: Scope, slug: str, now: Instant, served: Container[str]
) -> Tried:
    """Put it into the outbox, for each channel that has a sender (`served`). Raises NotFound."""
    wanted = repository.recipient(connection, scope, slug)
    key = repository.recipient_id(connection, scope, slug)
    said = {
        language: Sentence(head, wanted.name, tail.format(at=date_and_time(now)), (), language)
        for language, (head, tail) in _SAID.items()
    }
    draft = Draft(
        tenant_id=scope.tenant_id,
        incident_id=f"test-{now}",
        kind=Kind.TEST,
        level=0,
        sequence=0,
        said=said,
        event_time=now,
        created_at=now,
        expires_at=Instant(now + HOUR),
    )
    ways = watched_repository.ways_of(connection, key)
    to = [
        Addressee(key, channel, address, wanted.language)
        for channel, address in ways
        if channel in served
    ]
    outbox_repository.enqueue(connection, draft, to)
    unserved = (channel for channel, _ in ways if channel not in served)
    return Tried(tuple(one.channel for one in to), tuple(dict.fromkeys(unserved)))
