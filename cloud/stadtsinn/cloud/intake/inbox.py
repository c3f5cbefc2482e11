"""Messages between the network threads and the worker, bounded in number and bytes."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Protocol

import msgspec

from stadtsinn.base.mqtt.link import Message
from stadtsinn.cloud.intake import metrics
from stadtsinn.cloud.intake.arrival import Arrival, Original
from stadtsinn.cloud.town.directory import Directory


class Feed(Protocol):
    """Where messages come from: how one is read, and how its sender learns that it is safe."""

    @property
    def name(self) -> str: ...

    def read(self, original: Original, directory: Directory) -> Arrival: ...

    def acknowledge(self, *messages: Message) -> None: ...


class Received(msgspec.Struct, frozen=True, gc=False):
    """A message with what is to be acknowledged for it."""

    feed: Feed
    original: Original
    message: Message


class Inbox:
    """A queue that makes its producers wait while it is full.

    They are MQTT network threads, so a full inbox stops reading from the broker: it keeps what
    is not acknowledged, and TCP holds back the rest.
    """

    def __init__(self, max_messages: int = 20_000, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages: deque[Received] = deque()
        self._bytes = 0
        self._closed = False
        self._lock = threading.Lock()
        self._not_empty = threading.Condition(self._lock)
        self._not_full = threading.Condition(self._lock)
        metrics.WAITING.set_function(lambda: len(self._messages))
        metrics.WAITING_BYTES.set_function(lambda: self._bytes)

    def put(self, *group: Received) -> None:
        """Add messages, waiting for room; after `close` they are left to come again."""
        with self._lock:
            for received in group:
                size = len(received.original.payload)
                while self._full(size) and not self._closed:
                    self._not_empty.notify()
                    self._not_full.wait()
                if self._closed:
                    return
                self._messages.append(received)
                self._bytes += size
            self._not_empty.notify()

    def _full(self, size: int) -> bool:
        if not self._messages:
            return False
        return len(self._messages) >= self._max_messages or self._bytes + size > self._max_bytes

    def take(
        self, max_messages: int, max_bytes: int, linger_s: float, timeout_s: float
    ) -> list[Received]:
        """The next messages, at least one unless `timeout_s` passes or the inbox is closed.

        Having one, waits `linger_s` for more to share its commit.
        """
        with self._lock:
            self._not_empty.wait_for(lambda: self._messages or self._closed, timeout_s)
            if self._messages and linger_s > 0:
                until = time.monotonic() + linger_s
                while len(self._messages) < max_messages and not self._closed:
                    if (left := until - time.monotonic()) <= 0:
                        break
                    self._not_empty.wait(left)
            group: list[Received] = []
            taken = 0
            while self._messages and len(group) < max_messages and taken < max_bytes:
                received = self._messages.popleft()
                taken += len(received.original.payload)
                group.append(received)
            self._bytes -= taken
            self._not_full.notify_all()
            return group

    def close(self) -> None:
        """Let everybody go who waits. What is still inside was never acknowledged."""
        with self._lock:
            self._closed = True
            self._messages.clear()
            self._bytes = 0
            self._not_full.notify_all()
            self._not_empty.notify_all()
