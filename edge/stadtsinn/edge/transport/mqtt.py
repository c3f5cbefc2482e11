"""One MQTT connection that survives: persistent session, QoS 1, acknowledgement by the caller.

MQTT 5 where the broker speaks it, 3.1.1 otherwise. A message is acknowledged only when the
caller says so, after its commit; whatever was not acknowledged comes again after a break.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

log = structlog.get_logger()

_UNSUPPORTED_PROTOCOL = 0x84


@dataclass(frozen=True)
class Tls:
    """Files of a TLS connection with client certificate; `certificate` and `key` may be absent."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(str(self.certificate), str(self.key) if self.key else None)
        return context


@dataclass(frozen=True)
class Broker:
    """Where a broker is and who we are there. A fixed `client_id` keeps the session."""

    host: str
    port: int
    client_id: str
    tls: Tls | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    keepalive: int = 30
    session_expiry: int = 7 * 86_400
    receive_maximum: int = 2_000


@dataclass(frozen=True)
class Will:
    """What the broker publishes, retained, when the connection dies."""

    topic: str
    payload: bytes


@dataclass(frozen=True)
class Message:
    """A received message. `connection` counts connections: packet ids mean nothing in another."""

    topic: str
    payload: bytes
    retained: bool
    packet_id: int
    qos: int
    connection: int


class MqttLink:
    """Keeps one connection up and hands every message to `on_message` on the network thread.

    `on_message` must be quick (put it into a queue). `on_state(connected)` reports changes.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        subscriptions: Sequence[str] = (),
        on_message: Callable[[Message], None] = lambda _message: None,
        on_state: Callable[[bool], None] = lambda _connected: None,
        will: Will | None = None,
    ) -> None:
        self._broker = broker
        self._subscriptions = tuple(subscriptions)
        self._on_message_callback = on_message
        self._on_state = on_state
        self._will = will
        self._lock = threading.Lock()
        self._connection = 0
        self._connected = threading.Event()
        self._stopping = False
        self._client = self._make_client(MQTTProtocolVersion.MQTTv5)

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def wait_connected(self, timeout: float) -> bool:
        """True when the broker answered within `timeout` seconds."""
        return self._connected.wait(timeout)

    def start(self) -> None:
        """Begin to connect; a broker that is away is tried again until it answers."""
        self._client.connect_async(self._broker.host, self._broker.port, **self._connect_options())
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect in order; the session and what is unacknowledged stay at the broker."""
        self._stopping = True
        self._client.disconnect()
        self._client.loop_stop()
        self._connected.clear()

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> paho.MQTTMessageInfo:
        """Hand a message to the client; QoS 1 is kept in memory until the broker has it."""
        return self._client.publish(topic, payload, qos=qos, retain=retain)

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that this message is safe. Stale ones are left to come again."""
        if message.qos and message.connection == self._connection:
            self._client.ack(message.packet_id, message.qos)

    # --- paho's side -------------------------------------------------------------------

    def _make_client(self, protocol: MQTTProtocolVersion) -> paho.Client:
        fresh_session_kept = (
            {} if protocol == MQTTProtocolVersion.MQTTv5 else {"clean_session": False}
        )
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._broker.client_id,
            protocol=protocol,
            manual_ack=True,
            **fresh_session_kept,
        )
        client.max_inflight_messages_set(200)
        client.reconnect_delay_set(min_delay=1, max_delay=30)
        if self._broker.tls:
            client.tls_set_context(self._broker.tls.context())
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._will:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=True)
        client.on_connect = self._handle_connect
        client.on_disconnect = self._handle_disconnect
        client.on_message = self._handle_message
        return client

    def _connect_options(self) -> dict[str, Any]:
        if self._client.protocol != MQTTProtocolVersion.MQTTv5:
            return {"keepalive": self._broker.keepalive}
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._broker.session_expiry
        properties.ReceiveMaximum = self._broker.receive_maximum
        return {
            "keepalive": self._broker.keepalive,
            "clean_start": False,
            "properties": properties,
        }

    def _handle_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            log.warning("broker_refused", reason=str(reason), client_id=self._broker.client_id)
            if reason.value == _UNSUPPORTED_PROTOCOL:
                self._fall_back()
            return
        with self._lock:
            self._connection += 1
        for topic in self._subscriptions:
            client.subscribe(topic, qos=1)
        self._connected.set()
        self._on_state(True)

    def _handle_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        was_connected = self._connected.is_set()
        self._connected.clear()
        if was_connected:
            self._on_state(False)
        if not self._stopping:
            log.warning("broker_lost", reason=str(reason), client_id=self._broker.client_id)

    def _handle_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._on_message_callback(
            Message(
                topic=message.topic,
                payload=bytes(message.payload),
                retained=message.retain,
                packet_id=message.mid,
                qos=message.qos,
                connection=self._connection,
            )
        )

    def _fall_back(self) -> None:
        """Connect again with MQTT 3.1.1: the broker does not speak version 5."""
        threading.Thread(target=self._restart_with_311, daemon=True).start()

    def _restart_with_311(self) -> None:
        self._client.loop_stop()
        self._client = self._make_client(MQTTProtocolVersion.MQTTv311)
        self.start()
