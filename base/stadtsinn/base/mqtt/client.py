"""paho's client with what a process that runs for years needs beyond it.

Kept apart because it reaches into paho's protected members: to change the protocol version
between two attempts without losing queued messages, to honour the broker's receive maximum, to
read and acknowledge many messages with few system calls, and to outlive a packet that makes
paho's network thread raise. That is why paho-mqtt is pinned exactly in pyproject.toml; a new
version is compared member by member in tests/base/test_paho_inside.py.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import (
    CallbackAPIVersion,
    MessageState,
    MQTTErrorCode,
    MQTTProtocolVersion,
)
from paho.mqtt.exception import MalformedPacket as PahoMalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.base.mqtt.packets import (
    MalformedPacket,
    Packet,
    Publish,
    next_packet,
    read_publish,
)

log = structlog.get_logger()

_MAX_INFLIGHT = 200
_MAX_QUEUED = 50_000
_FAULTS = Backoff(first=1.0, longest=30.0)
_HEALTHY_S = 60.0
"""A network loop that ran so long before it failed is not failing again and again."""
_READ_AT_ONCE = 262_144


class MqttClient(paho.Client):
    """A persistent-session client with manual acknowledgement, MQTT 5 or 3.1.1."""

    def __init__(
        self, client_id: str, *, session_expiry: int, receive_maximum: int, longest_pause: int
    ) -> None:
        self._received = bytearray()
        self.on_publishes: Callable[[Sequence[Publish]], None] = lambda _messages: None
        """Called on the network thread with the messages that one read brought."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = session_expiry
        properties.ReceiveMaximum = receive_maximum
        self._version_5_properties = properties
        self.max_inflight_messages_set(_MAX_INFLIGHT)
        self.max_queued_messages_set(_MAX_QUEUED)
        self.reconnect_delay_set(min_delay=1, max_delay=longest_pause)

    @property
    def protocol_version(self) -> MQTTProtocolVersion:
        return self._protocol

    @property
    def network_thread(self) -> threading.Thread | None:
        """Set by `loop_start`; paho sets it to None when it ends, and tells nobody."""
        return self._thread

    def peer_certificate_ends(self) -> Instant | None:
        """When the certificate ends that the broker showed; None where it showed none."""
        connection = self.socket()
        if not isinstance(connection, ssl.SSLSocket):
            return None
        try:
            shown = connection.getpeercert()
        except (OSError, ValueError):  # the connection ended, or has not begun
            return None
        return Instant(ssl.cert_time_to_seconds(str(shown["notAfter"])) * SECOND) if shown else None

    def use_protocol(self, version: MQTTProtocolVersion) -> None:
        """Use this protocol version from the next connection on; the session is kept in both."""
        self._protocol = version
        is_5 = version == MQTTProtocolVersion.MQTTv5
        self._connect_properties = self._version_5_properties if is_5 else None
        # 3.1.1 says with one flag what MQTT 5 says with clean_start and an expiry.
        self._clean_session = None if is_5 else False  # type: ignore[assignment]

    def bound_inflight(self, receive_maximum: int | None) -> None:
        """Never have more unacknowledged messages under way than the broker accepts."""
        self._max_inflight_messages = min(_MAX_INFLIGHT, receive_maximum or _MAX_INFLIGHT)

    def withdraw(self, packet_ids: Sequence[int]) -> None:
        """Forget QoS 1 messages without a PUBACK: they are not sent again after a break."""
        with self._out_message_mutex:
            for number in packet_ids:
                message = self._out_messages.pop(number, None)
                if message is not None and message.state == MessageState.MQTT_MS_WAIT_FOR_PUBACK:
                    self._inflight_messages -= 1

    def withdraw_larger(self, size: int) -> int:
        """Withdraw all messages of more bytes; how many there were."""
        with self._out_message_mutex:
            large = [mid for mid, one in self._out_messages.items() if len(one.payload) > size]
            self.withdraw(large)
        return len(large)

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """PUBACK of QoS 1 messages, all in one write: four bytes each in either version."""
        packets = b"".join(struct.pack("!BBH", paho.PUBACK, 2, number) for number in packet_ids)
        self._packet_queue(paho.PUBACK, packets, packet_ids[-1], 1)

    def _create_socket_connection(self) -> socket.socket:
        connection = super()._create_socket_connection()
        # Small packets must not wait for the answer to the one before (40 ms on Linux).
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002
        """Take what the socket has; whole messages are handed over together.

        paho asks for a packet byte by byte. Here the packet is found in a buffer, and paho gets
        all that are no messages of QoS 0 or 1.
        """
        try:
            data = self._sock_recv(_READ_AT_ONCE)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        if not data:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        with self._msgtime_mutex:
            self._last_bytes_received = paho.time_func()
        self._received += data
        try:
            result = self._handle_received()
        except MalformedPacket as error:
            log.warning("broker_sent_no_mqtt", error=str(error))
            result = MQTTErrorCode.MQTT_ERR_PROTOCOL
        return self._loop_rc_handle(result) if result > 0 else result

    def _handle_received(self) -> MQTTErrorCode:
        """Handle the whole packets of the buffer in their order, and keep the rest."""
        received = self._received
        version_5 = self._protocol == MQTTProtocolVersion.MQTTv5
        messages: list[Publish] = []
        at = 0
        with memoryview(received) as buffer:
            while (packet := next_packet(buffer, at)) is not None:
                at = packet.end
                if packet.command & 0xF4 == paho.PUBLISH:  # QoS 0 or 1
                    messages.append(read_publish(buffer, packet, version_5=version_5))
                    continue
                self._hand_over(messages)
                messages = []
                result = self._handle_other(packet, buffer)
                if result > 0 or self._received is not received:  # closed: a new buffer
                    return result
        self._hand_over(messages)
        if self._received is received:
            del received[:at]
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _hand_over(self, messages: list[Publish]) -> None:
        if messages:
            self.on_publishes(messages)

    def _handle_other(self, packet: Packet, buffer: memoryview) -> MQTTErrorCode:
        """Let paho handle a packet, as if it had read it."""
        self._in_packet = {
            "command": packet.command,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": packet.end - packet.start,
            "packet": bytearray(buffer[packet.start : packet.end]),
            "to_process": 0,
            "pos": 0,
        }
        try:
            return self._packet_handle()
        except PahoMalformedPacket as error:
            raise MalformedPacket(str(error)) from error

    def _sock_close(self) -> None:
        self._received = bytearray()
        super()._sock_close()

    def loop_forever(
        self, timeout: float = 1.0, retry_first_connection: bool = False
    ) -> MQTTErrorCode:
        """paho's loop, restarted after an exception, which would end its thread silently."""
        retries = Retries(_FAULTS)
        while True:
            began = time.monotonic()
            try:
                return super().loop_forever(timeout, retry_first_connection)
            except Exception:
                log.exception("mqtt_network_loop_failed")
                self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
                if self._thread_terminate:
                    return MQTTErrorCode.MQTT_ERR_CONN_LOST
                if time.monotonic() - began > _HEALTHY_S:
                    retries.worked()
                time.sleep(retries.failed())
