"""Faults that lose or endanger data without any error: logged, counted, shown in health.

A kind is logged when it begins, at most once a day while it goes on, and shown for a day after it
was last seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger()

SHOWN_S = 86_400.0
"""How long a notice stays in health after it was last seen."""

_KEPT = 1000


K = TypeVar("K", bound=StrEnum)


class Notices(Generic[K]):
    """The notices of one part. `on_notice` counts: it gets kind, subject and how many.

    A subject (an edge, say) has notices of its own. `remedies` has a sentence for each kind.
    """

    def __init__(
        self,
        remedies: Mapping[K, str],
        on_notice: Callable[[K, str, int], None] = lambda _kind, _subject, _count: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._remedies = remedies
        self._on_notice = on_notice
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, K], tuple[float, str]] = {}

    def texts(self) -> tuple[str, ...]:
        """What was seen within a day, with its remedy."""
        now = self._monotonic()
        with self._lock:
            current = [(key, text) for key, (at, text) in self._seen.items() if now - at < SHOWN_S]
        return tuple(f"{text}: {self._remedies[kind]}" for (_, kind), text in sorted(current))

    def note(self, kind: K, text: str, *, subject: str = "", count: int = 1) -> None:
        """Log it when it is new, count it, and show it."""
        now = self._monotonic()
        with self._lock:
            known = self._seen.pop((subject, kind), None)
            if len(self._seen) >= _KEPT:
                del self._seen[next(iter(self._seen))]
            self._seen[subject, kind] = (now, text)
        if known is None or now - known[0] >= SHOWN_S:
            about = {"subject": subject} if subject else {}
            log.warning(kind.value, what=text, remedy=self._remedies[kind], **about)
        self._on_notice(kind, subject, count)

    def end(self, kind: K, *, subject: str = "") -> None:
        """It is in order again: no longer shown."""
        with self._lock:
            self._seen.pop((subject, kind), None)
