"""Proves that a broker keeps messages for a client that is away, by doing it once.

Subscribe with a session, leave, publish, come back, receive. That finds what no setting tells from
outside: brokers without persistent sessions, access lists, and Mosquitto 2.0.12 to 2.0.22 with
``per_listener_settings true``, which keeps the session and loses its messages.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.guarantees import Kind
from stadtsinn.base.mqtt.link import Connected, Message, MqttLink

_MESSAGES = 3


class Fault(StrEnum):
    """What the probe found; the first one found ends it."""

    UNREACHABLE = "unreachable"
    SUBSCRIPTION_REFUSED = "subscription_refused"
    QOS_0 = "qos_0"
    PUBLISH_REFUSED = "publish_refused"
    READ_DENIED = "read_denied"
    SESSION_FORGOTTEN = "session_forgotten"
    QUEUE_LOST = "queue_lost"


@dataclass(frozen=True)
class Report:
    """What a broker did. `maximum_packet`: the most bytes of one packet, None where it does not
    say. `warnings` as on a health page."""

    fault: Fault | None
    detail: str = ""
    protocol: str = ""
    maximum_packet: int | None = None
    warnings: tuple[str, ...] = ()


class _Found(Exception):
    """Ends the probe with a fault."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


class _Client:
    """One connection of the probe."""

    def __init__(self, broker: Broker, topics: tuple[str, ...], *, returns: bool = False) -> None:
        self.connected: Connected | None = None
        self.refusal: int | None = None
        self.kinds: set[Kind] = set()
        self.received: set[bytes] = set()
        self._changed = threading.Condition()
        self.link = MqttLink(
            broker,
            subscriptions=topics,
            on_message=self._take,
            on_connected=self._begin,
            on_refused=self._refuse,
            on_notice=lambda kind, _: self.kinds.add(kind),
            session_expected=returns,
        )

    def _begin(self, connected: Connected) -> None:
        self.connected = connected

    def _refuse(self, _packet_id: int, reason: int) -> None:
        self.refusal = reason

    def _take(self, message: Message) -> None:
        with self._changed:
            self.received.add(message.payload)
            self._changed.notify_all()
        self.link.acknowledge(message)

    def wait_received(self, payloads: set[bytes], timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: payloads <= self.received, timeout)


def probe(broker: Broker, topic: str, *, timeout: float = 15.0) -> Report:
    """Try a broker out with a client id of the probe's own; nothing of it is left behind.

    `topic` must be one that the account may write and read. Raises ValueError for TLS files.
    """
    mark = secrets.token_hex(4)
    reader = replace(broker, client_id=f"{broker.client_id}-check-{mark}-r")
    writer = replace(broker, client_id=f"{broker.client_id}-check-{mark}-w")
    seen = _Seen(mark.encode())
    fault, detail = None, ""
    with ExitStack() as cleaning:
        for one in (reader, writer):
            cleaning.callback(_forget, one, seen, timeout)
        try:
            _try_out(reader, writer, topic, seen, timeout)
        except _Found as found:
            fault, detail = found.fault, found.detail
    return Report(
        fault,
        detail,
        seen.protocol,
        seen.connected.maximum_packet if seen.connected else None,
        seen.warnings,
    )


@dataclass
class _Seen:
    """What is known of the broker so far; `mark` is in every message of this probe."""

    mark: bytes
    protocol: str = ""
    connected: Connected | None = None
    warnings: tuple[str, ...] = ()


def _try_out(reader: Broker, writer: Broker, topic: str, seen: _Seen, timeout: float) -> None:
    with _open(reader, (topic,), timeout) as first:
        seen.protocol, seen.connected = first.link.protocol, first.connected
        seen.warnings = first.link.notices.texts()
        if first.link.refused_subscriptions:
            raise _Found(Fault.SUBSCRIPTION_REFUSED, topic)
        if Kind.QOS_0_SUBSCRIPTION in first.kinds:
            raise _Found(Fault.QOS_0, topic)
        live = {b"live " + seen.mark}
        _publish(writer, topic, live, timeout)
        if not first.wait_received(live, timeout):
            raise _Found(Fault.READ_DENIED, topic)
    away = {b"away %d %s" % (number, seen.mark) for number in range(_MESSAGES)}
    _publish(writer, topic, away, timeout)
    with _open(reader, (topic,), timeout, returns=True) as again:
        if Kind.SESSION_FORGOTTEN in again.kinds:
            raise _Found(Fault.SESSION_FORGOTTEN)
        if not again.wait_received(away, timeout):
            raise _Found(Fault.QUEUE_LOST, f"{len(away & again.received)} of {_MESSAGES} came")
        if Kind.QOS_0_MESSAGES in again.kinds:
            raise _Found(Fault.QOS_0, topic)


def _publish(writer: Broker, topic: str, payloads: set[bytes], timeout: float) -> None:
    with _open(writer, (), timeout) as client:
        for payload in sorted(payloads):
            sent = client.link.publish(topic, payload)
            sent.wait_for_publish(timeout)
            if client.refusal is not None or not sent.is_published():
                reason = "no answer" if client.refusal is None else f"{client.refusal:#04x}"
                raise _Found(Fault.PUBLISH_REFUSED, f"{topic}, reason {reason}")


@contextmanager
def _open(
    broker: Broker, topics: tuple[str, ...], timeout: float, *, returns: bool = False
) -> Iterator[_Client]:
    client = _Client(broker, topics, returns=returns)
    client.link.start()
    try:
        if not client.link.wait_connected(timeout):
            raise _Found(Fault.UNREACHABLE, client.link.failure or "no answer")
        yield client
    finally:
        client.link.stop()


def _forget(broker: Broker, seen: _Seen, timeout: float) -> None:
    """End the session of a client of the probe at the broker."""
    if not seen.protocol:
        return
    version_5 = seen.protocol == "5"
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=broker.client_id,
        protocol=MQTTProtocolVersion.MQTTv5 if version_5 else MQTTProtocolVersion.MQTTv311,
        clean_session=None if version_5 else True,
    )
    if broker.tls:
        client.tls_set_context(broker.tls.context())
    if broker.username:
        client.username_pw_set(broker.username, broker.password)
    answered = threading.Event()
    client.on_connect = lambda *_: answered.set()
    try:
        clean = True if version_5 else paho.MQTT_CLEAN_START_FIRST_ONLY
        client.connect(broker.host, broker.port, clean_start=clean)
    except OSError:
        return  # the broker has gone: it forgets by itself when the session expires
    client.loop_start()
    answered.wait(timeout)
    client.disconnect()
    client.loop_stop()
