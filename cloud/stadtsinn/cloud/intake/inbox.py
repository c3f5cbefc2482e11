"""Messages between the network threads and the worker, bounded in number and bytes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

import msgspec

from stadtsinn.base.mqtt.link import Message
from stadtsinn.cloud.intake import metrics
from stadtsinn.cloud.intake.arrival import Arrival, Origin, Original
from stadtsinn.cloud.intake.fair_queue import Amount, FairQueue, Place
from stadtsinn.cloud.town.directory import Directory

EDGE = "edge:"
"""How the source of an edge begins."""

_STRANGERS = "strangers"
_CROWD = 1_000
"""Messages. A broker has at most 2,000 under way to one subscriber (`Broker.receive_maximum`)."""
_WINDOW = Amount(8, 8 * 200 * 1024)
"""What an edge agent sends by default before it waits for an answer: nobody's share is less."""


class Feed(Protocol):
    """Where messages come from: how one is read, and how its sender learns that it is safe."""

    @property
    def name(self) -> str: ...

    def read(self, original: Original, directory: Directory) -> Arrival: ...

    def acknowledge(self, *messages: Message) -> None: ...


class Received(msgspec.Struct, frozen=True, gc=False):
    """A message with what is to be acknowledged for it.

    `spooled`: its sender keeps what is in it until it hears that it is committed, whatever the
    broker is told. So it may be set back.
    """

    feed: Feed
    original: Original
    message: Message
    spooled: bool = False


class Inbox:
    """A fair queue that makes its producers wait while it is full.

    They are MQTT network threads, so a full inbox stops reading from the broker: it keeps what
    is not acknowledged, and TCP holds back the rest. Who has nothing in it is let in all the same.

    All edges come through one such thread, which cannot wait for one of them without the others.
    So when it is crowded, an edge that has more than its share in it is set back: its batch is left
    out, and the edge sends it again because it gets no answer. Towns have equal shares, and so have
    the edges of a town. An edge that is alone has all of it and is never set back.
    """

    def __init__(self, max_messages: int = 20_000, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._crowd = Amount(min(_CROWD, max_messages // 2), max_bytes // 2)
        self._queue = FairQueue()
        self._edges: Mapping[str, str] = {}
        self._edges_of: Counter[str] = Counter()
        self._set_back: Counter[str] = Counter()
        self._closed = False
        self._lock = threading.Lock()
        self._not_empty = threading.Condition(self._lock)
        self._not_full = threading.Condition(self._lock)
        metrics.WAITING.set_function(lambda: self._queue.messages)
        metrics.WAITING_BYTES.set_function(lambda: self._queue.bytes)

    def know(self, edges: Mapping[str, str]) -> None:
        """The tenants of the registered edges. All others are strangers and share one line."""
        if edges is not self._edges:
            with self._lock:
                self._edges, self._edges_of = edges, Counter(edges.values())

    def put(self, *group: Received) -> list[Received]:
        """Add messages, waiting for room; after `close` they are left to come again.

        Returns those that are set back.
        """
        set_back: list[Received] = []
        queue = self._queue
        origin, place = None, Place("", "")
        with self._lock:
            for received in group:
                original = received.original
                if original.origin is not origin:
                    origin, place = original.origin, self._place(original.origin)
                size = len(original.payload)
                if received.spooled and self._is_crowded() and self._has_too_much(place):
                    set_back.append(received)
                    self._set_back[place.line] += 1
                    continue
                while self._is_full(size) and self._must_wait(place):
                    self._not_empty.notify()
                    self._not_full.wait()
                if self._closed:
                    break
                queue.put(place, received, size)
            self._not_empty.notify()
        return set_back

    def set_back(self) -> Mapping[str, int]:
        """How many batches of which edge were set back since the last call."""
        if not self._set_back:
            return {}
        with self._lock:
            counted, self._set_back = self._set_back, Counter()
        return counted

    def _place(self, origin: Origin) -> Place:
        source = origin.source
        if not source.startswith(EDGE):
            return Place(origin.tenant_id or source, source)
        tenant_id = self._edges.get(source[len(EDGE) :])
        return Place(tenant_id, source) if tenant_id else Place(_STRANGERS, _STRANGERS)

    def _is_crowded(self) -> bool:
        queue, crowd = self._queue, self._crowd
        return queue.messages >= crowd.messages or queue.bytes >= crowd.bytes

    def _has_too_much(self, place: Place) -> bool:
        """Has this edge more than its share of a crowded inbox?"""
        if len(self._edges) < 2 and place.owner != _STRANGERS:
            return False  # there is nobody whom it could keep waiting
        queue = self._queue
        towns = len(self._edges_of) or 1
        edges = self._edges_of[place.owner] or 1
        return self._reaches_share(queue.of_owner(place), towns) and self._reaches_share(
            queue.in_line(place), towns * edges
        )

    def _reaches_share(self, waiting: Amount, shares: int) -> bool:
        return waiting.messages >= max(
            _WINDOW.messages, self._crowd.messages // shares
        ) or waiting.bytes >= max(_WINDOW.bytes, self._crowd.bytes // shares)

    def _is_full(self, size: int) -> bool:
        queue = self._queue
        return queue.messages >= self._max_messages or queue.bytes + size > self._max_bytes

    def _must_wait(self, place: Place) -> bool:
        """In a full inbox: only who has something in it that goes first."""
        return not self._closed and self._queue.of_owner(place).messages > 0

    def take(
        self, max_messages: int, max_bytes: int, linger_s: float, timeout_s: float
    ) -> list[Received]:
        """The next messages, at least one unless `timeout_s` passes or the inbox is closed.

        Having one, waits `linger_s` for more to share its commit.
        """
        queue = self._queue
        with self._lock:
            self._not_empty.wait_for(lambda: queue.messages or self._closed, timeout_s)
            if queue.messages and linger_s > 0:
                until = time.monotonic() + linger_s
                while queue.messages < max_messages and not self._closed:
                    if (left := until - time.monotonic()) <= 0:
                        break
                    self._not_empty.wait(left)
            group = queue.take(max_messages, max_bytes)
            self._not_full.notify_all()
            return group

    def close(self) -> None:
        """Let everybody go who waits. What is still inside was never acknowledged."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            self._not_full.notify_all()
            self._not_empty.notify_all()
