"""Hand counters are told the total: the newest only, not too often, in ChirpStack's words."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import update

from fake_market import NORTH, OPENING, SOUTH, Market
from real_parts import mosquitto, wait_until
from stadtsinn.base.instant import DAY, SECOND, Instant
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.cloud.domains.crowd.clickers.downlinks import (
    AIRTIME_S,
    DUTY_CYCLE,
    Downlinks,
    topic,
)
from stadtsinn.cloud.domains.crowd.clickers.settings import ClickerTotalsSettings
from stadtsinn.cloud.domains.crowd.clickers.worker import ClickerTotals
from stadtsinn.cloud.domains.crowd.zones.tables import gates
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.repository import bump_revision

APPLICATION = "7a779d4e-06a2-4fb5-ae22-be6384c35edf"
SETTINGS = ClickerTotalsSettings(application=APPLICATION, every_s=60)


@dataclass
class FakeBroker:
    connected: bool = True
    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes) -> None:
        self.sent.append((topic, payload))

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def totals(self) -> list[tuple[str, int, int]]:
        """To whom, how many, how full; what was sent is taken away."""
        found = []
        for where, payload in self.sent:
            data = base64.b64decode(json.loads(payload)["data"])
            found.append((where.split("/")[3], int.from_bytes(data[:2], "big"), data[2]))
        self.sent.clear()
        return found


def at(seconds: float) -> Instant:
    return Instant(OPENING + round(seconds * SECOND))


def test_only_the_newest_total_and_not_more_often() -> None:
    downlinks = Downlinks(60)
    assert downlinks.due({NORTH: b"a"}, at(0)) == {NORTH: b"a"}
    assert downlinks.due({NORTH: b"b"}, at(30)) == {}
    assert downlinks.due({NORTH: b"c"}, at(60)) == {NORTH: b"c"}, "what was between is not told"
    assert downlinks.due({NORTH: b"c"}, at(120)) == {}, "it knows that"
    assert downlinks.due({NORTH: b"c"}, at(660)) == {NORTH: b"c"}, "it may have got lost"


def test_a_counter_that_is_new_is_told_at_once_and_one_that_went_is_forgotten() -> None:
    downlinks = Downlinks(60)
    downlinks.due({NORTH: b"a"}, at(0))
    assert downlinks.due({NORTH: b"a", SOUTH: b"a"}, at(1)) == {SOUTH: b"a"}
    downlinks.due({SOUTH: b"a"}, at(2))
    assert downlinks.due({NORTH: b"a", SOUTH: b"a"}, at(3)) == {NORTH: b"a"}


def test_many_counters_stay_within_the_duty_cycle_together() -> None:
    counters = {f"{number:016x}": bytes([number % 7]) for number in range(40)}
    downlinks, sent = Downlinks(30), 0
    for second in range(0, 3_600, 5):
        totals = {one: bytes([second % 251]) for one in counters}
        sent += len(downlinks.due(totals, at(second)))
    assert sent * AIRTIME_S <= 3_600 * DUTY_CYCLE * 1.25, "an hour, and the first round"
    assert sent >= 40 * 5


def test_the_topic_is_that_of_a_device_in_its_application() -> None:
    assert topic("", "a1", NORTH) == f"application/a1/device/{NORTH}/command/down"
    assert topic("eu868", "a1", NORTH).startswith("eu868/application/")


def test_hand_counters_at_gates_are_told_the_total_of_their_zone(market: Market) -> None:
    broker = FakeBroker()
    with market.database.write() as connection:
        connection.execute(update(gates).where(gates.c.slug == "nord").values(counts="clicker"))
        bump_revision(connection)
    directory = DirectoryCache(market.database)
    worker = ClickerTotals(market.database, directory, market.clock, broker, SETTINGS)
    worker.step()
    assert broker.totals() == [(NORTH, 0xFFFF, 0xFF)], "no number yet; the other gate counts alone"
    market.apply(market.uplink(NORTH, 0, 40, 0, totals=False), market.uplink(SOUTH, 0, 0, 0))
    market.apply(market.uplink(SOUTH, 1, 600, 0), market.uplink(NORTH, 1, 10, 0, totals=False))
    market.clock.set(at(70))
    worker.step()
    (told,) = broker.sent
    assert told[0] == f"application/{APPLICATION}/device/{NORTH}/command/down"
    document = json.loads(told[1])
    assert (document["devEui"], document["fPort"], document["confirmed"]) == (NORTH, 10, False)
    assert document["expiresAt"] == "2026-09-26T06:02:10Z"
    assert broker.totals() == [(NORTH, market.latest().occupancy, 1)]
    market.clock.advance(DAY)
    broker.connected = False
    worker.step()
    assert broker.sent == [], "nothing is kept for a broker that is away"
    broker.connected = True
    worker.step()
    assert broker.totals() == [(NORTH, 0xFFFF, 0xFF)]


def test_another_towns_counters_are_not_told(market: Market) -> None:
    broker = FakeBroker()
    with market.database.write() as connection:
        connection.execute(update(gates).values(counts="clicker"))
        bump_revision(connection)
    stated = ClickerTotalsSettings(application=APPLICATION, tenant="nachbarstadt")
    directory = DirectoryCache(market.database)
    worker = ClickerTotals(market.database, directory, market.clock, broker, stated)
    worker.step()
    assert broker.sent == []


def test_many_counters_of_one_town_slow_no_other_town(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each town has gateways of its own."""
    broker = FakeBroker()
    directory = DirectoryCache(market.database)
    worker = ClickerTotals(market.database, directory, market.clock, broker, SETTINGS)
    many = [f"{number:016x}" for number in range(40)]
    for total in (bytes([0, 1, 0]), bytes([0, 2, 0])):
        towns = {"gross": dict.fromkeys(many, total), "klein": {SOUTH: total}}
        monkeypatch.setattr(worker, "_totals", lambda *_, towns=towns: towns)
        worker.step()
        market.clock.advance(60 * SECOND)
    told = Counter(where for where, *_ in broker.totals())
    assert told == Counter([*many, SOUTH, SOUTH])


@pytest.mark.slow
def test_through_a_real_broker(market: Market, tmp_path: Path) -> None:
    heard = list[Message]()
    with market.database.write() as connection:
        connection.execute(update(gates).values(counts="clicker"))
        bump_revision(connection)
    with mosquitto(tmp_path / "broker") as broker:
        server = MqttLink(
            Broker("127.0.0.1", broker.port, "chirpstack"),
            subscriptions=[f"application/{APPLICATION}/device/+/command/down"],
            on_message=heard.append,
        )
        server.start()
        assert server.wait_connected(30)
        link = MqttLink(Broker("127.0.0.1", broker.port, "clickers"))
        directory = DirectoryCache(market.database)
        worker = ClickerTotals(market.database, directory, market.clock, link, SETTINGS)
        worker.start()
        wait_until(lambda: len(heard) == 2, "both hand counters are told")
        worker.stop()
        server.stop()
    assert {json.loads(message.payload)["devEui"] for message in heard} == {NORTH, SOUTH}
    assert worker.trouble is None
