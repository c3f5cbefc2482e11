"""TCP ports of the loopback for servers that are configured before they start.

A port that was merely found free may be taken again before its server listens: by a client's
outgoing connection, or by another process that looks for one at the same moment. So ports come
from below the range that the kernel gives to outgoing connections, and each is promised to its
process for a while by holding the UDP port of the same number, which nobody here uses.
"""

from __future__ import annotations

import random
import socket
from collections import deque

# Linux hands out 32768 and above to outgoing connections.
_CANDIDATES = range(20_000, 32_000)
_PROMISES_KEPT = 128

_promises: deque[socket.socket] = deque()


def free_port() -> int:
    """A port that nobody listens on and no other process was promised lately."""
    while len(_promises) >= _PROMISES_KEPT:
        _promises.popleft().close()
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        promise = _promise(port)
        if promise is not None:
            _promises.append(promise)
            return port
    raise OSError("Every TCP port from 20000 to 31999 is taken on 127.0.0.1.")


def _promise(port: int) -> socket.socket | None:
    """The held UDP port; None when it or the TCP port is taken."""
    promise = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        promise.bind(("127.0.0.1", port))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        promise.close()
        return None
    return promise
