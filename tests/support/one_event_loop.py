"""All test clients of a process share one event loop, as all requests to a server do.

Starlette's own starts a thread, a loop and a pool of threads for each request; that is half of what
a short request costs.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.testclient import TestClient

_running = ExitStack()


@functools.cache
def _portal() -> BlockingPortal:
    return _running.enter_context(start_blocking_portal())


def close_event_loop() -> None:
    """At the end of the test run."""
    _portal.cache_clear()
    _running.close()


@contextmanager
def _shared(client: TestClient) -> Iterator[BlockingPortal]:
    yield client.portal or _portal()


TestClient._portal_factory = _shared  # type: ignore[method-assign, assignment]
