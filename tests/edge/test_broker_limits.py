"""Brokers that take less than a batch: delivery goes on in smaller ones, and says so.

Public reports of the kind, each tried here: a message over the limit is sent for ever
(https://github.com/mqttjs/MQTT.js/issues/768, https://github.com/Koenkk/zigbee2mqtt/issues/13030,
https://github.com/emqx/emqx/issues/12527); CONNACK says 149,504 bytes, yet from 131,073 on the
connection ends (https://github.com/aws/aws-iot-device-sdk-js-v2/issues/535); a message queued
before CONNACK goes out against its limit (https://github.com/boostorg/mqtt5/issues/37); the limit
counts with and without the header (https://github.com/eclipse-mosquitto/mosquitto/issues/3515);
`message_size_limit` swallows (https://github.com/eclipse-mosquitto/mosquitto/issues/265).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from by_night import others_by_night
from fake_chirpstack import FakeChirpstack, topic
from fake_ingest import FakeIngest
from fake_mqtt_gate import FakeMqttGate
from real_parts import mosquitto, wait_until
from running_agent import RunningAgent
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import parse
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.edge.messages.delivery import RawItem

pytestmark = pytest.mark.slow

NOW = parse("2026-06-01T08:00:00+00:00")
BACKLOG = 400
LARGE = b"{" + b"x" * 30_000
"""Forwarded as it is, because the edge cannot read it. What it can read is never as large."""
DELIVERY = "window = 4, batch_items = 500, batch_kib = 200, ack_timeout_seconds = 1"


class Line:
    """Local broker, agent, cloud's broker with its limits, and an ingest that collects."""

    def __init__(self, folder: Path, options: list[str], *, only_311: bool) -> None:
        self.local = mosquitto(folder / "local")
        self.cloud = mosquitto(folder / "cloud", options=options)
        self.local.start()
        self.cloud.start()
        self.gate = FakeMqttGate(self.cloud.port, "refuse_mqtt5" if only_311 else "open")
        self.gate.__enter__()
        clock = ManualClock(NOW)
        self.agent = RunningAgent(
            folder / "edge", clock, self.local.port, self.gate.port, delivery=DELIVERY
        )
        self.ingest = FakeIngest(
            Broker("127.0.0.1", self.cloud.port, "fake-ingest", longest_pause=1)
        )
        self.ingest.__enter__()

    def close(self) -> None:
        self.agent.stop()
        self.ingest.link.stop()
        self.gate.__exit__(None, None, None)
        self.local.stop()
        self.cloud.stop()

    def gather(self, count: int = BACKLOG, **options: Any) -> None:
        """A backlog, spooled while the cloud's broker is away."""
        self.cloud.stop()
        self.agent.start(wait_for=("local_broker",))
        self.send(count, **options)
        wait_until(self.spooled(count), "spooled")
        self.cloud.start()

    def send(self, count: int, **options: Any) -> None:
        with FakeChirpstack(self.local.port) as chirpstack:
            chirpstack.publish_uplinks(range(count), NOW, **options)

    def spooled(self, count: int) -> Any:
        return lambda: self.agent.metric("stadtsinn_edge_spool_items") == count

    def sent(self) -> float:
        return self.agent.metric("stadtsinn_edge_items_sent_total")


@contextmanager
def line(folder: Path, *options: str, only_311: bool = False) -> Iterator[Line]:
    made = Line(folder, list(options), only_311=only_311)
    try:
        yield made
    finally:
        made.close()


LIMITS = {
    "MQTT 5 that says its limit": (["max_packet_size 20000"], False),
    "MQTT 5 that answers with a refusal": (["message_size_limit 20000"], False),
    "3.1.1 that hangs up": (["max_packet_size 20000"], True),
    "3.1.1 that answers and drops": (["message_size_limit 20000"], True),
    "CONNACK that says more than is taken": (
        ["max_packet_size 60000", "message_size_limit 20000"],
        False,
    ),
}


@pytest.mark.parametrize("name", others_by_night(LIMITS, list(LIMITS)[::2]))
def test_backlog_larger_than_the_limit_is_delivered(name: str, tmp_path: Path) -> None:
    options, only_311 = LIMITS[name]
    with line(tmp_path, *options, only_311=only_311) as way:
        way.gather()
        wait_until(lambda: way.ingest.counters() == list(range(BACKLOG)), "all delivered")
        wait_until(way.spooled(0), "and acknowledged")
        assert way.sent() < 8 * BACKLOG, "not sent again and again for nothing"
        warnings = way.agent.warnings("delivery")
        assert "max_packet_size, message_size_limit" in warnings
        assert way.agent.metric("stadtsinn_edge_items_aside") == 0


def test_limit_that_was_lowered_while_batches_were_under_way_is_honoured(tmp_path: Path) -> None:
    """What was handed over before the break must not go out against the new limit."""
    with line(tmp_path) as way:
        way.ingest.silent = True
        way.agent.start()
        way.send(BACKLOG)
        wait_until(lambda: way.sent() > 0, "under way")
        way.cloud.stop()
        way.cloud._options = ("max_packet_size 20000",)
        way.ingest.silent = False
        way.cloud.start()
        wait_until(lambda: way.ingest.counters() == list(range(BACKLOG)), "all delivered")


@pytest.mark.parametrize("name", others_by_night(LIMITS, list(LIMITS)[1::2]))
def test_item_that_is_too_large_alone_goes_aside_and_stops_nothing(
    name: str, tmp_path: Path
) -> None:
    options, only_311 = LIMITS[name]
    with line(tmp_path, *options, only_311=only_311) as way:
        way.cloud.stop()
        way.agent.start(wait_for=("local_broker",))
        with FakeChirpstack(way.local.port) as chirpstack:
            chirpstack.publish_uplinks(range(5), NOW)
            chirpstack.publish(topic("70b3d50000000100"), LARGE)
            chirpstack.publish_uplinks(range(6, 20), NOW)
        wait_until(way.spooled(20), "spooled")
        way.cloud.start()
        expected = [n for n in range(20) if n != 5]
        wait_until(lambda: way.ingest.counters() == expected, "all others delivered", 120)
        wait_until(way.spooled(0), "and acknowledged")
        placeholders = [raw for raw in way.ingest.raws() if raw.reason == "set_aside_by_edge"]
        assert [isinstance(raw, RawItem) for raw in placeholders] == [True]
        assert b"bytes kept at the edge" in placeholders[0].payload
        assert "edge aside" in way.agent.warnings("delivery")
        assert way.agent.metric("stadtsinn_edge_items_aside") == 1


def test_an_ingest_that_is_away_sets_nothing_aside(tmp_path: Path) -> None:
    """It answers nothing, so nothing proves that a broker drops."""
    with line(tmp_path) as way:
        way.ingest.silent = True
        way.agent.start()
        with FakeChirpstack(way.local.port) as chirpstack:
            chirpstack.publish(topic("70b3d50000000100"), LARGE)
            chirpstack.publish_uplinks(range(1, 10), NOW)
        wait_until(lambda: way.agent.metric("stadtsinn_edge_resends_total") >= 3, "probed", 120)
        assert way.agent.metric("stadtsinn_edge_items_aside") == 0
        way.ingest.silent = False
        wait_until(lambda: way.ingest.counters() == list(range(1, 10)), "all delivered", 120)
        wait_until(lambda: [raw.payload for raw in way.ingest.raws()] == [LARGE], "also that")
        assert way.agent.metric("stadtsinn_edge_items_aside") == 0


def test_bad_line_that_cuts_batches_now_and_then_sets_nothing_aside(tmp_path: Path) -> None:
    with line(tmp_path) as way:
        way.gather(50)
        for _ in range(3):
            way.gate.cut()
        wait_until(lambda: way.ingest.counters() == list(range(50)), "all delivered")
        assert way.agent.metric("stadtsinn_edge_items_aside") == 0
