"""Once a week every member of a duty group gets a message that says that it is a test.

So a changed number, an empty prepaid card or a blocked sender is noticed before an alarm is lost.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import Connection

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.berlin import local
from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.base.language import Language
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.alarms.answers import wording
from stadtsinn.cloud.alarms.duty import repository as duty
from stadtsinn.cloud.alarms.duty.model import WeeklyTest
from stadtsinn.cloud.alarms.duty.repository import StoredGroup
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.message import Draft, Kind
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.platform.database.engine import Database

log = structlog.get_logger()

_LOOK_S = 30.0
_BACKOFF = Backoff(first=30, longest=600)
_LATE = timedelta(hours=1)
"""A test that was missed by more is left out: nobody wants it in the night."""
_KEEPS = 2 * HOUR
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class WeeklyTests(Repeating):
    """Writes the tests that are due. The key of each message is unique: none is written twice."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(
            "weekly tests",
            _BACKOFF,
            failed="test_messages_failed",
            remedy="it tries again by itself; alarms are sent all the same",
        )
        self._database = database
        self._clock = clock
        self._done: set[str] = set()

    def check(self) -> Check:
        return self.untroubled("each duty group is tested once a week", "no test messages")

    def step(self) -> float:
        now = self._clock.now()
        with self._database.read() as connection:
            groups = [
                one
                for one in duty.groups_of_all_towns(connection)
                if is_due(one.group.test_message, now) and name_of(one.id, now) not in self._done
            ]
        for one in groups:
            with self._database.write() as connection:
                told = write_test(connection, one, now)
            self._done.add(name_of(one.id, now))
            if told:
                log.info("test_messages_written", tenant=one.tenant_id, group=one.group.slug)
        return _LOOK_S


def is_due(test: WeeklyTest, now: Instant) -> bool:
    """At its time, or up to an hour later, on that day by the clock on the wall."""
    here = local(now)
    hour, minute = map(int, test.time.split(":"))
    begins = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return test.enabled and _DAYS[here.weekday()] == test.day and begins <= here < begins + _LATE


def name_of(group_id: int, now: Instant) -> str:
    """Instead of an incident's: the same for all of a day."""
    return f"test-{group_id}-{local(now):%Y%m%d}"


def write_test(connection: Connection, stored: StoredGroup, now: Instant) -> int:
    """To every member, not only to who is on duty; how many are new."""
    members = [one.recipient for one in stored.group.members]
    to = duty.addressees(connection, stored.tenant_id, members)

    def say(language: Language) -> Sentence:
        return wording.test(stored.group.name, language)

    draft = Draft(
        tenant_id=stored.tenant_id,
        incident_id=name_of(stored.id, now),
        kind=Kind.TEST,
        level=0,
        sequence=0,
        said=wording.everywhere(say),
        event_time=now,
        created_at=now,
        expires_at=Instant(now + _KEEPS),
    )
    return outbox.enqueue(connection, draft, list(to.values()))
