"""The MQTT link against a real Mosquitto: what was not acknowledged comes again, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from structlog.testing import capture_logs

from fake_mqtt_gate import FakeMqttGate
from real_parts import PATIENCE_S, mosquitto, wait_until
from stadtsinn.base.mqtt.broker import Broker, Tls, Will
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.cloud.broker.authority import Authority
from stadtsinn.simulator.demo.mosquitto import Mosquitto

pytestmark = pytest.mark.slow


class Inbox:
    """Collects messages; acknowledges only when `acknowledge` is called."""

    def __init__(self, port: int, client_id: str = "reader", **options: Any) -> None:
        self.messages: list[Message] = []
        self.states: list[bool] = []
        self.link = MqttLink(
            Broker("127.0.0.1", port, client_id, **options),
            subscriptions=["t/#"],
            on_message=self.messages.append,
            on_state=self.states.append,
        )

    def __enter__(self) -> Self:
        self.link.start()
        assert self.link.wait_connected(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.link.stop()

    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]

    def wait(self, count: int) -> None:
        wait_until(lambda: len(self.messages) >= count, f"{count} messages")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as running:
        yield running


def send(port: int, *payloads: bytes, retain: bool = False) -> None:
    link = MqttLink(Broker("127.0.0.1", port, "sender"))
    link.start()
    for payload in payloads:
        link.publish("t/x", payload, retain=retain).wait_for_publish(PATIENCE_S)
    link.stop()


def test_unacknowledged_messages_come_again_in_order(broker: Mosquitto) -> None:
    with Inbox(broker.port) as inbox:
        send(broker.port, b"1", b"2", b"3")
        inbox.wait(3)
        inbox.link.acknowledge(inbox.messages[0])
    with Inbox(broker.port) as again:
        again.wait(2)
        send(broker.port, b"4")
        again.wait(3)
    assert again.payloads() == [b"2", b"3", b"4"]


def test_messages_of_an_absence_wait_at_the_broker(broker: Mosquitto) -> None:
    with Inbox(broker.port):
        pass
    send(broker.port, b"while away")
    with Inbox(broker.port) as inbox:
        inbox.wait(1)
    assert inbox.payloads() == [b"while away"]


def test_acknowledgement_after_a_reconnect_is_stale(broker: Mosquitto) -> None:
    """In the new connection the same packet id may belong to a message that is not committed."""
    with FakeMqttGate(broker.port) as gate, Inbox(gate.port) as inbox:
        send(broker.port, b"1", b"2")
        inbox.wait(2)
        gate.cut()
        inbox.wait(4)  # both again, over the second connection
        for message in inbox.messages[:2]:
            inbox.link.acknowledge(message)
    with Inbox(broker.port) as again:
        again.wait(2)
    assert again.payloads() == [b"1", b"2"]


def test_link_survives_a_killed_broker_and_reports_it(broker: Mosquitto) -> None:
    with Inbox(broker.port) as inbox:
        broker.kill()
        wait_until(lambda: not inbox.link.connected, "the loss is noticed")
        broker.start()
        wait_until(lambda: inbox.link.connected, "connected again")
        send(broker.port, b"after")
        inbox.wait(1)
    assert inbox.states[:3] == [True, False, True]


def test_published_while_the_broker_is_away_arrives_later(tmp_path: Path) -> None:
    server = mosquitto(tmp_path / "broker")
    link = MqttLink(Broker("127.0.0.1", server.port, "sender"))
    link.start()
    info = link.publish("t/x", b"early", retain=True)
    with server, Inbox(server.port) as inbox:
        inbox.wait(1)
        info.wait_for_publish(PATIENCE_S)
        link.stop()
    assert inbox.payloads() == [b"early"]


def test_broker_that_refuses_mqtt_5_gets_3_1_1(broker: Mosquitto) -> None:
    """The session is as persistent as with MQTT 5, and what waited to be sent is sent."""
    with FakeMqttGate(broker.port, "refuse_mqtt5") as gate:
        with Inbox(gate.port) as inbox:
            assert inbox.link.protocol == "3.1.1"
            assert gate.versions == [5, 4]
        send(gate.port, b"1", b"2")
        with Inbox(gate.port) as inbox:
            inbox.wait(2)
            inbox.link.acknowledge(inbox.messages[0])
        with Inbox(gate.port) as again:
            again.wait(1)
    assert again.payloads() == [b"2"]


def test_broker_that_closes_mqtt_5_connections_gets_3_1_1(broker: Mosquitto) -> None:
    with FakeMqttGate(broker.port, "hang_up_on_mqtt5") as gate, Inbox(gate.port) as inbox:
        assert inbox.link.protocol == "3.1.1"
        assert set(gate.versions[:-1]) == {5}


def test_receive_maximum_bounds_what_is_under_way(broker: Mosquitto) -> None:
    with Inbox(broker.port, receive_maximum=10) as inbox:
        send(broker.port, *(str(n).encode() for n in range(30)))
        inbox.wait(10)
        send(broker.port, b"last")  # had the broker more to give, it would have come before
        assert len(inbox.messages) == 10
        for message in inbox.messages[:5]:
            inbox.link.acknowledge(message)
        inbox.wait(15)
        assert inbox.payloads()[:15] == [str(n).encode() for n in range(15)]


def test_faulty_reader_does_not_end_the_link(broker: Mosquitto) -> None:
    """A message whose handling raises stays unacknowledged; the next one is handled."""
    seen: list[bytes] = []

    def take(message: Message) -> None:
        if message.payload == b"bad":
            raise RuntimeError
        seen.append(message.payload)

    link = MqttLink(
        Broker("127.0.0.1", broker.port, "reader"), subscriptions=["t/#"], on_message=take
    )
    link.start()
    assert link.wait_connected(PATIENCE_S)
    send(broker.port, b"bad", b"good")
    wait_until(lambda: seen == [b"good"], "the next message is handled")
    link.stop()


def test_will_is_published_when_the_process_dies(broker: Mosquitto) -> None:
    with FakeMqttGate(broker.port) as gate, Inbox(broker.port) as inbox:
        link = MqttLink(Broker("127.0.0.1", gate.port, "dying"), will=Will("t/status", b"offline"))
        link.start()
        assert link.wait_connected(PATIENCE_S)
        gate.manner = "hang_up_on_mqtt5"  # and it stays there
        gate.cut()
        inbox.wait(1)
        link.stop()
    assert inbox.payloads() == [b"offline"]


# --- TLS -------------------------------------------------------------------------------


@pytest.fixture
def tls_broker(tmp_path: Path) -> Iterator[tuple[Mosquitto, Authority]]:
    authority = Authority.create(tmp_path / "ca", "Test")
    server = authority.issue_server(["localhost", "127.0.0.1"])
    options = [
        f"cafile {server.ca}",
        f"certfile {server.certificate}",
        f"keyfile {server.key}",
        "require_certificate true",
        "use_identity_as_username true",
        f"acl_file {tmp_path / 'acl'}",
    ]
    (tmp_path / "acl").write_text("pattern readwrite stadtsinn/edge/%u/#\n")
    with mosquitto(tmp_path / "broker", options) as running:
        yield running, authority


def tls_link(port: int, tls: Tls, topic: str) -> MqttLink:
    return MqttLink(Broker("127.0.0.1", port, "edge", tls=tls), subscriptions=[topic])


def test_client_certificate_opens_its_own_topics_only(
    tls_broker: tuple[Mosquitto, Authority],
) -> None:
    broker, authority = tls_broker
    mine = authority.issue_edge("rathaus-1")
    tls = Tls(mine.ca, mine.certificate, mine.key)
    inbox: list[Message] = []
    link = MqttLink(
        Broker("127.0.0.1", broker.port, "edge", tls=tls),
        subscriptions=["stadtsinn/edge/#"],
        on_message=inbox.append,
    )
    link.start()
    assert link.wait_connected(PATIENCE_S)
    link.publish("stadtsinn/edge/bauhof/batch", b"not mine").wait_for_publish(PATIENCE_S)
    link.publish("stadtsinn/edge/rathaus-1/batch", b"mine").wait_for_publish(PATIENCE_S)
    wait_until(lambda: bool(inbox), "the own message comes")
    link.stop()
    assert [message.payload for message in inbox] == [b"mine"]


def test_without_certificate_there_is_no_connection(
    tls_broker: tuple[Mosquitto, Authority],
) -> None:
    broker, authority = tls_broker
    ca = authority.issue_edge("x").ca
    link = tls_link(broker.port, Tls(ca), "t")
    with capture_logs() as logs:
        link.start()
        wait_until(lambda: bool(logs), "the refusal is logged")
        link.stop()
    assert not link.connected
    assert "certificates" in logs[0]["remedy"]


def test_certificate_of_another_authority_is_refused(
    tls_broker: tuple[Mosquitto, Authority], tmp_path: Path
) -> None:
    broker, authority = tls_broker
    stranger = Authority.create(tmp_path / "other", "Other").issue_edge("rathaus-1")
    ours = authority.issue_edge("rathaus-1")
    link = tls_link(broker.port, Tls(ours.ca, stranger.certificate, stranger.key), "t")
    link.start()
    wait_until(lambda: bool(link.failure), "the refusal is noticed")
    assert not link.connected
    link.stop()


def test_broker_with_a_certificate_of_another_authority_is_refused(
    tls_broker: tuple[Mosquitto, Authority], tmp_path: Path
) -> None:
    broker, _ = tls_broker
    other = Authority.create(tmp_path / "other", "Other").issue_edge("rathaus-1")
    link = tls_link(broker.port, Tls(other.ca, other.certificate, other.key), "t")
    link.start()
    wait_until(lambda: "certificate verify failed" in link.failure, "the refusal is noticed")
    assert not link.connected
    link.stop()


def test_missing_tls_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.pem"):
        Tls(tmp_path / "nowhere.pem").context()


def test_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")
    with pytest.raises(ValueError, match=r"ca\.pem"):
        Tls(tmp_path / "ca.pem").context()


def test_password_is_not_shown() -> None:
    assert "geheim" not in repr(Broker("h", 1, "c", username="u", password="geheim"))
