"""A town whose people answer to alarms. Minutes count as in `fake_alert_town`; the machine's own
clock shows the same unless a test moves it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select, update

from fake_alert_town import NUMBERS, AlertTown, minute
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import to_datetime
from stadtsinn.cloud.alarms.alerts import muting
from stadtsinn.cloud.alarms.alerts.mute import Mute, MuteBody
from stadtsinn.cloud.alarms.alerts.tables import alert_attention
from stadtsinn.cloud.alarms.answers.acknowledging import Acknowledged, Person, Via, acknowledge_of
from stadtsinn.cloud.alarms.answers.worker import AttentionWorker
from stadtsinn.cloud.alarms.duty.model import DutyGroup
from stadtsinn.cloud.alarms.duty.service import create_group
from stadtsinn.cloud.alarms.notify.outbox_repository import text_of
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.service import create_recipient
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.town.service import change

MORE = {"leitung": "+491703333333", "nacht": "+491704444444"}
EVERYBODY = {**NUMBERS, **MORE}
ALL_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass
class AnsweredTown(AlertTown):
    wall: ManualClock = field(default_factory=lambda: ManualClock(minute(0)))
    worker: AttentionWorker = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        with change(self.database) as connection:
            for slug, number in MORE.items():
                body = Recipient(slug=slug, name=slug.title(), address=number)
                create_recipient(connection, self.scope, body)

    def restart(self) -> None:
        super().restart()
        self.worker = AttentionWorker(self.database, self.clock, wall=self.wall)

    def group(self, slug: str = "bereitschaft", **other: Any) -> DutyGroup:
        """Of the office by day and of the yard by night, unless said otherwise."""
        values: dict[str, Any] = {
            "slug": slug,
            "name": slug.title(),
            "members": ["ordnungsamt", "bauhof"],
            "shifts": [
                {"on_duty": "ordnungsamt", "start": "08:00", "end": "20:00"},
                {"on_duty": "bauhof", "start": "20:00", "end": "08:00"},
            ],
            **other,
        }
        group = DutyGroup.model_validate(values)
        with change(self.database) as connection:
            create_group(connection, self.scope, group)
        return group

    def pass_to(self, minutes: float, wall: float | None = None, *, away: bool = False) -> None:
        """Let time pass for measurements and people; the worker looks once, and what it wrote
        leaves, unless the provider is away."""
        self.now(minutes)
        self.wall.set(minute(minutes if wall is None else wall))
        self.worker.run_once()
        if not away:
            self.sent()

    def each_minute(self, first: int, last: int, *, away: bool = False) -> None:
        for one in range(first, last + 1):
            self.pass_to(one, away=away)

    def sent(self, minutes: float | None = None) -> None:
        """All that is READY and not quiet leaves, as the outbox would send it."""
        if minutes is not None:
            self.now(minutes)
        with self.database.write() as connection:
            now = self.clock.now()
            ready = (
                outbox.c.status == "READY",
                outbox.c.not_before.is_(None) | (outbox.c.not_before <= now),
            )
            values = {"status": "DELIVERED", "settled": True, "sent_at": now, "attempts": 1}
            connection.execute(update(outbox).where(*ready).values(values))

    def fire(self, minutes: float = 0, **other: Any) -> str:
        """A rule of the market fires; its alarm is sent. Returns the incident."""
        self.zone_rule(**other)
        self.crowds((minutes, 950))
        self.sent()
        return self.open_incident()

    def open_incident(self) -> str:
        return self.open_incidents()[0]

    def open_incidents(self) -> list[str]:
        return [str(row.id) for row in self.incidents() if row.closed_at is None]

    def acknowledge(
        self, incident: str, who: str = "ordnungsamt", via: Via = Via.API
    ) -> Acknowledged:
        with self.database.write() as connection:
            known = connection.execute(select(recipients).where(recipients.c.slug == who)).one()
            person = Person(known.name, via, known.id)
            return acknowledge_of(connection, self.scope, incident, person, self.clock.now())

    def mute(self, minutes: float, **what: Any) -> Mute:
        """From now until then."""
        body = MuteBody.model_validate(
            {"reason": "Baustelle", "end": to_datetime(minute(minutes)), **what}
        )
        with change(self.database, self.scope, self.clock.now()) as connection:
            return muting.create_mute(connection, self.scope, body, self.clock.now())

    def unmute(self, number: int) -> None:
        with change(self.database, self.scope, self.clock.now()) as connection:
            muting.end_mute(connection, self.scope, number, self.clock.now())

    def told(self) -> list[tuple[str, str]]:
        """Kind and recipient of all messages in their order; what was not sent is left out."""
        return [
            (row.kind, self.who(row))
            for row in self.messages()
            if row.status not in ("SUPPRESSED", "EXPIRED")
        ]

    def who(self, row: Row[Any]) -> str:
        return next(slug for slug, number in EVERYBODY.items() if number == row.address)

    def count(self, kind: str) -> Counter[str]:
        """How many messages of a kind each got."""
        return Counter(who for one, who in self.told() if one == kind)

    def texts(self, kind: str) -> set[str]:
        return {text_of(row) for row in self.messages() if row.kind == kind}

    def attention(self) -> list[Row[Any]]:
        with self.database.read() as connection:
            return list(connection.execute(select(alert_attention)))
