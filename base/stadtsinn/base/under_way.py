"""How long a thread has been in the step that it is in: what hangs raises nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONG_S = 30.0
"""A step that has been under way for so long is said in health."""


class UnderWay:
    """Of one thread, whose steps are `doing`; any thread may ask."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._step: tuple[str, float] | None = None

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        self._step = what, self._monotonic()
        try:
            yield
        finally:
            self._step = None

    def seconds(self) -> float:
        """Since the step began; 0 where there is none."""
        step = self._step
        return 0.0 if step is None else self._monotonic() - step[1]

    def too_long(self) -> str | None:
        """What has been under way for `LONG_S` or longer, and for how long."""
        step = self._step
        if step is None or (seconds := self._monotonic() - step[1]) < LONG_S:
            return None
        return f"{step[0]} under way for {seconds:.0f} s"
