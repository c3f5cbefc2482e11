"""Connections of the probe, and what it found so far."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from stadtsinn.base.mqtt.broker import Broker, Will
from stadtsinn.base.mqtt.guarantees import Kind
from stadtsinn.base.mqtt.link import Connected, Message, MqttLink


class Fault(StrEnum):
    """What the probe found; the first one found ends it."""

    UNREACHABLE = "unreachable"
    SUBSCRIPTION_REFUSED = "subscription_refused"
    QOS_0 = "qos_0"
    PUBLISH_REFUSED = "publish_refused"
    READ_DENIED = "read_denied"
    SESSION_FORGOTTEN = "session_forgotten"
    QUEUE_LOST = "queue_lost"
    IN_USE = "in_use"


class Found(Exception):
    """Ends the probe with a fault."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


class ProbeClient:
    """One connection of the probe. It acknowledges the probe's messages only: in a session that
    belongs to another process the rest is that one's."""

    def __init__(
        self, broker: Broker, topics: tuple[str, ...], mark: bytes, *, returns: bool
    ) -> None:
        self.connected: Connected | None = None
        self.refusal: int | None = None
        self.lost = False
        """The broker has ended the connection."""
        self.kinds: set[Kind] = set()
        self.received: set[bytes] = set()
        self._mark = mark
        self._changed = threading.Condition()
        self.link = MqttLink(
            broker,
            subscriptions=topics,
            on_message=self._take,
            on_state=self._note_state,
            on_connected=self._begin,
            on_refused=self._refuse,
            on_notice=lambda kind, _: self.kinds.add(kind),
            session_expected=returns,
        )

    @property
    def fresh(self) -> bool:
        return self.connected is not None and self.connected.fresh

    def _begin(self, connected: Connected) -> None:
        self.connected = connected

    def _refuse(self, _packet_id: int, reason: int) -> None:
        self.refusal = reason

    def _note_state(self, connected: bool) -> None:
        if not connected:
            with self._changed:
                self.lost = True
                self._changed.notify_all()

    def _take(self, message: Message) -> None:
        if not message.payload.endswith(self._mark):
            return
        with self._changed:
            self.received.add(message.payload)
            self._changed.notify_all()
        self.link.acknowledge(message)

    def wait_received(self, payloads: set[bytes], timeout: float) -> bool:
        """False also as soon as the connection is lost."""
        with self._changed:
            self._changed.wait_for(lambda: payloads <= self.received or self.lost, timeout)
            return payloads <= self.received

    def require_session(self) -> None:
        if Kind.SESSION_FORGOTTEN in self.kinds:
            raise Found(Fault.SESSION_FORGOTTEN)

    def require_qos_1(self, topic: str) -> None:
        if Kind.QOS_0_MESSAGES in self.kinds:
            raise Found(Fault.QOS_0, topic)


@dataclass
class Seen:
    """What is known of the broker so far; every message of this probe ends with `mark`.

    `alone`: the broker takes the account for the client id, so that it has one connection.
    `others_session`: the one that we share then was there before, and stays.
    """

    mark: bytes
    protocol: str = ""
    connected: Connected | None = None
    warnings: tuple[str, ...] = ()
    alone: bool = False
    others_session: bool = False

    def look_at(self, first: ProbeClient, topic: str) -> None:
        self.protocol, self.connected = first.link.protocol, first.connected
        self.warnings = first.link.notices.texts()
        if first.link.refused_subscriptions:
            raise Found(Fault.SUBSCRIPTION_REFUSED, topic)
        if Kind.QOS_0_SUBSCRIPTION in first.kinds:
            raise Found(Fault.QOS_0, topic)


@contextmanager
def opened(
    broker: Broker, topics: tuple[str, ...], seen: Seen, timeout: float, *, returns: bool = False
) -> Iterator[ProbeClient]:
    client = ProbeClient(broker, topics, seen.mark, returns=returns)
    client.link.start()
    try:
        if not client.link.wait_connected(timeout):
            raise Found(Fault.UNREACHABLE, client.link.failure or "no answer")
        yield client
    finally:
        client.link.stop()


def publish(client: ProbeClient, topic: str, payloads: set[bytes], timeout: float) -> None:
    for payload in sorted(payloads):
        sent = client.link.publish(topic, payload)
        sent.wait_for_publish(timeout)
        if client.refusal is not None or not sent.is_published():
            reason = "no answer" if client.refusal is None else f"{client.refusal:#04x}"
            raise Found(Fault.PUBLISH_REFUSED, f"{topic}, reason {reason}")


class PlainClient:
    """A connection without the link's care for a session: it can end one, or break off.

    `keep` continues the session that is there and leaves it; without it the session ends. In
    MQTT 5 a will is published `will_delay` seconds after the connection broke off.
    """

    def __init__(
        self,
        broker: Broker,
        seen: Seen,
        *,
        keep: bool,
        will: Will | None = None,
        will_delay: int = 0,
    ) -> None:
        self._broker = broker
        self._version_5 = seen.protocol == "5"
        self._keep = keep
        self._answered = threading.Event()
        self._unsubscribed = threading.Event()
        self.paho = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=MQTTProtocolVersion.MQTTv5
            if self._version_5
            else MQTTProtocolVersion.MQTTv311,
            clean_session=None if self._version_5 else not keep,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if broker.tls:
            self.paho.tls_set_context(broker.tls.context())
        if broker.username:
            self.paho.username_pw_set(broker.username, broker.password)
        if will:
            properties = None
            if self._version_5:
                properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
                properties.WillDelayInterval = will_delay
            self.paho.will_set(will.topic, will.payload, qos=1, properties=properties)
        self.paho.on_connect = lambda *_: self._answered.set()
        self.paho.on_unsubscribe = lambda *_: self._unsubscribed.set()

    def connect(self, timeout: float) -> bool:
        """Whether the broker answered."""
        properties = None
        if self._version_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = self._broker.session_expiry if self._keep else 0
        clean = not self._keep if self._version_5 else paho.MQTT_CLEAN_START_FIRST_ONLY
        try:
            self.paho.connect(
                self._broker.host, self._broker.port, clean_start=clean, properties=properties
            )
        except OSError:
            return False
        self.paho.loop_start()
        return self._answered.wait(timeout)

    def unsubscribe(self, topic: str, timeout: float) -> None:
        self.paho.unsubscribe(topic)
        self._unsubscribed.wait(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


def forget(broker: Broker, seen: Seen, timeout: float) -> None:
    """End the session of a client of the probe at the broker. One that has gone meanwhile forgets
    by itself when the session expires."""
    with PlainClient(broker, seen, keep=False) as client:
        client.connect(timeout)
