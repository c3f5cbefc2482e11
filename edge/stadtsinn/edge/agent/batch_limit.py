"""How large a batch may be at this broker: what it says, else what it lets through.

MQTT 5 brokers may say their limit in CONNACK, and yet refuse less. Others end the connection, or
answer and drop. So a batch that did not get through is halved, down to one item. A cut may also be
the line's fault: only a second one at about the same size, with smaller ones getting through in
between, counts as a limit. What was learned is forgotten after an hour, because limits are raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_LEARNED_S = 3600.0
_SMALL = 16 * 1024
_SMALL_LEARNED_S = 300.0
"""A limit below 16 KiB is rarely a broker's: it is forgotten sooner."""


@dataclass(frozen=True)
class Learned:
    """No batch above `size` bytes until the monotonic time `until`, and why."""

    size: int
    until: float
    why: str


class BatchLimit:
    """Bytes that the next batch may have. Not thread-safe."""

    def __init__(self, configured: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._configured = configured
        self._monotonic = monotonic
        self._said: int | None = None
        self._learned: Learned | None = None
        self._allowed = configured
        self._cut_at: int | None = None

    @property
    def allowed(self) -> int:
        """The largest batch in bytes; a single item may be larger."""
        return max(1, min(self._allowed, self._ceiling()))

    @property
    def said(self) -> int | None:
        """The broker's own word, if it gave any: nothing above it may be sent at all."""
        return self._said

    @property
    def text(self) -> str:
        """The limit in force with its reason; empty where there is none below the configured."""
        if self._said is not None and self._said < self._configured:
            return f"the broker takes at most {self._said} bytes in one batch, as it says itself"
        learned = self._in_force()
        if learned is not None:
            return f"{learned.why}; batches have at most {self.allowed} bytes now"
        return ""

    def broker_says(self, largest: int | None) -> None:
        """Of a new connection: the most bytes that a batch may have, None for no word."""
        self._said = largest

    def refused(self, size: int, why: str) -> None:
        """The broker named the size of this batch as the reason."""
        learned = _LEARNED_S if size >= _SMALL else _SMALL_LEARNED_S
        until = self._monotonic() + learned
        self._learned = Learned(max(1, size // 2), until, f"{why} at {size} bytes")
        self._allowed = max(1, size // 2)
        self._cut_at = None

    def cut(self, size: int, why: str) -> None:
        """This batch did not get through, for a reason that may be another than its size."""
        if self._cut_at is not None and size > self._cut_at // 2:
            self.refused(size, why)
        else:
            self._cut_at = size
            self._allowed = max(1, size // 2)

    def went_through(self, size: int) -> None:
        """A batch of this size was committed: the next may be twice as large."""
        if self._cut_at is not None and size >= self._cut_at:
            self._cut_at = None  # it was the line
        if size * 2 > self._allowed:
            self._allowed = min(self._configured, max(self._allowed, size) * 2)

    def _ceiling(self) -> int:
        learned = self._in_force()
        bounds = (self._configured, self._said, learned.size if learned else None)
        return min(bound for bound in bounds if bound is not None)

    def _in_force(self) -> Learned | None:
        if self._learned is not None and self._monotonic() >= self._learned.until:
            self._learned = None
        return self._learned
