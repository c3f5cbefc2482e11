"""The MQTT side: one link per source, from subscription to acknowledgement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import msgspec
from msgspec.structs import replace

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import Instant
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message, MqttLink, QueueFull
from stadtsinn.base.mqtt.liveness import Liveness
from stadtsinn.cloud.intake import metrics
from stadtsinn.cloud.intake.arrival import STORED_BYTES, Arrival, Kind, Origin, Original
from stadtsinn.cloud.intake.edge_states import EdgeStates, edge_of_status
from stadtsinn.cloud.intake.inbox import Feed, Inbox, Received
from stadtsinn.cloud.intake.reading import (
    MAX_BATCH,
    original_batch,
    read_edge_batch,
    read_server_event,
)
from stadtsinn.cloud.intake.streams import Answer
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.edge.messages.delivery import (
    Ack,
    EdgeConfig,
    Refusal,
    Refused,
    ack_topic,
    batch_topic,
    config_topic,
    encode,
    status_topic,
)
from stadtsinn.edge.network_servers.event_time import GatewayClocks
from stadtsinn.edge.network_servers.format import ANY, NetworkServerFormat


class Source(Feed, Protocol):
    """A subscription that can be started and stopped."""

    @property
    def connected(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def ended(self) -> str | None:
        """The name of a thread that ended though nobody stopped it."""
        ...


@runtime_checkable
class Watchful(Protocol):
    """A source that has something to say besides whether it is connected."""

    def warnings(self) -> tuple[str, ...]: ...


class Linked:
    """An MQTT link that fills the inbox."""

    spooled = False
    """Whether its senders keep what they sent until they hear that it is committed."""

    def __init__(
        self,
        name: str,
        broker: Broker,
        topics: Sequence[str],
        keep: int,
        inbox: Inbox,
        clock: Clock,
        *,
        old_messages: bool = False,
    ) -> None:
        """`old_messages`: see `Liveness`."""
        self.name = name
        self._keep = keep
        self._inbox = inbox
        self._clock = clock
        self._connected = metrics.CONNECTED.labels(name)
        self._connected.set(0)
        self._liveness = Liveness(clock, old_messages=old_messages)
        self._link = MqttLink(
            broker,
            subscriptions=topics,
            on_messages=self._take,
            on_state=lambda connected: self._connected.set(int(connected)),
            on_connected=lambda connected: self._liveness.connected(fresh=connected.fresh),
            on_notice=lambda kind, n: metrics.BROKER_NOTICES.labels(name, kind.value).inc(n),
        )

    @property
    def connected(self) -> bool:
        return self._link.connected

    def expect_session(self) -> None:
        """An earlier process left a session at the broker: to be called before `start`."""
        self._link.expect_session()

    def warnings(self) -> tuple[str, ...]:
        """What its broker or whoever publishes there does not guarantee."""
        refused = (
            f"the broker refuses us {topic}: allow it in its access list ('stadtsinn broker write')"
            for topic in self._link.refused_subscriptions
        )
        return (*self._link.notices.texts(), *refused)

    def start(self) -> None:
        self._link.start()

    def stop(self) -> None:
        self._link.stop()

    def ended(self) -> str | None:
        return self._link.ended()

    def acknowledge(self, *messages: Message) -> None:
        self._link.acknowledge(*messages)
        self._liveness.acknowledged(len(messages))

    def _is_live(self, original: Original) -> bool:
        """Was it published just now, not held by the broker?"""
        since = self._liveness.since
        return since is not None and original.received_at >= since

    def _take(self, messages: Sequence[Message]) -> None:
        """Called on the network thread with what one read of the socket brought."""
        now = self._clock.now()
        self._liveness.took(len(messages))
        set_back = self._inbox.put(*(self._received(message, now) for message in messages))
        if set_back:
            # It makes room at the broker for what comes after them. Their senders keep what is in
            # them and send it again: only an `Ack` says that it is committed.
            self.acknowledge(*(received.message for received in set_back))

    def _received(self, message: Message, now: Instant) -> Received:
        """Of a message larger than anything valid only the beginning is kept: a flood of huge
        ones must not fill the memory."""
        size = len(message.payload)
        if size > self._keep:
            message = replace(message, payload=message.payload[:STORED_BYTES])
        original = self._original(message.topic, message.payload, size, now)
        return Received(self, original, message, self.spooled)

    def _original(self, topic: str, payload: bytes, size: int, now: Instant) -> Original:
        raise NotImplementedError

    def read(self, original: Original, directory: Directory) -> Arrival:
        raise NotImplementedError


class EdgeSource(Linked):
    """Batches of all edges at the cloud's broker; they are answered with acknowledgements."""

    spooled = True

    def __init__(self, broker: Broker, share: str | None, inbox: Inbox, clock: Clock) -> None:
        # Not shared: a broker sends what it retains to plain subscriptions only.
        topics = [shared(batch_topic("+"), share), status_topic("+")]
        super().__init__("edges", broker, topics, MAX_BATCH, inbox, clock)
        self.states = EdgeStates()

    def _take(self, messages: Sequence[Message]) -> None:
        """What an edge says of itself goes another way than what it measured."""
        batches, said = [], []
        for message in messages:
            edge_id = edge_of_status(message.topic)
            if edge_id is None:
                batches.append(message)
                continue
            said.append(message)
            now = self._clock.now()
            self.states.note(edge_id, message.payload, now, retained=message.retained)
        if said:
            self._link.acknowledge(*said)
        if batches:
            super()._take(batches)

    def _original(self, topic: str, payload: bytes, size: int, now: Instant) -> Original:
        return original_batch(topic, payload, size, now)

    def read(self, original: Original, directory: Directory) -> Arrival:
        return read_edge_batch(original, directory, live=self._is_live(original))

    def answer(self, edge_id: str, stream: str, position: int) -> None:
        """Tell an edge that it may forget everything up to `position`."""
        self._link.publish(ack_topic(edge_id), encode(Ack(stream=stream, position=position)))

    def answer_run(self, answer: Answer) -> None:
        """Tell one run of an agent how far it is committed, or to go on as another stream."""
        ack = Ack(
            stream=answer.stream,
            position=answer.position,
            sender=answer.sender,
            begin_anew=answer.begin_anew,
            kept=answer.kept,
            again=answer.again,
            at=self._clock.now(),
        )
        self._link.publish(ack_topic(answer.edge_id), encode(ack))

    def refuse(self, edge_id: str, why: Refused) -> None:
        """Tell an edge that nothing of it is taken, and why."""
        with suppress(QueueFull):  # it sends again, and is told again
            self._link.publish(ack_topic(edge_id), encode(Refusal(refused=why)))

    def configure(self, edge_id: str, device_types: dict[str, str]) -> None:
        """Tell an edge the types of its town's devices; retained, so also one that is away."""
        message = msgspec.json.encode(EdgeConfig(device_types=device_types))
        self._link.publish(config_topic(edge_id), message, retain=True)

    def unconfigure(self, edge_id: str) -> Callable[[], bool]:
        """Take back what the broker retains for an edge; the answer says whether it is done."""
        return self._link.publish(config_topic(edge_id), b"", retain=True).is_published


class ServerSource(Linked):
    """The application events of one network server."""

    def __init__(
        self, server: NetworkServer, broker: Broker, share: str | None, inbox: Inbox, clock: Clock
    ) -> None:
        name = f"{server.format.name}:{server.name}"
        group = share if server.format.shares_subscriptions else None
        topics = [
            shared(server.topic_prefix + topic, group)
            for topic in server.format.topics(server.application)
        ]
        old = server.old_events
        super().__init__(name, broker, topics, STORED_BYTES, inbox, clock, old_messages=old)
        self._server = server.format
        self._origin = Origin(name, server.tenant)
        self._clocks = GatewayClocks()

    def warnings(self) -> tuple[str, ...]:
        return (*super().warnings(), *self._clocks.warnings())

    def _original(self, topic: str, payload: bytes, size: int, now: Instant) -> Original:
        return Original(
            Kind.EVENT, self._origin, topic, payload, size, now, format=self._server.name
        )

    def read(self, original: Original, directory: Directory) -> Arrival:  # noqa: ARG002
        self._clocks.live_since = self._liveness.since
        return read_server_event(self._server, original, self._clocks)


@dataclass(frozen=True)
class NetworkServer:
    """A server whose events are read. `tenant`: whose devices it may carry; None: anybody's.

    `topic_prefix` stands before the format's topics, where an operator put one there. Of a server
    that several towns share, `application` is the one that is read. `old_events`: see the settings.
    """

    name: str
    format: NetworkServerFormat
    tenant: str | None = None
    topic_prefix: str = ""
    application: str = ANY
    old_events: bool = False


def shared(topic: str, group: str | None) -> str:
    """The topic as a shared subscription, so that several ingests divide the work."""
    return f"$share/{group}/{topic}" if group else topic


__all__ = ["EdgeSource", "Linked", "NetworkServer", "ServerSource", "Source", "Watchful", "shared"]
