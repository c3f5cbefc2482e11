"""One MQTT connection that survives: persistent session, QoS 1, acknowledgement by the caller.

MQTT 5 where the broker speaks it, 3.1.1 otherwise. A message is acknowledged only when the
caller says so, after its commit; whatever was not acknowledged comes again after a break.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion

from stadtsinn.base.counted import counted
from stadtsinn.base.instant import Instant
from stadtsinn.base.mqtt.broker import Broker, Will
from stadtsinn.base.mqtt.client import MqttClient
from stadtsinn.base.mqtt.guarantees import Guarantees, Kind
from stadtsinn.base.mqtt.packets import Publish

log = structlog.get_logger()

PACKET_TOO_LARGE = 0x95
"""MQTT 5's reason code for a message above the broker's limit."""

_UNSUPPORTED_PROTOCOL = 0x84
_SESSION_TAKEN_OVER = 0x8E
_UNANSWERED_ATTEMPTS = 3
"""Connections closed without an answer before the other protocol version is tried."""
_PUBLISH_OVERHEAD = 12
"""Bytes of a PUBLISH besides topic and payload: header 5, length 2, packet id 2, properties 1; 2 to
spare."""
_ALWAYS_TAKEN = 16 * 1024
"""A message of this size is not what a broker hangs up for."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """A received message. `connection` counts connections: packet ids mean nothing in another."""

    topic: str
    payload: bytes
    retained: bool
    packet_id: int
    qos: int
    connection: int


class Connected(msgspec.Struct, frozen=True):
    """How a connection began. `maximum_packet` bytes are the most that the broker takes in one
    packet, None where it does not say. `fresh` means that no session was there to be continued;
    `ended_by` is the reason code with which the connection before this one ended, 0 for none,
    `ended_at` when that was, in monotonic seconds."""

    fresh: bool
    maximum_packet: int | None = None
    ended_by: int = 0
    ended_at: float = float("-inf")


class QueueFull(Exception):
    """The broker has not taken what was published for so long that no more is kept in memory."""


class MessageTooLarge(Exception):
    """The broker takes no message of this size: nothing was sent."""


class MqttLink:
    """Keeps one connection up and hands every message to `on_message` on the network thread.

    `on_messages` instead gets all messages that one read of the socket brought. Both must be
    quick (put it into a queue); a message that they raise for is not acknowledged.
    `on_state(connected)` reports changes. Refusals (wrong password, no certificate) are tried
    again with growing pauses. `on_connected` is called before anything is sent again, so that it
    can `withdraw` what shall not be; `on_refused(info id, reason code)` when the broker refuses a
    message. `session_expected`: an earlier process left a session behind.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        subscriptions: Sequence[str] = (),
        on_message: Callable[[Message], None] = lambda _message: None,
        on_messages: Callable[[Sequence[Message]], None] | None = None,
        on_state: Callable[[bool], None] = lambda _connected: None,
        will: Will | None = None,
        on_connected: Callable[[Connected], None] = lambda _connected: None,
        on_refused: Callable[[int, int], None] = lambda _mid, _reason: None,
        on_notice: Callable[[Kind, int], None] = lambda _kind, _count: None,
        session_expected: bool = False,
    ) -> None:
        self._broker = broker
        self._on_connected = on_connected
        self._on_refused = on_refused
        self._guarantees = Guarantees(broker, on_notice)
        self._guarantees.session_expected = session_expected
        self.notices = self._guarantees.notices
        self._subscriptions = tuple(subscriptions)
        self._on_messages = on_messages or _one_by_one(on_message)
        self._on_state = on_state
        self._lock = threading.Lock()
        self._connection = 0
        self._online = False  # CONNACK seen: packet ids of this connection are valid
        self._connected = threading.Event()  # and every subscription answered
        self._awaited: dict[int, str] = {}
        self._refused: tuple[str, ...] = ()
        self._answered = False
        self._unanswered = 0
        self._ended_by = 0
        self._ended_at = float("-inf")
        self._maximum_packet: int | None = None
        self._last_failure = ""
        self._stopping = False
        self._started = False
        self._client = self._make_client(will)

    @property
    def connected(self) -> bool:
        """True while the broker is there and has answered our subscriptions."""
        return self._connected.is_set()

    @property
    def protocol(self) -> str:
        """``"5"`` or ``"3.1.1"``: what is spoken, or tried next."""
        return "5" if self._client.protocol_version == MQTTProtocolVersion.MQTTv5 else "3.1.1"

    @property
    def failure(self) -> str:
        """Why the latest attempt to connect failed; empty after one that did not."""
        return self._last_failure

    @property
    def refused_subscriptions(self) -> tuple[str, ...]:
        """Topics that the broker's access list refused to this connection."""
        return self._refused

    def peer_certificate_ends(self) -> Instant | None:
        """When the broker's certificate ends; None where there is no connection by TLS."""
        return self._client.peer_certificate_ends()

    def ended(self) -> str | None:
        """Which network thread ended though nobody stopped it; None: it runs, or never did."""
        running = self._client.network_thread is not None
        if running or self._stopping or not self._started:
            return None
        return f"mqtt-{self._broker.client_id}"

    def wait_connected(self, timeout: float) -> bool:
        """True when the broker answered within `timeout` seconds."""
        return self._connected.wait(timeout)

    def expect_session(self) -> None:
        """Say when the broker no longer has the session that an earlier process left there."""
        self._guarantees.session_expected = True

    def start(self) -> None:
        """Begin to connect; a broker that is away is tried again until it answers."""
        self._client.connect_async(
            self._broker.host,
            self._broker.port,
            keepalive=self._broker.keepalive,
            clean_start=False,
        )
        self._client.use_protocol(MQTTProtocolVersion.MQTTv5)
        self._client.loop_start()
        self._started = True

    def stop(self) -> None:
        """Disconnect in order; the session and what is unacknowledged stay at the broker."""
        self._stopping = True
        self._client.disconnect()
        self._client.loop_stop()
        with self._lock:
            self._online = False
        self._connected.clear()

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> paho.MQTTMessageInfo:
        """Hand a message to the client; QoS 1 is kept in memory until the broker has it, also
        while there is no connection.

        Raises QueueFull when tens of thousands are waiting already, MessageTooLarge where the
        broker has said that it takes no message of this size.
        """
        room = self.room_for_payload(topic)
        if room is not None and len(payload) > room:
            raise MessageTooLarge(
                f"{counted(len(payload), 'byte', 'bytes')} for {topic}: the broker takes at most "
                f"{room} (its max_packet_size)"
            )
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            raise QueueFull(
                f"the broker {self._broker.host}:{self._broker.port} takes nothing: "
                "wait until it is connected before publishing more"
            )
        if qos and info.rc == MQTTErrorCode.MQTT_ERR_NO_CONN:
            # paho has queued it and will send it, yet lets wait_for_publish() raise.
            info.rc = MQTTErrorCode.MQTT_ERR_SUCCESS
        return info

    def room_for_payload(self, topic: str) -> int | None:
        """The most bytes that the broker takes in a message of this topic; None if unknown."""
        if self._maximum_packet is None:
            return None
        return max(0, self._maximum_packet - len(topic.encode()) - _PUBLISH_OVERHEAD)

    def withdraw(self, infos: Sequence[paho.MQTTMessageInfo]) -> None:
        """Do not send these messages again after a break; the caller sends them anew."""
        self._client.withdraw([info.mid for info in infos])

    def acknowledge(self, *messages: Message) -> None:
        """Acknowledge these messages. Those of an earlier connection are skipped; the broker
        sends them again."""
        # The lock keeps the network thread from opening another connection in between: there
        # the packet id would acknowledge a different message, one that nobody has committed.
        with self._lock:
            valid = [
                message.packet_id
                for message in messages
                if message.qos and self._online and message.connection == self._connection
            ]
            if valid:
                self._client.acknowledge(valid)

    # --- paho's side -------------------------------------------------------------------

    def _make_client(self, will: Will | None) -> MqttClient:
        client = MqttClient(
            self._broker.client_id,
            session_expiry=self._broker.session_expiry,
            receive_maximum=self._broker.receive_maximum,
            longest_pause=self._broker.longest_pause,
        )
        if self._broker.tls:
            client.tls_set_context(self._broker.tls.context())
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._broker.password)
        if will:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.on_pre_connect = self._handle_pre_connect
        client.on_connect_fail = self._handle_connect_fail
        client.on_connect = self._handle_connect
        client.on_disconnect = self._handle_disconnect
        client.on_subscribe = self._handle_subscribe
        client.on_publishes = self._handle_messages
        client.on_publish = self._handle_published
        return client

    def _handle_pre_connect(self, _client: paho.Client, _data: Any) -> None:
        self._answered = False

    def _handle_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        # paho calls this while it handles the exception, which it does not pass on.
        self._report_failure("broker_unreachable", str(sys.exc_info()[1]))

    def _report_failure(self, event: str, reason: str) -> None:
        """Log a failure once, not at each of the attempts that end the same way."""
        if reason != self._last_failure and not self._stopping:
            self._last_failure = reason
            log.warning(
                event,
                reason=reason,
                broker=f"{self._broker.host}:{self._broker.port}",
                client_id=self._broker.client_id,
                remedy="trying again with growing pauses; check address, certificates, account",
            )

    def _handle_connect(
        self, client: paho.Client, _data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        self._answered = True
        self._unanswered = 0
        if self._stopping:
            # An attempt was under way when `stop` found nothing to disconnect. paho would go on
            # for as long as the broker leaves a message of ours without an answer.
            client.disconnect()
            return
        if reason.is_failure:
            if reason.value == _UNSUPPORTED_PROTOCOL:
                self._client.use_protocol(MQTTProtocolVersion.MQTTv311)
            self._report_failure("broker_refused", str(reason))
            return
        self._last_failure = ""
        self._client.bound_inflight(getattr(properties, "ReceiveMaximum", None))
        with self._lock:
            self._connection += 1
            self._online = True
        self._refused = ()
        self._awaited = {}
        self._maximum_packet = getattr(properties, "MaximumPacketSize", None)
        fresh = self._look_at_session(bool(flags.session_present), properties)
        self._call(
            self._on_connected,
            Connected(fresh, self._maximum_packet, self._ended_by, self._ended_at),
        )
        self._drop_what_ends_connections()
        for topic in self._subscriptions:
            _result, packet_id = client.subscribe(topic, qos=1)
            if packet_id is not None:
                self._awaited[packet_id] = topic
        if not self._subscriptions:
            self._ready()

    def _handle_subscribe(
        self, _client: paho.Client, _data: Any, packet_id: int, reasons: Any, _properties: Any
    ) -> None:
        topic = self._awaited.pop(packet_id, None)
        if topic is None:
            return
        granted = [reason.value for reason in reasons if not reason.is_failure]
        if 0 in granted:
            self._guarantees.granted_only_qos_0(topic)
        if any(reason.is_failure for reason in reasons):
            self._refused = (*self._refused, topic)
            log.error(
                "subscription_refused",
                topic=topic,
                client_id=self._broker.client_id,
                remedy="allow this topic for this user in the broker's access list",
            )
        if not self._awaited:
            self._ready()

    def _look_at_session(self, present: bool, properties: Any) -> bool:
        """True where no session is there to be continued; one without subscriptions is none."""
        if not self._subscriptions:
            return not present
        granted = getattr(properties, "SessionExpiryInterval", None)
        return self._guarantees.connection_begins(session_present=present, granted_expiry=granted)

    def _drop_what_ends_connections(self) -> None:
        """A message that the broker does not take must not keep all others out for ever."""
        limits = [self._maximum_packet] if self._maximum_packet is not None else []
        if self._guarantees.thrown_out:
            limits.append(_ALWAYS_TAKEN)
        if limits and (dropped := self._client.withdraw_larger(min(limits))):
            self._guarantees.dropped(dropped, min(limits))

    def _handle_published(
        self, _client: paho.Client, _data: Any, mid: int, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._call(self._on_refused, mid, reason.value)

    def _ready(self) -> None:
        self._connected.set()
        self._report_state(True)

    def _handle_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        with self._lock:
            was_online, self._online = self._online, False
        if was_online:
            self._ended_by = getattr(reason, "value", 0)
            self._ended_at = time.monotonic()
        was_connected = self._connected.is_set()
        self._connected.clear()
        if was_connected:
            self._report_state(False)
        if self._stopping:
            return
        if not self._answered:
            self._try_other_protocol()
        elif was_online:
            taken_over = getattr(reason, "value", 0) == _SESSION_TAKEN_OVER
            if not taken_over:
                log.warning("broker_lost", reason=str(reason), client_id=self._broker.client_id)
            self._guarantees.connection_ended(taken_over=taken_over)

    def _try_other_protocol(self) -> None:
        """Some 3.1.1 brokers close an MQTT 5 connection without an answer."""
        self._unanswered += 1
        self._report_failure("broker_hung_up", self._hung_up())
        if self._unanswered % _UNANSWERED_ATTEMPTS == 0:
            self._client.use_protocol(
                MQTTProtocolVersion.MQTTv311 if self.protocol == "5" else MQTTProtocolVersion.MQTTv5
            )

    def _hung_up(self) -> str:
        """TLS 1.3 lets a client begin before the broker has looked at its certificate, so that
        a certificate that it refuses ends like this."""
        if self._broker.tls is None or self._broker.tls.certificate is None:
            return "closed before it answered"
        return "closed before it answered: is our certificate revoked, ended or of another town?"

    def _report_state(self, connected: bool) -> None:
        self._call(self._on_state, connected)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            callback(*arguments)
        except Exception:  # a callback's exception must not end the network thread
            log.exception("mqtt_callback_failed")

    def _handle_messages(self, messages: Sequence[Publish]) -> None:
        connection = self._connection
        at_qos_0 = sum(1 for message in messages if message.qos == 0)
        if at_qos_0:
            self._guarantees.came_at_qos_0(at_qos_0, messages[-1].topic)
        taken = [Message(*message, connection) for message in messages]
        try:
            self._on_messages(taken)
        except Exception:  # unacknowledged, so the broker sends them again
            log.exception("on_messages_failed", messages=len(taken))


def _one_by_one(handle: Callable[[Message], None]) -> Callable[[Sequence[Message]], None]:
    """Hands messages over one by one, so that an exception for one does not affect the others."""

    def handle_all(messages: Sequence[Message]) -> None:
        for message in messages:
            try:
                handle(message)
            except Exception:  # unacknowledged, so the broker sends it again
                log.exception("on_message_failed")

    return handle_all
