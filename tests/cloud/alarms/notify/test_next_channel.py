"""The next message channel, made inside this test: one class, one entry of the registry."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from databases import fresh_database
from fake_alert_town import AlertTown
from fake_senders import FakeSender
from stadtsinn.base.settings.reading import Section
from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.senders.base import OpenedSender
from stadtsinn.cloud.alarms.notify.senders.open import open_senders
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.service import create_recipient
from stadtsinn.cloud.alarms.notify.settings import NotifySettings
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.cloud.town_file.problems import TownRefused


class PagerSettings(Section):
    server: str


class Pager:
    """Numbers of five digits, texts in capitals."""

    name = "pager"
    settings = PagerSettings

    def __init__(self) -> None:
        self.sender = FakeSender()
        self.servers: list[str] = []

    def address(self, text: str) -> str:
        number = text.strip()
        if not (number.isdigit() and len(number) == 5):
            raise ValueError("a pager's number has five digits")
        return number

    def text(self, sentence: Sentence) -> str:
        return f"{sentence.name}{sentence.tail}".upper()

    def append(self, text: str, suffix: str) -> str:
        return text + suffix.upper()

    def open_sender(self, settings: PagerSettings, _around: Surroundings) -> OpenedSender:
        self.servers.append(settings.server)
        return OpenedSender(self.sender)


@pytest.fixture
def pager(monkeypatch: pytest.MonkeyPatch) -> Pager:
    made = Pager()
    monkeypatch.setitem(CHANNELS, "pager", made)
    return made


def test_an_alarm_reaches_it(pager: Pager, tmp_path: Path) -> None:
    town = AlertTown(fresh_database(tmp_path))
    with change(town.database) as connection:
        wanted = Recipient(slug="wache", name="Wache", channel="pager", address=" 12345 ")
        create_recipient(connection, town.scope, wanted)
    town.zone_rule(recipients=("wache", "bauhof"))
    town.crowds((0, 912))
    config = NotifySettings.model_validate({"pager": {"server": "10.0.0.7"}})
    senders = open_senders(config, Surroundings(town.database, town.clock))
    assert OutboxWorker(town.database, senders, town.clock).run_once() == 1
    assert pager.servers == ["10.0.0.7"]
    (message,) = pager.sender.taken
    assert message.address == "12345"
    assert message.text.startswith("WOCHENMARKT: BIS ZU 912 PERSONEN (GRENZE 900).")
    assert sorted(row.status for row in town.messages()) == ["ACCEPTED", "READY"]


@pytest.mark.usefixtures("pager")
def test_a_town_file_and_the_configuration_know_it() -> None:
    document = {"tenant": "musterstadt", "name": "Musterstadt"}
    entry = {"slug": "wache", "name": "Wache", "channel": "pager", "address": "12345"}
    assert Town.read({**document, "recipients": [entry]}).recipients[0].channel == "pager"
    with pytest.raises(TownRefused, match="recipient wache: address: a pager's number"):
        Town.read({**document, "recipients": [{**entry, "address": "1"}]})
    with pytest.raises(ValidationError, match="server"):
        NotifySettings.model_validate({"pager": {}})


def test_without_it_nothing_knows_it() -> None:
    with pytest.raises(ValidationError, match="use one of apprise, email, sms, webhook"):
        Recipient(slug="wache", name="Wache", channel="pager", address="12345")
    with pytest.raises(ValidationError, match="pager"):
        NotifySettings.model_validate({"pager": {"server": "10.0.0.7"}})
