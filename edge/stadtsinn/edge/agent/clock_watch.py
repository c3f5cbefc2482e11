"""What the agent knows of its own clock: how it was set while it ran, how far off it is.

A Raspberry Pi has no clock that runs without power: it starts in 1970 or days behind, and jumps
when it reaches a time server. The cloud puts the times of uplinks right with what
is noted here (decision 3).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from stadtsinn.base.clock import Clock, SystemClock
from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.edge.messages.delivery import ClockStep

log = structlog.get_logger()

NOTEWORTHY = 5 * MINUTE
"""A clock that differs from the cloud's by less is right."""
_STEP = 60 * SECOND
_STEPS_KEPT = 16
_LONGEST_WAY = 30 * SECOND
"""An acknowledgement that took longer tells nothing of the clock."""


def monotonic_micros(clock: Clock) -> Callable[[], int] | None:
    """What a clock's steps show against; None for a simulated clock, which only jumps."""
    if isinstance(clock, SystemClock):
        return lambda: time.monotonic_ns() // 1000
    return None


class ClockWatch:
    """Steps of the clock in this run, and its difference to the cloud's. Thread-safe."""

    def __init__(self, clock: Clock, monotonic: Callable[[], int] | None) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._offset = self._measure()
        self._steps: list[ClockStep] = []
        self._ahead: int | None = None

    @property
    def ahead(self) -> int | None:
        """µs that our clock is ahead of the cloud's; None until it was measured."""
        return self._ahead

    def steps(self, acknowledged: int) -> tuple[ClockStep, ...]:
        """Steps that concern items after this position."""
        with self._lock:
            return tuple(step for step in self._steps if step.position > acknowledged)

    def look(self, newest_position: int) -> None:
        """Note whether the clock was set since the last look."""
        offset = self._measure()
        with self._lock:
            step = offset - self._offset
            if abs(step) < _STEP:
                return
            self._offset = offset
            self._steps = [*self._steps, ClockStep(newest_position, step)][-_STEPS_KEPT:]
            if self._ahead is not None:
                self._ahead += step
        log.warning("clock_set", by_seconds=step / SECOND, newest_position=newest_position)

    def answered(self, sent_at: Instant, cloud_time: Instant) -> None:
        """The cloud answered at its `cloud_time` what we sent at our `sent_at`."""
        now = self._clock.now()
        if cloud_time and 0 <= now - sent_at <= _LONGEST_WAY:
            self._ahead = now - cloud_time

    def _measure(self) -> int:
        return 0 if self._monotonic is None else self._clock.now() - self._monotonic()
