"""How many requests of a key and of its town are being answered at this moment.

A process has some forty threads for all towns. Who asks for more at once than it may is told to
come back, so that nobody takes them all.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from stadtsinn.base.problems import TooMany
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.platform.access.scope import Scope

K = TypeVar("K", str, int)

_OF_KEY = Sentence("this key", "dieses Schlüssels")
_OF_TOWN = Sentence("your town", "dieser Stadt")


class OpenRequests:
    """Of one process. A request is open until its answer is sent, or its caller has left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_tenants: Counter[str] = Counter()
        self._of_keys: Counter[int] = Counter()

    @contextmanager
    def one(self, scope: Scope) -> Iterator[None]:
        """A request of this caller; raises TooMany."""
        limits, tenant_id, key_id = scope.limits, scope.tenant_id, scope.key_id
        with self._lock:
            if self._of_keys[key_id] >= limits.key_open_requests:
                raise _too_many(_OF_KEY, limits.key_open_requests, "key_open_requests")
            if self._of_tenants[tenant_id] >= limits.open_requests:
                raise _too_many(_OF_TOWN, limits.open_requests, "open_requests")
            self._of_tenants[tenant_id] += 1
            self._of_keys[key_id] += 1
        try:
            yield
        finally:
            with self._lock:
                _one_less(self._of_tenants, tenant_id)
                _one_less(self._of_keys, key_id)

    def count(self) -> int:
        """All that are open."""
        with self._lock:
            return self._of_tenants.total()


def _one_less(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _too_many(whose: Sentence, most: int, name: str) -> TooMany:
    return TooMany(
        f"{most} requests of {whose.english} are being answered, the most at a time ('{name}'): "
        "wait for one of them, or ask for more in one request.",
        f"{most} Anfragen {whose.german} sind in Arbeit, mehr gehen nicht zugleich ('{name}'): "
        "eine davon abwarten oder mit einer Anfrage mehr abfragen.",
    )
