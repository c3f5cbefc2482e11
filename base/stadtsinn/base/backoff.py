"""How long to wait before something that failed is tried again: one formula for all of it.

The waits are stamina's: ``min(longest, first * factor ** (failures - 1) + random(0, jitter))``.
Code that may block uses `Backoff.attempts` or `wait_until`. A thread that must react to a stop or
to new data while it waits uses its own event, for the seconds that `Retries.failed` returns.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import stamina


@dataclass(frozen=True)
class Backoff:
    """Growing waits, in seconds."""

    first: float
    longest: float
    factor: float = 2.0
    jitter: float = 0.0

    def seconds(self, failures: int) -> float:
        """The wait after so many failures in a row, 1 or more."""
        jitter = random.uniform(0, self.jitter) if self.jitter else 0.0  # noqa: S311
        try:
            return min(self.longest, self.first * self.factor ** (failures - 1) + jitter)
        except OverflowError:
            return self.longest

    def attempts(
        self, on: type[Exception] | tuple[type[Exception], ...], *, timeout: float
    ) -> Iterable[stamina.Attempt]:
        """Attempts until one ends without `on`; after `timeout` seconds its exception is raised.

        Use it as ``for attempt in backoff.attempts(…): with attempt: …``. It sleeps in between.
        """
        # Imported on use: the edge agent and the followers only use `Retries`, without stamina.
        import stamina
        from stamina.instrumentation import set_on_retry_hooks

        set_on_retry_hooks([])  # Callers log the failure once; stamina would log each attempt.
        return stamina.retry_context(
            on=on,
            attempts=None,
            timeout=timeout,
            wait_initial=self.first,
            wait_max=self.longest,
            wait_exp_base=self.factor,
            wait_jitter=self.jitter,
        )


class Retries:
    """Failures in a row of one thing that is tried again and again."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._failures = 0

    def failed(self) -> float:
        """Count a failure; how many seconds to wait now."""
        self._failures += 1
        return self._backoff.seconds(self._failures)

    def worked(self) -> None:
        """The next failure is the first again."""
        self._failures = 0


class _NotYet(Exception):
    """The condition of `wait_until` does not hold yet."""


_LOOKS = Backoff(first=0.005, longest=0.05)


def wait_until(condition: Callable[[], bool], *, timeout: float, backoff: Backoff = _LOOKS) -> bool:
    """Sleep until the condition holds; False when it did not within `timeout` seconds."""
    try:
        for attempt in backoff.attempts(_NotYet, timeout=timeout):
            with attempt:
                _require(condition)
    except _NotYet:
        return False
    return True


def _require(condition: Callable[[], bool]) -> None:
    if not condition():
        raise _NotYet
