"""A lock that threads get in the order in which they asked for it.

With `threading.Lock` who releases it and asks again at once mostly gets it again, and one who
works in many short transactions keeps all others waiting as if it were a single long one.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from types import TracebackType


class Turn:
    """Not for one thread twice."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def held(self, *, ahead: bool = False) -> _Held:
        """Have it during a `with` block. `ahead` of all who wait, for one thread that somebody
        waits for: between two of its turns one of the others has theirs."""
        return _Held(self, ahead)

    def wait(self, *, ahead: bool) -> None:
        """Until it is one's turn; `hand_on` ends it."""
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

    def hand_on(self) -> None:
        with self._guard:
            self._hand_on()

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


@dataclass(frozen=True)
class _Held:
    """No generator: a thread that is ended from outside between two of its lines keeps the turn."""

    turn: Turn
    ahead: bool

    def __enter__(self) -> None:
        self.turn.wait(ahead=self.ahead)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.turn.hand_on()
