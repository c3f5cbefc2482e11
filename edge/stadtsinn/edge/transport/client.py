"""paho's client with what a process that runs for years needs beyond it.

Kept apart because it reaches into paho's protected members (paho ≥ 2.1): to change the protocol
version between two attempts without losing queued messages, to honour the broker's receive
maximum, and to outlive a packet that makes paho's network thread raise.
"""

from __future__ import annotations

import time

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

log = structlog.get_logger()

_MAX_INFLIGHT = 200
_MAX_QUEUED = 50_000
_PAUSE_AFTER_FAULT = 1.0


class SturdyClient(paho.Client):
    """A persistent-session client with manual acknowledgement, MQTT 5 or 3.1.1."""

    def __init__(
        self, client_id: str, *, session_expiry: int, receive_maximum: int, longest_pause: int
    ) -> None:
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
    def speaks(self) -> MQTTProtocolVersion:
        return self._protocol

    def speak(self, version: MQTTProtocolVersion) -> None:
        """Use this protocol version from the next connection on; the session is kept in both."""
        self._protocol = version
        is_5 = version == MQTTProtocolVersion.MQTTv5
        self._connect_properties = self._version_5_properties if is_5 else None
        # 3.1.1 says with one flag what MQTT 5 says with clean_start and an expiry.
        self._clean_session = None if is_5 else False  # type: ignore[assignment]

    def bound_inflight(self, receive_maximum: int | None) -> None:
        """Never have more unacknowledged messages under way than the broker accepts."""
        self._max_inflight_messages = min(_MAX_INFLIGHT, receive_maximum or _MAX_INFLIGHT)

    def loop_forever(
        self, timeout: float = 1.0, retry_first_connection: bool = False
    ) -> MQTTErrorCode:
        """paho's loop, begun again after an exception: a link that died silently stays dead."""
        while True:
            try:
                return super().loop_forever(timeout, retry_first_connection)
            except Exception:
                log.exception("mqtt_network_loop_failed")
                self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
                if self._thread_terminate:
                    return MQTTErrorCode.MQTT_ERR_CONN_LOST
                time.sleep(_PAUSE_AFTER_FAULT)
