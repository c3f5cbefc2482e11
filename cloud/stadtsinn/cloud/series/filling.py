"""Filling the series store from the log: after an update that stores series in another way, and
how far a rebuild has come."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.cursors.repository import read_cursor
from stadtsinn.cloud.log.followers.follower import Follower
from stadtsinn.cloud.log.followers.forgetting import rebuild
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series import repository

log = structlog.get_logger()

LAYOUT = 2
"""How values are stored in every store. 1: series belong to devices. 2: to stations."""

_FOLLOWER = "series"
_LOGGED_EVERY = 5
"""Percent between two lines of the log."""


def fill_if_outdated(
    database: Database, follower: Follower, clock: Clock, archive: Archive | None
) -> None:
    """Begin a rebuild where the store was filled by a version that stored series otherwise, or for
    another log than this one.

    Raises SeriesUnavailable while the store is away, ArchiveUnreadable while archived days cannot
    be read, RuntimeError while history is being decoded again; nothing has changed then.
    """
    with database.read() as connection:
        if repository.layout(connection) == LAYOUT:
            return
        filled = read_cursor(connection, _FOLLOWER) != 0
    if filled:
        log.warning(
            "series_rebuild_begun",
            reason="this version stores series otherwise, or the database is from a backup",
            remedy="nothing to do: they are filled from the log, newest values come last",
        )
        rebuild(database, follower, clock, archive)
        return
    with database.write() as connection:
        note_beginning(connection)


def note_beginning(connection: Connection) -> None:
    """The store is empty, and filled from the log from now on."""
    repository.note_beginning(connection, LAYOUT)


class FillingProgress:
    """How far a rebuild has come, for the log (every few percent) and the health page."""

    def __init__(self) -> None:
        self._percent: int | None = None
        self._logged = 0

    def note(self, connection: Connection, position: int) -> None:
        """The follower has written everything up to this position."""
        until = repository.filled_until(connection)
        before = self._percent
        self._percent = None if position >= until else 100 * position // until
        if self._percent is None:
            if before is not None:
                log.info("series_rebuilt", position=position)
            self._logged = 0
        elif before is None or self._percent >= self._logged + _LOGGED_EVERY:
            self._logged = self._percent
            log.info("series_being_rebuilt", percent=self._percent, position=position, of=until)

    def check(self) -> Check:
        """Never unhealthy: a rebuild takes its time."""
        if self._percent is None:
            return Check(ok=True, detail="complete")
        return Check(ok=True, detail=f"series are being rebuilt: {self._percent} %")
