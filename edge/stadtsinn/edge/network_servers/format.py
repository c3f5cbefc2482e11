"""What all formats of network servers share; one module has each format, `formats` lists them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import ClassVar

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.decoders.uplink_bounds import fitted
from stadtsinn.edge.network_servers.event_time import GatewayClocks

MAX_EVENT = 64 * 1024
"""Largest event in bytes; a real one with a dozen gateways and decoded values has about 8 KiB."""

UP = "up"
"""The kind of event that carries an uplink."""

ANY = "+"
"""Every application that the account may read."""


class UnreadableEvent(ValueError):
    """An event that cannot be read. `reason` is one of REASONS, for counters and quarantine.

    The message never repeats payload bytes.
    """

    REASONS: ClassVar = (
        *("unknown_topic", "too_large", "malformed_json", "malformed_protobuf", "missing_field"),
        *("bad_field", "bad_dev_eui", "bad_dev_addr", "wrong_base64", "oversized_payload"),
        "encrypted_payload",
    )

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class OtherEvent(msgspec.Struct, frozen=True):
    """An event that is no uplink: join, status, ack, … or ``unknown``.

    `kind` has few different values, since it is a label of metrics.
    """

    kind: str


class NetworkServerFormat(ABC):
    """How one network server's application events arrive over MQTT.

    A subclass has what is the server's own: its topics, the kinds of its events, and how an event
    becomes an uplink.
    """

    name: ClassVar[str]
    """Used in settings, quarantine and delivery batches: constant, at most 32 characters."""
    title: ClassVar[str]
    """The product's name, for people."""
    shares_subscriptions: ClassVar[bool]
    """Whether its broker supports ``$share/…``; otherwise each ingest gets all events."""
    topic_end: ClassVar[re.Pattern[str]]
    """Finds the end of its topics. Groups: `kind`, and `device`, which a topic may lack."""

    @abstractmethod
    def topics(self, application: str = ANY) -> tuple[str, ...]:
        """Topic filters for the uplinks of one application, or of all."""

    @abstractmethod
    def kind(self, word: str) -> str:
        """The kind of event that the topic's `kind` means: `UP`, or another one of few."""

    @abstractmethod
    def uplink(
        self, payload: bytes, received_at: Instant, clocks: GatewayClocks | None
    ) -> Uplink | OtherEvent:
        """The uplink of an event of the kind `UP`. Raises UnreadableEvent.

        Two formats give the same uplink for the same frame: equal `dev_eui`, `dev_addr`, `f_cnt`,
        `f_port` and `payload` (empty at `f_port` 0). `deduplication_id` names the event and is
        equal only for a resend of the same event; `device_type` comes from the server's
        attributes of the device, and `device_profile` is the name of the device's model there.
        """

    @abstractmethod
    def device(self, uplink: Uplink) -> str:
        """What topics call the device of an uplink; empty if the event does not say it."""

    def kind_of(self, topic: str) -> str | None:
        """`UP` for an uplink's topic, another kind for another event, None for a foreign topic."""
        match = self.topic_end.search(topic)
        return None if match is None else self.kind(match["kind"])

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
        """
        match = self.topic_end.search(topic)
        if match is None:
            raise UnreadableEvent(
                "unknown_topic",
                f"the topic is none of {self.title}'s ({', '.join(self.topics())}): correct "
                "'format' of this network server or the topics",
            )
        if (kind := self.kind(match["kind"])) != UP:
            return OtherEvent(kind)
        if len(payload) > MAX_EVENT:
            raise UnreadableEvent(
                "too_large",
                f"event of {len(payload)} bytes, at most {MAX_EVENT} are read: shorten the device "
                "profile's codec output or look for a foreign publisher on this topic",
            )
        found = self.uplink(payload, received_at, clocks)
        if isinstance(found, OtherEvent):
            return found
        if not self._names(match["device"], found):
            raise UnreadableEvent(
                "bad_dev_eui",
                "topic and event name different devices: look for a foreign publisher, a bridge "
                f"that rewrites topics, or a changed topic template of {self.title}",
            )
        return fitted(found)

    def _names(self, in_topic: str | None, uplink: Uplink) -> bool:
        device = self.device(uplink)
        return in_topic is None or not device or in_topic.lower() == device.lower()
