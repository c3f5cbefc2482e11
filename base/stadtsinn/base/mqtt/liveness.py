"""Was a message published just now, or did the broker hold it?

MQTT does not say. But a broker that has a client's connection, and gets its acknowledgements,
passes messages on at once; what it held comes at the beginning of a connection, or after a time
without acknowledgements. So from a while after either, a message is known to be live.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import MINUTE, SECOND, Instant

_SETTLED = 5 * MINUTE
"""So long after the beginning a broker has passed on all that it held."""
_WAITED_S = 60.0
"""A message that waited so long for its acknowledgement has kept others waiting at the broker."""
_FAST = MINUTE
_FAST_S = 300.0
"""A clock that gains more than `_FAST` on twice the time that passed was set, or is a simulation's:
for so long nothing is said."""


class Liveness:
    """The moment from which messages are live, by the owner's clock. Thread-safe."""

    def __init__(
        self,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        old_messages: bool = False,
    ) -> None:
        """`old_messages`: whoever publishes may do so long after the event, so nothing is said."""
        self._old_messages = old_messages
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._waiting: deque[float] = deque()
        self._since: Instant | None = None
        self._anchor = (monotonic(), clock.now())
        self._fast_until = 0.0

    def connected(self, *, fresh: bool) -> None:
        """A connection began; `fresh`: with a session in which nothing can wait."""
        now = self._clock.now()
        with self._lock:
            self._waiting.clear()
            self._since = now if fresh else Instant(now + _SETTLED)

    def took(self, count: int) -> None:
        """So many messages came."""
        now, moment = self._monotonic(), self._clock.now()
        with self._lock:
            self._waiting.extend([now] * count)
            passed = now - self._anchor[0]
            fast = moment - self._anchor[1] > 2 * passed * SECOND + _FAST
            if fast:
                self._fast_until = now + _FAST_S
            if fast or passed > 1:
                self._anchor = (now, moment)

    def acknowledged(self, count: int) -> None:
        """The oldest so many were acknowledged."""
        with self._lock:
            oldest = self._waiting[0] if self._waiting else None
            for _ in range(min(count, len(self._waiting))):
                self._waiting.popleft()
            if oldest is not None and self._monotonic() - oldest > _WAITED_S:
                self._since = Instant(self._clock.now() + _SETTLED)

    @property
    def since(self) -> Instant | None:
        """Messages that came later than this were not held; None where that is not known."""
        if self._old_messages or self._monotonic() < self._fast_until:
            return None
        return self._since
