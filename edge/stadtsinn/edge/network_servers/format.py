"""The interface of a network server's format; one module implements each, `formats` lists them."""

from __future__ import annotations

from typing import Protocol

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.network_servers.event_time import GatewayClocks

MAX_EVENT = 64 * 1024
"""Largest event in bytes; a real one with a dozen gateways and decoded values has about 8 KiB."""

UP = "up"
"""The kind of event that carries an uplink."""

ANY = "+"
"""Every application that the account may read."""


class UnreadableEvent(ValueError):
    """An event that cannot be read. `reason` is one word, for counters and quarantine.

    ``unknown_topic``, ``too_large``, ``malformed_json``, ``malformed_protobuf``,
    ``missing_field``, ``bad_field``, ``bad_dev_eui``, ``bad_dev_addr``, ``wrong_base64``,
    ``oversized_payload``, ``encrypted_payload``. The message never repeats payload bytes.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class OtherEvent(msgspec.Struct, frozen=True):
    """An event that is no uplink: join, status, ack, … or ``unknown``.

    `kind` has few different values, since it is a label of metrics.
    """

    kind: str


class NetworkServerFormat(Protocol):
    """How one network server's application events arrive over MQTT."""

    @property
    def name(self) -> str:
        """Used in settings, quarantine and delivery batches: constant, at most 32 characters."""
        ...

    @property
    def title(self) -> str:
        """The product's name, for people."""
        ...

    def topics(self, application: str = ANY) -> tuple[str, ...]:
        """Topic filters for the uplinks of one application, or of all."""
        ...

    @property
    def shares_subscriptions(self) -> bool:
        """Whether its broker supports ``$share/…``; otherwise each ingest gets all events."""
        ...

    def kind_of(self, topic: str) -> str | None:
        """`UP` for an uplink's topic, another kind for another event, None for a foreign topic."""
        ...

    def read(
        self,
        topic: str,
        payload: bytes,
        received_at: Instant,
        clocks: GatewayClocks | None = None,
    ) -> Uplink | OtherEvent:
        """The uplink that an event carries. `received_at`: when it came from the broker.

        `clocks` has the gateways whose clocks lag; without it each event is dated on its own.
        Raises UnreadableEvent for everything that is neither an uplink nor another event.

        Two formats give the same uplink for the same frame: equal `dev_eui`, `dev_addr`, `f_cnt`,
        `f_port` and `payload` (empty at `f_port` 0). `deduplication_id` names the event and is
        equal only for a resend of the same event; `device_type` comes from the server's
        attributes of the device, and `device_profile` is the name of the device's model there.
        """
        ...
