"""A test message to somebody, on each of their channels: does an alarm arrive there?"""

from __future__ import annotations

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


def write_test(connection: Connection, scope: Scope, slug: str, now: Instant) -> list[str]:
    """Put it into the outbox; the channels that it goes by. Raises NotFound."""
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
    to = [Addressee(key, channel, address, wanted.language) for channel, address in ways]
    outbox_repository.enqueue(connection, draft, to)
    return [channel for channel, _ in ways]
