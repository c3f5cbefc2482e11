"""Notify systemd: ready, stopping, watchdog. Does nothing outside a unit."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable


def notify(state: str) -> bool:
    """Send e.g. ``READY=1`` to the service manager; False when there is none or sending failed."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.connect(address)
            manager.sendall(state.encode())
    except OSError:
        return False
    return True


def watchdog_seconds() -> float | None:
    """Seconds between watchdog pings: half of WatchdogSec; None where the unit sets none."""
    micros = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", "")
    if not micros.isdigit() or int(micros) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(micros) / 2_000_000


class Watchdog:
    """Pings the watchdog only while every named loop still runs.

    Each loop calls `beat(name)`; a loop silent for longer than `patience` seconds stops the
    pings, and systemd restarts the unit. `monotonic` gives seconds.
    """

    def __init__(self, monotonic: Callable[[], float], patience: float = 60.0) -> None:
        self._monotonic = monotonic
        self._patience = patience
        self._interval = watchdog_seconds()
        self._beats: dict[str, float] = {}
        self._last_ping = float("-inf")
        self._lock = threading.Lock()

    def beat(self, loop: str) -> None:
        now = self._monotonic()
        with self._lock:
            self._beats[loop] = now
            due = self._interval is not None and now - self._last_ping >= self._interval
            if due and not self._stuck(now):
                self._last_ping = now
                notify("WATCHDOG=1")

    def stuck(self) -> list[str]:
        """Names of the loops that have been silent for too long."""
        with self._lock:
            return self._stuck(self._monotonic())

    def _stuck(self, now: float) -> list[str]:
        return [name for name, beat in self._beats.items() if now - beat > self._patience]
