"""What goes wrong at a call: the server is away, does not answer in time, or its answer is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """Of one call."""

    UNAVAILABLE = "refused before anything is done"
    DEADLINE = "never done, never answered"
    ANSWER_LOST = "done, then the connection breaks"
    ANSWER_LATE = "done, never answered"


@dataclass
class Faults:
    """Counts calls by ``Service/Method`` and overall, and breaks those that `at` and `chosen`
    name. `before` is called with the number of each call, from 1 on, on the server's thread."""

    at: dict[int, Fault] = field(default_factory=dict)
    """By the number of the call."""
    chosen: Callable[[str, int], Fault | None] = lambda _method, _number: None
    """By method and the number of its call of this method, from 1 on."""
    before: Callable[[int, str], None] = lambda _number, _method: None
    calls: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _of_method: dict[str, int] = field(default_factory=dict)

    def of_call(self, method: str) -> Fault | None:
        """Count a call; what goes wrong with it."""
        with self._lock:
            self.calls.append(method)
            number = len(self.calls)
            of_method = self._of_method[method] = self._of_method.get(method, 0) + 1
        self.before(number, method)
        return self.at.get(number) or self.chosen(method, of_method)

    def forget(self) -> None:
        """Count from the beginning, and break nothing."""
        with self._lock:
            self.calls.clear()
            self._of_method.clear()
            self.at = {}
            self.chosen = lambda _method, _number: None
            self.before = lambda _number, _method: None
