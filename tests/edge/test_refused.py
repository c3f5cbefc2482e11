"""The cloud takes nothing of this edge: log, health and status say why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessageInfo

from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import Instant
from stadtsinn.edge.agent.clock_watch import ClockWatch
from stadtsinn.edge.agent.delivery import Delivery
from stadtsinn.edge.agent.delivery_notices import NOT_TAKEN
from stadtsinn.edge.agent.metrics import Metrics
from stadtsinn.edge.agent.rows import Row
from stadtsinn.edge.agent.settings import DeliverySettings
from stadtsinn.edge.agent.spool import Spool
from stadtsinn.edge.messages.delivery import Ack, Refusal, Refused


class Link:
    """A connection on which nothing is lost."""

    connected = True

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def publish(self, topic: str, payload: bytes, **_: Any) -> MQTTMessageInfo:
        self.sent.append(payload)
        return MQTTMessageInfo(len(self.sent))

    def withdraw(self, infos: object) -> None:
        pass


class Bench:
    def __init__(self, folder: Path) -> None:
        clock = ManualClock(Instant(1_700_000_000_000_000))
        self.spool = Spool(folder / "spool.sqlite", 1_000_000)
        self.metrics = Metrics()
        self.link = Link()
        self.delivery = Delivery(
            "rathaus-1",
            self.spool,
            self.link,  # type: ignore[arg-type]
            DeliverySettings(),
            clock,
            self.metrics,
            lambda: None,
            ClockWatch(clock, None),
        )

    def notices(self) -> float:
        labels = {"kind": "not_taken"}
        name = "stadtsinn_edge_delivery_notices_total"
        return self.metrics.registry.get_sample_value(name, labels) or 0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_it_is_said_until_the_cloud_takes_something(bench: Bench) -> None:
    bench.delivery.take_refusal(Refusal(refused=Refused.UNKNOWN_EDGE))
    assert "does not know edge 'rathaus-1'" in bench.delivery.not_taken
    (text,) = bench.delivery.notices.texts()
    assert "give-edge" in text
    assert bench.notices() == 1
    bench.delivery.take_ack(Ack(stream="of another", position=1))
    assert bench.delivery.not_taken
    bench.delivery.take_ack(Ack(stream=bench.spool.stream, position=0, sender=bench.delivery.id))
    assert bench.delivery.not_taken == ""
    assert bench.delivery.notices.texts() == ()


def test_what_waits_stays_and_is_sent_again(bench: Bench) -> None:
    bench.spool.append([Row(1, Instant(1), b"x")])
    bench.delivery.take_refusal(Refusal(refused=Refused.UNKNOWN_EDGE))
    assert bench.spool.depth == 1
    assert bench.delivery._send_next()
    assert len(bench.link.sent) == 1


def test_there_is_a_sentence_for_every_word(bench: Bench) -> None:
    assert set(NOT_TAKEN) == set(Refused)
    for word in Refused:
        bench.delivery.take_refusal(Refusal(refused=word))
        assert "rathaus-1" in bench.delivery.not_taken
    bench.delivery.take_refusal(Refusal(refused="\x1b[31m" + "later" * 100))
    assert "\x1b" not in bench.delivery.not_taken
    assert len(bench.delivery.not_taken) < 120
