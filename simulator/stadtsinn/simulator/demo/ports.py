"""TCP ports of the loopback for servers that are configured before they start.

A port that was merely found free may be taken again before its server listens: by a client's
outgoing connection, or by another process that looks for one at the same moment. So ports come
from below the range that the kernel gives to outgoing connections, and each is reserved for its
process for a while by holding the UDP port of the same number, which the demo does not use.
"""

from __future__ import annotations

import random
import socket
from collections import deque

from stadtsinn.base.sentence import Explained

# Linux hands out 32768 and above to outgoing connections.
_CANDIDATES = range(20_000, 32_000)
_RESERVATIONS_KEPT = 128

_reservations: deque[socket.socket] = deque()


def free_port() -> int:
    """A port that nobody listens on and no other process reserved lately."""
    while len(_reservations) >= _RESERVATIONS_KEPT:
        _reservations.popleft().close()
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        reservation = _reserve(port)
        if reservation is not None:
            _reservations.append(reservation)
            return port
    raise Explained(
        "Every TCP port from 20000 to 31999 is taken on 127.0.0.1.",
        "alle TCP-Ports von 20000 bis 31999 sind auf 127.0.0.1 belegt.",
    )


def _reserve(port: int) -> socket.socket | None:
    """The held UDP port; None when it or the TCP port is taken."""
    reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        reservation.bind(("127.0.0.1", port))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        reservation.close()
        return None
    return reservation
