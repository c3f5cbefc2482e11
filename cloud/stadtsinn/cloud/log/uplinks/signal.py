"""Wakes followers of the same process as soon as there is something to read."""

from __future__ import annotations

import threading


class LogSignal:
    """Counts commits; each commit wakes the waiting threads.

    Only a shortcut: a follower that nobody wakes finds the same by looking again. Of commits in
    another process a `LogWatch` tells.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._commits = 0

    @property
    def commits(self) -> int:
        return self._commits

    def notify(self) -> None:
        with self._condition:
            self._commits += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout: float) -> None:
        """Return when there were commits after `seen`, or after `timeout` seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._commits > seen, timeout)
