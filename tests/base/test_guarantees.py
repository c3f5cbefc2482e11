"""What a broker does not keep is said: a forgotten or short session, messages at QoS 0.

Public reports that these are about: sessions and their queues gone after a reconnect
(https://github.com/eclipse-mosquitto/mosquitto/issues/1728, session expiry of MQTT 5;
https://github.com/eclipse-mosquitto/mosquitto/issues/2546, persistent_client_expiration;
https://github.com/eclipse-paho/paho.mqtt.c/issues/640, session present = 0), two processes with one
client id (https://github.com/emqx/emqx/issues/151, https://github.com/merbanan/rtl_433/issues/2197).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fake_granting_broker import FakeGrantingBroker
from fake_mqtt_gate import FakeMqttGate
from real_parts import PATIENCE_S, mosquitto, wait_until
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.guarantees import REMEDIES, Kind
from stadtsinn.base.mqtt.link import Connected, Message, MessageTooLarge, MqttLink
from stadtsinn.base.notices import SHOWN_S, Notices
from stadtsinn.simulator.demo.mosquitto import Mosquitto

pytestmark = pytest.mark.slow


class Reader:
    """A link that notes how its connections began and what was not guaranteed."""

    def __init__(self, port: int, *, session_expected: bool = False) -> None:
        self.connections: list[Connected] = []
        self.breaches: list[tuple[Kind, int]] = []
        self.messages: list[Message] = []
        self.link = MqttLink(
            Broker("127.0.0.1", port, "reader"),
            subscriptions=["t/#"],
            on_message=self.messages.append,
            on_connected=self.connections.append,
            on_notice=lambda kind, count: self.breaches.append((kind, count)),
            session_expected=session_expected,
        )

    def connect(self) -> None:
        self.link.start()
        assert self.link.wait_connected(PATIENCE_S)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as running:
        yield running


def forget(broker: Mosquitto, folder: Path) -> None:
    """The broker comes back without its database, as after a new installation."""
    broker.stop()
    (folder / "mosquitto.db").unlink()
    broker.start()


def test_first_connection_is_fresh_and_no_reason_to_warn(broker: Mosquitto) -> None:
    reader = Reader(broker.port)
    reader.connect()
    reader.link.stop()
    assert [one.fresh for one in reader.connections] == [True]
    assert (reader.breaches, reader.link.notices.texts()) == ([], ())


def test_session_that_is_still_there_is_no_reason_to_warn(broker: Mosquitto) -> None:
    first = Reader(broker.port)
    first.connect()
    first.link.stop()
    second = Reader(broker.port, session_expected=True)
    second.connect()
    second.link.stop()
    assert [one.fresh for one in second.connections] == [False]
    assert second.breaches == []


def test_broker_that_forgot_while_we_were_stopped_is_named(
    broker: Mosquitto, tmp_path: Path
) -> None:
    first = Reader(broker.port)
    first.connect()
    first.link.stop()
    forget(broker, tmp_path / "broker")
    second = Reader(broker.port, session_expected=True)
    with capture_logs() as logs:
        second.connect()
    second.link.stop()
    assert second.breaches == [(Kind.SESSION_FORGOTTEN, 1)]
    assert "no longer knew our session" in second.link.notices.texts()[0]
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == [
        "session_forgotten"
    ]
    assert [one.fresh for one in second.connections] == [False], "it may hold older events"


def test_broker_that_forgot_while_we_ran_is_named(broker: Mosquitto, tmp_path: Path) -> None:
    reader = Reader(broker.port)
    reader.connect()
    forget(broker, tmp_path / "broker")
    wait_until(lambda: len(reader.connections) == 2, "connected again")
    wait_until(lambda: reader.link.connected, "and subscribed")
    reader.link.stop()
    assert reader.breaches == [(Kind.SESSION_FORGOTTEN, 1)]


def test_broker_that_keeps_sessions_for_a_shorter_time_is_named() -> None:
    """As the cloud providers do: asked for 30 days they grant an hour, and say so."""
    with FakeGrantingBroker(session_expiry=3600) as broker:
        reader = Reader(broker.port)
        reader.connect()
        reader.link.stop()
    assert reader.breaches == [(Kind.SHORT_SESSION, 1)]
    assert "3600 s" in reader.link.notices.texts()[0]


def test_broker_that_grants_only_qos_0_is_named() -> None:
    with FakeGrantingBroker(granted_qos=0) as broker:
        reader = Reader(broker.port)
        reader.connect()
        reader.link.stop()
    assert reader.breaches == [(Kind.QOS_0_SUBSCRIPTION, 1)]
    assert "t/#" in reader.link.notices.texts()[0]


def test_largest_packet_that_the_broker_takes_is_passed_on() -> None:
    with FakeGrantingBroker(maximum_packet=4000) as broker:
        reader = Reader(broker.port)
        reader.connect()
        reader.link.stop()
    assert reader.connections[0].maximum_packet == 4000


def test_messages_at_qos_0_are_counted_and_named(broker: Mosquitto) -> None:
    reader = Reader(broker.port)
    reader.connect()
    sender = MqttLink(Broker("127.0.0.1", broker.port, "sender"))
    sender.start()
    assert sender.wait_connected(PATIENCE_S)
    for qos in (1, 0, 0):
        sender.publish("t/x", b"1", qos=qos)
    wait_until(lambda: len(reader.messages) == 3, "all came")
    sender.stop()
    reader.link.stop()
    assert sum(count for kind, count in reader.breaches if kind is Kind.QOS_0_MESSAGES) == 2
    assert "qos = 1" in reader.link.notices.texts()[0]


def test_two_processes_with_one_client_id_are_named(broker: Mosquitto) -> None:
    """Mosquitto from 2.0.21 on says so, 2.0.11 only hangs up: again and again."""
    first, second = Reader(broker.port), Reader(broker.port)
    first.connect()
    second.connect()
    wait_until(lambda: bool(first.breaches + second.breaches), "one is thrown out and says so")
    second.link.stop()
    first.link.stop()
    kinds = {kind for kind, _ in first.breaches + second.breaches}
    assert kinds & {Kind.CLIENT_ID_TAKEN, Kind.THROWN_OUT}
    warnings = [*first.link.notices.texts(), *second.link.notices.texts()]
    assert any("same client id" in warning for warning in warnings)


def test_warning_ends_a_day_after_it_was_last_seen_and_is_logged_once_a_day() -> None:
    now = 0.0
    notices = Notices(REMEDIES, monotonic=lambda: now)
    with capture_logs() as logs:
        for now in (0.0, 10.0, SHOWN_S + 20.0):  # noqa: B007
            notices.note(Kind.QOS_0_MESSAGES, "at QoS 0")
    assert len(logs) == 2
    assert len(notices.texts()) == 1
    now = 3 * SHOWN_S
    assert not notices.texts()


def test_message_that_ends_every_connection_does_not_keep_the_others_out(tmp_path: Path) -> None:
    """A list of devices for an edge may be larger than the broker takes; batches come all the
    same. 3.1.1, where the broker says nothing of its limit."""
    with (
        mosquitto(tmp_path / "b", options=["max_packet_size 20000"]) as broker,
        FakeMqttGate(broker.port, "refuse_mqtt5") as gate,
    ):
        reader = Reader(gate.port)
        reader.connect()
        reader.link.publish("t/config", b"x" * 30_000)
        wait_until(lambda: (Kind.MESSAGE_DROPPED, 1) in reader.breaches, "it is dropped and named")
        wait_until(lambda: reader.link.connected, "the connection holds")
        reader.link.publish("t/small", b"1").wait_for_publish(PATIENCE_S)
        reader.link.stop()


def test_message_above_the_brokers_word_is_refused_at_once() -> None:
    with FakeGrantingBroker(maximum_packet=4_000) as broker:
        reader = Reader(broker.port)
        reader.connect()
        with pytest.raises(MessageTooLarge, match="at most 39"):
            reader.link.publish("t/config", b"x" * 4_000)
        reader.link.stop()
