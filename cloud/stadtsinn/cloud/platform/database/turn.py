"""A lock that threads get in the order in which they asked for it.

With `threading.Lock` who releases it and asks again at once mostly gets it again, and one who
works in many short transactions keeps all others waiting as if it were a single long one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turn:
    """Not for one thread twice."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def held(self, *, ahead: bool = False) -> Iterator[None]:
        """Have it during the block. `ahead` of all who wait, for one thread that somebody waits
        for: between two of its turns one of the others has theirs."""
        self._wait(ahead=ahead)
        try:
            yield
        finally:
            with self._guard:
                self._hand_on()

    def _wait(self, *, ahead: bool) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            if ahead:
                self._waiting.appendleft(mine)
            else:
                self._waiting.append(mine)
        try:
            mine.acquire()  # until who has it now hands it on
        except BaseException:  # Ctrl-C while waiting
            self._give_up(mine)
            raise

    def _hand_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._taken = False

    def _give_up(self, mine: threading.Lock) -> None:
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
            else:  # it was handed on just now
                self._hand_on()
