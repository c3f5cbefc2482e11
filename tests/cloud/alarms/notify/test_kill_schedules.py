"""SIGKILL at any commit point, in random schedules, for each kind of channel: what the receiver
counts per key is what docs/channels.md says, one, or two for an SMS or a chat message that nobody
can be asked about. A modem's are in test_gammu_killed.py.

The receivers are real: a mail server, a web server for SMS and webhooks, the sandbox. A worker is a
process of its own with its own database connections and senders.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from databases import fresh_database
from fake_senders import PEOPLE, Outbox
from killing import is_killed_at
from real_mail import PASSWORD, USERNAME, MailServer
from real_tls import server_certificate
from real_web_receiver import Receiver, running
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, SECOND, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.duty.model import DutyGroup, Member
from stadtsinn.cloud.alarms.duty.service import create_group
from stadtsinn.cloud.alarms.duty.tables import duty_groups
from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS
from stadtsinn.cloud.alarms.notify.senders.open import open_senders
from stadtsinn.cloud.alarms.notify.senders.webhook import MESSAGE_ID
from stadtsinn.cloud.alarms.notify.service import take_report
from stadtsinn.cloud.alarms.notify.settings import NotifySettings
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients, sandbox_messages
from stadtsinn.cloud.alarms.notify.worker import MAYBE_TWICE, OutboxWorker
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import open_database

pytestmark = pytest.mark.slow

POINTS = [
    "notify.claiming",
    "notify.claimed",
    "notify.called",
    "notify.finished",
    "notify.passing_on",
    "notify.passed_on",
]
WAYS = ["sandbox", "sms", "sms with reports", "email", "webhook"]
BY_NIGHT = ["apprise"]
"""Each worker starts a process of its own for it, which reads all services."""
_PATIENT = {"timeout_s": 60}
"""No answer is the receiver's decision, not that of a busy machine."""
DOUBTFUL = MAYBE_TWICE[Language.DE]


@dataclass
class Receivers:
    """Real ones. Each answers well, unless a schedule says otherwise."""

    web: Receiver
    mail: MailServer
    folder: Path
    reported: int = 0

    def begin(self) -> None:
        self.web.kept.clear()
        self.mail.taken.clear()
        self.reported = 0
        self.recover()

    def recover(self) -> None:
        for answers in (self.web.statuses, self.mail.to_rcpt, self.mail.to_data):
            answers.clear()

    def misbehave(self, chance: random.Random) -> None:
        """Each next one is taken, taken without an answer, put off or refused."""
        self.web.statuses[:] = chance.choices([204, -1, 503, 400], [6, 1, 1, 1], k=3)
        self.mail.to_rcpt[:] = chance.choices(["250 OK", "451 later", "550 nobody"], [6, 1, 1], k=3)
        self.mail.to_data[:] = chance.choices(["250 OK", "DROP"], [6, 1], k=3)

    def settings(self, way: str) -> NotifySettings:
        if way == "sandbox":
            return NotifySettings.model_validate({"sms": {"kind": "sandbox"}})
        web = f"http://127.0.0.1:{self.web.server_port}/"
        secret = self.folder / "secret"
        place = f"127.0.0.1:{self.web.server_port}"
        if way == "apprise":
            chat = {"schemes": ["json"], "allow": [place], **_PATIENT}
            return NotifySettings.model_validate({"apprise": chat})
        if way == "webhook":
            table: dict[str, Any] = {"secret": f"file:{secret}", "allow": [place], **_PATIENT}
            return NotifySettings.model_validate({"webhook": table})
        if way == "email":
            table = {
                "host": "localhost",
                "port": self.mail.port,
                "username": USERNAME,
                "password_file": str(self.folder / "password"),
                "sender": "Stadt <alarm@stadt.example>",
                "ca_file": str(self.mail.certificate.ca),
                **_PATIENT,
            }
            return NotifySettings.model_validate({"email": table})
        sent = {"to": "{to}", "text": "{text}", "uuid": "{uuid}", "report": "{report_url}"}
        provider: dict[str, Any] = {"url": web, "json": sent}
        provider["success"] = {"status": [204], "status_only": True}
        table = {"kind": "http", "provider": provider, **_PATIENT}
        if way == "sms with reports":
            provider["reports"] = {"meaning": {"ok": "DELIVERED"}}
            table["public_url"] = "https://daten.stadt.example"
        return NotifySettings.model_validate({"sms": table})

    def copies(self, way: str, box: Outbox) -> dict[str, list[str]]:
        """What arrived, by the message's uuid: the texts, or all that a copy has to share."""
        arrived: list[tuple[str, str]] = []
        if way == "sandbox":
            with box.database.read() as connection:
                arrived += [(r.uuid, r.text) for r in connection.execute(select(sandbox_messages))]
        elif way == "email":
            for _, _, mail in self.mail.taken:
                arrived.append((mail["Message-ID"].strip("<>").split("@")[0], mail.as_string()))
        elif way == "apprise":
            known = {(_path(row.address), row.incident_id): row.uuid for row in box.rows()}
            for path, _, body in self.web.kept:
                text = json.loads(body)["message"]
                arrived.append((known[path, text.split()[0]], text))
        elif way == "webhook":
            arrived += [(head[MESSAGE_ID], body.decode()) for _, head, body in self.web.kept]
        else:
            for _, _, body in self.web.kept:
                message = json.loads(body)
                arrived.append((message["uuid"], message["text"]))
        found: dict[str, list[str]] = {}
        for uuid, text in arrived:
            found.setdefault(uuid, []).append(text)
        return found

    def report(self, box: Outbox) -> None:
        """The provider says of all that it took that it is delivered."""
        for _, _, body in self.web.kept[self.reported :]:
            token = json.loads(body)["report"].rpartition("/")[2]
            with box.database.write() as connection:
                take_report(connection, "custom", token, {"status": "ok"}, b"")
        self.reported = len(self.web.kept)


def _path(address: str) -> str:
    return "/" + address.rpartition("/")[2]


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receivers]:
    folder = tmp_path_factory.mktemp("receivers")
    (folder / "password").write_text(PASSWORD)
    (folder / "secret").write_text("0123456789abcdef" * 2)
    for secret in ("password", "secret"):
        (folder / secret).chmod(0o600)
    with ExitStack() as stack:
        web = stack.enter_context(running(Receiver()))
        mail = stack.enter_context(MailServer(server_certificate(folder)))
        yield Receivers(web, mail, folder)


@dataclass
class Town:
    """Three people of a duty group who are reached in one way."""

    way: str
    receivers: Receivers
    box: Outbox
    now: Instant = field(init=False)

    def __post_init__(self) -> None:
        self.receivers.begin()
        self.now = self.box.clock.now()
        channel = "sms" if self.way.startswith(("sms", "sandbox")) else self.way
        members = tuple(Member(recipient=slug) for slug in PEOPLE)
        scope = Scope(self.box.tenant, Role.EDITOR, 1)
        with self.box.database.write() as connection:
            group = DutyGroup(slug="dienst", name="Dienst", members=members)
            create_group(connection, scope, group)
            number = connection.scalar(select(duty_groups.c.id))
            for place, one in enumerate(self.box.people):
                address = self._address(channel, one.address)
                row = update(recipients).where(recipients.c.id == one.id)
                connection.execute(row.values(channel=channel, address=address))
                reached = replace(one, channel=channel, address=address, group_id=number)
                self.box.people[place] = reached

    def _address(self, channel: str, number: str) -> str:
        if channel == "email":
            return f"{number[-4:]}@stadt.example"
        schemes = {"webhook": "http", "apprise": "json"}
        if channel not in schemes:
            return number
        return f"{schemes[channel]}://127.0.0.1:{self.receivers.web.server_port}/{number[-4:]}"

    def round(self, kill_at: str = "") -> bool:
        """Of a worker in a process of its own; whether it was killed."""
        url = self.box.database.engine.url.render_as_string(hide_password=False)
        settings = self.receivers.settings(self.way)
        self.box.database.dispose()  # no connection is in two processes

        def work() -> None:
            database, clock = open_database(url), ManualClock(self.now)
            senders = open_senders(settings, Surroundings(database, clock))
            OutboxWorker(database, senders, clock, wall=clock).run_once()

        killed = is_killed_at(kill_at, work)
        if self.way == "sms with reports":
            self.receivers.report(self.box)
        return killed

    def later(self, seconds: float) -> None:
        self.now = Instant(self.now + round(seconds * SECOND))

    def put(self, incident: str = "1-1", *, to: int = 1) -> None:
        until = Instant(self.now + DAY)
        values: dict[str, Any] = {"created_at": self.now, "expires_at": until, "to": to}
        self.box.put(incident=incident, text=incident, **values)

    def judge(self) -> None:
        rows, copies = self.box.rows(), self.receivers.copies(self.way, self.box)
        assert all(row.settled for row in rows)
        assert len({row.dedup_key for row in rows}) == len(rows)
        assert copies.keys() <= {row.uuid for row in rows}
        for row in rows:
            self._judge(row, copies.get(row.uuid, []))

    def _judge(self, row: Any, copies: Sequence[str]) -> None:
        if row.status in ("ACCEPTED", "DELIVERED"):
            assert copies
        elif row.status in ("EXPIRED", "FAILED") and not row.resent:
            assert not copies, "nobody who got an alarm is taken for one who did not"
        if self.way in ("email", "webhook"):  # a receiver counts the same one once
            assert len(set(copies)) <= 1
        elif self.way in ("sms", "apprise"):
            assert len(copies) <= 2
            assert all(text.endswith(DOUBTFUL) for text in copies[1:])
        else:
            assert len(copies) <= 1


def follow(schedule: int, way: str, receivers: Receivers, folder: Path) -> int:
    """One schedule; returns how many workers were killed."""
    chance = random.Random(f"{way} {schedule}")
    folder.mkdir()
    town = Town(way, receivers, Outbox(fresh_database(folder)))
    killed = 0
    for number in range(5):
        if number in (0, 2) or chance.random() < 0.5:
            town.put(f"{number + 1}-1", to=chance.choice([1, 2]))
        receivers.recover()
        if chance.random() < 0.5:
            receivers.misbehave(chance)
        point = chance.choices(POINTS, [3, 3, 3, 3, 1, 1])[0]
        killed += town.round(f"{point}:{chance.choice([1, 1, 1, 2])}")
        town.later(chance.choice([0, 15, 130, 400]))
    receivers.recover()
    for _ in range(4):
        town.later(700)
        town.round()
    town.judge()
    town.box.database.dispose()
    return killed


def all_of(count: int, way: str, receivers: Receivers, folder: Path) -> None:
    killed = [follow(one, way, receivers, folder / str(one)) for one in range(count)]
    assert sum(killed) >= count


@pytest.mark.sweep
@pytest.mark.parametrize("way", WAYS)
def test_whoever_is_killed_the_receiver_counts_one(
    way: str, receivers: Receivers, tmp_path: Path
) -> None:
    all_of(2, way, receivers, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("way", [*WAYS, *BY_NIGHT])
def test_in_two_hundred_schedules(way: str, receivers: Receivers, tmp_path: Path) -> None:
    all_of(200 // len(WAYS), way, receivers, tmp_path)


def test_every_channel_is_among_them() -> None:
    assert CHANNELS.keys() <= {way.split()[0] for way in (*WAYS, *BY_NIGHT)}


@pytest.mark.sweep
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("point", ["notify.passing_on", "notify.passed_on"])
def test_killed_while_it_passes_on_the_next_is_told_once(
    way: str, point: str, receivers: Receivers, tmp_path: Path
) -> None:
    """What nobody takes goes to the next person: neither skipped nor told twice."""
    town = Town(way, receivers, Outbox(fresh_database(tmp_path)))
    town.put()
    with town.box.database.write() as connection:
        refused_by_the_first(connection)
    assert town.round(point)
    for _ in range(3):
        town.round()
    rows = town.box.rows()
    people = [one.id for one in town.box.people]
    assert [row.recipient_id for row in rows] == people[:2]
    assert len(receivers.copies(way, town.box)) == 1
    town.judge()


def refused_by_the_first(connection: Connection) -> None:
    values = {"status": "FAILED", "settled": True, "attempts": 1}
    connection.execute(update(outbox).values(values))
