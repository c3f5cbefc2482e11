"""A sender with scripted answers, and an outbox to use it with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, insert, select

from databases import add_tenant
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import HOUR, SECOND, Instant, parse
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.claim_repository import Moments
from stadtsinn.cloud.alarms.notify.message import Addressee, Draft, Kind, Message
from stadtsinn.cloud.alarms.notify.outbox_repository import enqueue, text_of
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome, Result, Sender
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker
from stadtsinn.cloud.platform.database.engine import Database


def with_texts(rows: Iterable[Row[Any]]) -> list[Any]:
    return [SimpleNamespace(**{**row._mapping, "text": text_of(row)}) for row in rows]


NOON = parse("2026-09-26T12:00:00+02:00")
TENANT = "musterstadt"
PEOPLE = {"ordnungsamt": "+491701111111", "bauhof": "+491702222222", "feuerwehr": "+491703333333"}


@dataclass
class FakeSender:
    """Answers with `answers` in turn, then with "sent"; keeps what reached the other side."""

    answers: list[Result | Exception] = field(default_factory=list)
    found: Found | Exception = Found.CANNOT_TELL
    taken: list[Message] = field(default_factory=list)
    """Every call."""
    asked: list[str] = field(default_factory=list)
    reports_delivery: bool = False
    while_sending: Callable[[Message], None] = lambda message: None

    def send(self, message: Message) -> Result:
        self.taken.append(message)
        self.while_sending(message)
        answer = self.answers.pop(0) if self.answers else Result(Outcome.SENT, f"id-{message.uuid}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def lookup(self, uuid: str) -> Found:
        self.asked.append(uuid)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def close(self) -> None:
        """Nothing is open."""

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.taken]


@dataclass
class Outbox:
    """A town's outbox with three recipients."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    wall: ManualClock = field(default_factory=lambda: ManualClock(Instant(0)))
    people: list[Addressee] = field(default_factory=list)
    tenant: str = TENANT

    def __post_init__(self) -> None:
        add_tenant(self.database, self.tenant)
        with self.database.write() as connection:
            for slug, number in PEOPLE.items():
                key = connection.execute(
                    insert(recipients)
                    .values(
                        tenant_id=self.tenant,
                        slug=slug,
                        name=slug.title(),
                        channel="sms",
                        address=number,
                    )
                    .returning(recipients.c.id)
                ).scalar_one()
                self.people.append(Addressee(key, "sms", number))

    def now(self) -> Moments:
        return Moments(self.wall.now(), self.clock.now())

    def put(
        self,
        kind: Kind = Kind.ALARM,
        *,
        incident: str = "1-1",
        text: str = "",
        to: int = 1,
        **other: Any,
    ) -> int:
        """A message for the first `to` recipients; returns how many rows are new."""
        values: dict[str, Any] = {
            "said": dict.fromkeys(Language, Sentence("", "", text or kind.value)),
            "level": 1,
            "sequence": 0,
            "event_time": self.clock.now(),
            "created_at": self.clock.now(),
            "expires_at": Instant(self.clock.now() + HOUR),
            **other,
        }
        draft = Draft(tenant_id=self.tenant, incident_id=incident, kind=kind, **values)
        with self.database.write() as connection:
            return enqueue(connection, draft, self.people[:to])

    def worker(self, sender: Sender | None, **other: Any) -> OutboxWorker:
        senders = {"sms": sender} if sender else {}
        return OutboxWorker(self.database, senders, self.clock, wall=self.wall, **other)

    def wait(self, seconds: float) -> None:
        """Real time passes."""
        self.wall.advance(round(seconds * SECOND))

    def rows(self) -> list[Any]:
        """As in the table, those that were not sent yet with the text that they will have."""
        with self.database.read() as connection:
            return with_texts(connection.execute(select(outbox).order_by(outbox.c.id)))

    def row(self) -> Any:
        (row,) = self.rows()
        return row

    def statuses(self) -> list[str]:
        return [row.status for row in self.rows()]
