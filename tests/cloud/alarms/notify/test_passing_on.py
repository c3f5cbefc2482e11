"""An alarm that does not arrive goes to the next channel of a person, then to the next person."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select, update

from databases import fresh_database
from fake_senders import PEOPLE, FakeSender, Outbox
from stadtsinn.base.instant import MINUTE
from stadtsinn.cloud.alarms.duty.model import DutyGroup, Member
from stadtsinn.cloud.alarms.duty.service import create_group
from stadtsinn.cloud.alarms.duty.tables import duty_groups
from stadtsinn.cloud.alarms.notify import outbox_repository, worker
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome, Result
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker
from stadtsinn.cloud.platform.access.scope import Role, Scope

MAIL = "meier@stadt.example"


@dataclass
class Town:
    """Three people with telephones, the first with e-mail too; all in a group."""

    box: Outbox
    sms: FakeSender = field(default_factory=lambda: FakeSender(reports_delivery=True))
    email: FakeSender = field(default_factory=FakeSender)

    def __post_init__(self) -> None:
        further = [{"channel": "email", "address": MAIL}]
        scope = Scope(self.box.tenant, Role.EDITOR, 1)
        members = tuple(Member(recipient=one) for one in PEOPLE)
        group = DutyGroup(slug="dienst", name="Dienst", members=members)
        with self.box.database.write() as connection:
            first = recipients.c.id == self.box.people[0].id
            connection.execute(update(recipients).where(first).values(channels=further))
            create_group(connection, scope, group)
            number = connection.scalar(select(duty_groups.c.id))
        self.box.people = [replace(one, group_id=number) for one in self.box.people]

    def run(self) -> None:
        senders = {"sms": self.sms, "email": self.email}
        OutboxWorker(self.box.database, senders, self.box.clock, wall=self.box.wall).run_once()

    def later(self, minutes: float) -> None:
        self.box.clock.advance(round(minutes * MINUTE))
        self.box.wait(minutes * 60)
        self.run()

    def told(self) -> list[tuple[str, str]]:
        return [(row.address, row.status) for row in self.box.rows()]


@pytest.fixture
def town(box: Outbox) -> Town:
    return Town(box)


def numbers(town: Town) -> list[str]:
    return [one.address for one in town.box.people]


def test_what_failed_goes_to_the_next_channel_at_once(town: Town) -> None:
    town.sms.answers = [Result(Outcome.NEVER, reason="no such number")]
    town.box.put()
    town.run()
    town.run()
    assert town.told() == [(numbers(town)[0], "FAILED"), (MAIL, "ACCEPTED")]
    assert town.email.texts == town.sms.texts
    town.later(30)  # a mail server never says that a mail arrived
    assert len(town.told()) == 2


def test_what_is_taken_and_does_not_arrive_is_waited_for(town: Town) -> None:
    town.box.put()
    town.run()
    town.later(4.9)
    assert town.told() == [(numbers(town)[0], "ACCEPTED")]
    town.later(0.2)
    assert town.told()[1:] == [(MAIL, "ACCEPTED")]


def test_what_arrived_is_told_to_nobody_else(town: Town) -> None:
    town.sms.answers = [Result(Outcome.SENT, delivered=True)]
    town.box.put()
    town.run()
    town.later(30)
    assert town.told() == [(numbers(town)[0], "DELIVERED")]


def test_a_provider_that_is_away_is_given_up(town: Town) -> None:
    """Certainly not sent by the first: it does not follow an hour later."""
    town.sms.answers = [Result(Outcome.RETRY)] * 9
    town.box.put()
    for _ in range(6):
        town.later(1)
    assert town.told() == [(numbers(town)[0], "EXPIRED"), (MAIL, "ACCEPTED")]
    calls = len(town.sms.taken)
    town.later(30)
    assert len(town.sms.taken) == calls


def test_after_a_stop_the_first_way_is_tried_first(town: Town) -> None:
    town.box.put()
    town.later(20)
    assert [one.address for one in town.sms.taken] == numbers(town)[:1]


def test_after_the_last_channel_comes_the_next_person(town: Town) -> None:
    town.sms.answers = [Result(Outcome.NEVER)] * 3
    town.email.answers = [Result(Outcome.NEVER)]
    town.box.put()
    for _ in range(8):
        town.run()
    first, second, third = numbers(town)
    assert [address for address, _ in town.told()] == [first, MAIL, second, third]
    assert {status for _, status in town.told()} == {"FAILED"}
    town.later(30)
    assert len(town.told()) == 4  # nobody is left, and nobody is told twice


def test_only_alarms_and_only_while_they_matter(town: Town) -> None:
    town.sms.answers = [Result(Outcome.NEVER)]
    town.box.put(Kind.TECHNICAL)
    town.run()
    town.run()
    assert len(town.told()) == 1
    town.box.put(incident="2-1")
    town.run()
    with town.box.database.write() as connection:
        outbox_repository.give_up_reminders(connection, "2-1", "acknowledged")
    town.later(10)
    assert len(town.told()) == 2


def test_a_recipient_has_each_channel_once() -> None:
    ways = [{"channel": "sms", "address": "0170 1234567"}, {"channel": "email", "address": MAIL}]
    listed = Recipient.model_validate({"slug": "meier", "name": "Meier", "channels": ways})
    first = {**ways[0], "slug": "meier", "name": "Meier"}
    assert listed == Recipient.model_validate({**first, "channels": ways[1:]})
    assert (listed.channel, listed.address) == ("sms", "+491701234567")
    assert [one.address for one in listed.channels] == [MAIL]
    assert MAIL not in repr(listed)
    with pytest.raises(ValidationError, match="a channel stands twice"):
        Recipient.model_validate({**first, "channels": ways})
    with pytest.raises(ValidationError, match="no e-mail address"):
        Recipient.model_validate({**first, "channels": [{"channel": "email", "address": "x"}]})


# --- killed at any commit point ----------------------------------------------------------------


class Killed(BaseException):
    """As SIGKILL: nothing after it happens, and an open transaction is rolled back."""


@dataclass
class Counting(FakeSender):
    """Counts what arrives per message. A copy of a known uuid is the same one, where `knows`."""

    chance: random.Random = field(default_factory=random.Random)
    arrived: Counter[str] = field(default_factory=Counter)
    knows: bool = False

    def send(self, message: Any) -> Result:
        outcome = self.chance.choice([Outcome.SENT, Outcome.SENT, Outcome.RETRY, Outcome.NEVER])
        if outcome is Outcome.SENT:
            self.arrived[message.uuid] += 1
        return Result(outcome)

    def lookup(self, uuid: str) -> Found:
        if self.knows:
            return Found.YES if self.arrived[uuid] else Found.NO
        return Found.CANNOT_TELL


def scheduled(seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    asked, blind = Counting(chance=chance, knows=True), Counting(chance=chance)
    town = Town(Outbox(fresh_database(folder)), sms=asked, email=blind)
    left = [3]

    def crash_point(name: str) -> None:
        if name.startswith("notify.") and left[0] and chance.random() < 0.15:
            left[0] -= 1
            raise Killed(name)

    monkeypatch.setattr(worker, "crash_point", crash_point)
    town.box.put(to=chance.choice([1, 2]))
    for _ in range(25):
        try:
            town.later(chance.choice([0, 0.1, 3, 6]))
        except Killed:
            town.box.wait(130)  # another process comes; the lease of the dead one ends
    rows = town.box.rows()
    keys = Counter(row.dedup_key for row in rows)
    assert set(keys.values()) == {1}
    for row in rows:
        if row.channel == "sms":  # the receiver can be asked: exactly one, or none and a failure
            assert asked.arrived[row.uuid] <= 1
            taken = row.status in ("ACCEPTED", "DELIVERED")
            assert not taken or asked.arrived[row.uuid] == 1
        else:  # it cannot: a second copy says so
            assert blind.arrived[row.uuid] <= (2 if row.resent else 1)
    got = asked.arrived + blind.arrived
    assert got or all(row.status in ("FAILED", "EXPIRED", "UNKNOWN") for row in rows)
    with town.box.database.read() as connection:
        assert not connection.execute(select(outbox).where(outbox.c.settled.is_(False))).all()


@pytest.mark.slow
def test_killed_anywhere_each_key_arrives_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(8):
        (tmp_path / str(seed)).mkdir()
        scheduled(seed, tmp_path / str(seed), monkeypatch)


@pytest.mark.nightly
def test_killed_anywhere_in_two_hundred_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(100, 300):
        (tmp_path / str(seed)).mkdir()
        scheduled(seed, tmp_path / str(seed), monkeypatch)
