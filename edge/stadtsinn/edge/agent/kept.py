"""Items that the cloud does not take as long as their devices are not registered with our town.

The cloud has acknowledged them so that others go on, and named them: they stay here. Of each
device one item is sent again now and then, with growing pauses. Once one is taken, or the cloud
says that the device is our town's, all of it follow. A share of the spool is their bound; beyond
it the oldest are dropped, of which the cloud's quarantine has a copy for 90 days.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.instant import Instant

log = structlog.get_logger()

SHARE = 4
"""They take a quarter of the spool at most."""
UNREADABLE = "unreadable"
"""What stands for the device of items that cannot be read."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (
    position INTEGER PRIMARY KEY, device TEXT NOT NULL, received_at INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS kept_device ON kept (device, received_at, position);
"""
_PAUSES = Backoff(first=60, longest=86_400)
_TOGETHER = 100
"""So many are sent again in one commit."""
_DROPPED_TOGETHER = 500


class KeptRow(NamedTuple):
    """One kept item, packed as in the spool. `device` is empty for one that cannot be read."""

    position: int
    device: str
    received_at: Instant
    body: bytes


@dataclass
class _Device:
    """When the next item of a device is sent again. `sent_again`: the position of the one that is
    under way; `all_of_it`: nothing speaks against sending the others too."""

    retries: Retries = field(default_factory=lambda: Retries(_PAUSES))
    due: float = 0.0
    sent_again: int | None = None
    all_of_it: bool = False


class KeptItems:
    """The kept items in a spool's file. `lock` is the spool's, which each method with `_locked` in
    its name expects to be held."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        lock: threading.Lock,
        max_bytes: int,
        row_overhead: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._max_bytes = max_bytes
        self._overhead = row_overhead
        self._monotonic = monotonic
        connection.executescript(SCHEMA)
        self.count = 0
        self.bytes = 0
        self.dropped = 0
        """Items that were beyond the bound, since the start."""
        self._devices: dict[str, _Device] = {}
        self._seen = self._version()
        for device in self._counted():
            self._wait(device)

    def devices(self) -> list[str]:
        """The devices, or what stands for unreadable items."""
        with self._lock:
            return sorted(device or UNREADABLE for device in self._devices)

    def registered(self, devices: Collection[str]) -> None:
        """The cloud says that these are our town's: what is kept of them goes out again."""
        with self._lock:
            for device in self._devices.keys() & set(devices):
                state = self._devices[device]
                state.retries.worked()
                state.all_of_it = True

    def due(self) -> list[KeptRow]:
        """What is to be sent again now, oldest first of each device."""
        now = self._monotonic()
        found: list[KeptRow] = []
        with self._lock:
            self._forget_what_was_dropped()
            for device, state in self._devices.items():
                room = _TOGETHER - len(found)
                if room <= 0:
                    break
                if state.all_of_it:
                    found += self._oldest(device, room)
                elif state.sent_again is None and state.due <= now:
                    found += self._oldest(device, 1)
        return found

    # --- for the spool -----------------------------------------------------------------

    def add_locked(self, rows: Iterable[KeptRow]) -> None:
        """Keep these, in the caller's transaction, and drop the oldest beyond the bound."""
        for row in rows:
            added = self._connection.execute("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?)", row)
            if added.rowcount:
                self.count += 1
                self.bytes += len(row.body) + self._overhead
            state = self._devices.get(row.device)
            if state is None or state.all_of_it or state.sent_again == row.position:
                self._wait(row.device)
        self._drop_beyond_bound()

    def remove_locked(self, rows: Sequence[KeptRow], positions: Sequence[int]) -> None:
        """These were appended to the spool again at `positions`; in the caller's transaction."""
        for row, position in zip(rows, positions, strict=True):
            self._connection.execute("DELETE FROM kept WHERE position = ?", (row.position,))
            self.count -= 1
            self.bytes -= len(row.body) + self._overhead
            state = self._devices.get(row.device)
            if state is None:
                continue
            if not state.all_of_it:
                state.sent_again = position
            elif not self._oldest(row.device, 1):
                del self._devices[row.device]

    def acknowledged_locked(self, position: int) -> None:
        """Up to here all is acknowledged that was not added again: those were taken."""
        taken = [
            device
            for device, state in self._devices.items()
            if state.sent_again is not None and state.sent_again <= position
        ]
        for device in taken:
            if self._oldest(device, 1):
                self._devices[device].all_of_it = True
                self._devices[device].sent_again = None
            else:
                del self._devices[device]

    def _forget_what_was_dropped(self) -> None:
        """By `stadtsinn edge kept drop`, which writes to the file beside us."""
        if (version := self._version()) == self._seen:
            return
        self._seen = version
        gone = self._devices.keys() - self._counted()
        for device in gone:
            if self._devices[device].sent_again is None:
                del self._devices[device]

    def _version(self) -> int:
        """Another one after each commit of another connection."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _counted(self) -> set[str]:
        """Count what is in the file; its devices."""
        count, size = self._connection.execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM kept"
        ).fetchone()
        self.count = int(count)
        self.bytes = int(size) + self.count * self._overhead
        return {
            device for (device,) in self._connection.execute("SELECT DISTINCT device FROM kept")
        }

    def _wait(self, device: str) -> None:
        state = self._devices.setdefault(device, _Device())
        state.due = self._monotonic() + state.retries.failed()
        state.sent_again = None
        state.all_of_it = False

    def _oldest(self, device: str, count: int) -> list[KeptRow]:
        rows = self._connection.execute(
            "SELECT * FROM kept WHERE device = ? ORDER BY received_at, position LIMIT ?",
            (device, count),
        ).fetchall()
        return [KeptRow._make(row) for row in rows]

    def _drop_beyond_bound(self) -> None:
        dropped = 0
        while self.bytes > self._max_bytes:
            oldest = self._connection.execute(
                "SELECT position, LENGTH(body) FROM kept ORDER BY received_at, position LIMIT ?",
                (_DROPPED_TOGETHER,),
            ).fetchall()
            for position, size in oldest:
                if self.bytes <= self._max_bytes:
                    break
                self._connection.execute("DELETE FROM kept WHERE position = ?", (position,))
                self.count -= 1
                self.bytes -= size + self._overhead
                dropped += 1
        if dropped:
            self.dropped += dropped
            log.error(
                "kept_items_dropped",
                items=dropped,
                remedy="the cloud's quarantine has them for 90 days: register their devices with "
                "the town, or take them out of the network server here",
            )
