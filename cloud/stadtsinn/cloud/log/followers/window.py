"""The newest part of the log in memory, read and decoded once for all followers of a process."""

from __future__ import annotations

import threading
from bisect import bisect_right

from sqlalchemy import Connection

from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.reader import read_after
from stadtsinn.cloud.log.uplinks.repository import revision
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink

_KEPT = 32_000
"""Uplinks, some 1 kB each. One follower may be so far behind the others (the series store is
slower than counting) without reading the log a second time."""


class LogWindow:
    """Answers like `read_after`; what another follower has just read comes from memory.

    Followers run side by side, so nearly always all but the first find their uplinks here. The
    log only grows at its end, so what was read once stays right until its revision counts up.
    """

    def __init__(self, archive: Archive | None = None, kept: int = _KEPT) -> None:
        self._archive = archive
        self._kept = kept
        self._revision = 0
        self._lock = threading.Lock()
        self._after = 0
        """The window holds every uplink of the log behind this position, up to its last one."""
        self._uplinks: list[LoggedUplink] = []
        self._positions: list[int] = []

    def read(self, connection: Connection, position: int, limit: int) -> list[LoggedUplink]:
        """The next uplinks after a position, at most `limit`, in the order of the log.

        Raises ArchiveUnreadable.
        """
        with self._lock:
            self._look_for_changes(connection)
            if found := self._held(position, limit):
                return found
            newer = read_after(connection, self._archive, position, limit)
            self._keep(position, newer)
            return newer

    def _look_for_changes(self, connection: Connection) -> None:
        if (now := revision(connection)) != self._revision:
            self._revision = now
            self._after, self._uplinks, self._positions = 0, [], []

    def _held(self, position: int, limit: int) -> list[LoggedUplink]:
        if position < self._after:
            return []
        start = bisect_right(self._positions, position)
        return self._uplinks[start : start + limit]

    def _keep(self, position: int, newer: list[LoggedUplink]) -> None:
        if not newer:
            return
        if position < self._after:
            return  # a follower that is far behind takes nothing from those in front
        if not self._positions or position != self._positions[-1]:
            self._after, self._uplinks, self._positions = position, [], []
        self._uplinks += newer
        self._positions += [uplink.position for uplink in newer]
        if (surplus := len(self._uplinks) - self._kept) > 0:
            self._after = self._positions[surplus - 1]
            del self._uplinks[:surplus], self._positions[:surplus]
