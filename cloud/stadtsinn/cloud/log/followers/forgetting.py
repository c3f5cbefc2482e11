"""A follower forgets what it made of the log, and begins anew: in many short transactions.

Meanwhile its cursor is at `FORGETTING`: nobody applies anything or lets time pass. Who finds it
there and nobody at work goes on, so a rebuild may be killed anywhere.
"""

from __future__ import annotations

import zlib
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.exclusive import StillHeld, alone
from stadtsinn.cloud.log.cursors.repository import (
    FORGETTING,
    begin_forgetting,
    read_cursor,
    reset_cursor,
)
from stadtsinn.cloud.log.followers.follower import Follower, PreparesReset, TryAgain
from stadtsinn.cloud.log.reader import require_readable
from stadtsinn.cloud.log.set_aside import repository as set_aside
from stadtsinn.cloud.platform.database.engine import Database, serialize


def rebuild(
    database: Database, follower: Follower, clock: Clock, archive: Archive | None = None
) -> None:
    """Forget what a follower made of the log and set it back to the start.

    Also right while the follower runs, here or in another process: its next batch finds the
    cursor moved, is rolled back, and it begins anew. A batch that it has just prepared
    elsewhere (the series store) is written a second time on the way, which changes nothing.

    Raises ArchiveUnreadable where days are archived and one of them cannot be read: nothing is
    removed that the log could not give back. RuntimeError while another process does the same.
    """
    with database.read() as connection:
        require_readable(connection, archive)
    with _alone(database, follower) as held:
        if held is None:
            raise Explained(
                f"'{follower.name}' is being rebuilt by another process: wait until it has ended",
                f"'{follower.name}' wird gerade von einem anderen Prozess neu aufgebaut: warten, "
                "bis er fertig ist",
            )
        with database.write() as connection:
            serialize(connection, f"follower:{follower.name}")
            if isinstance(follower, PreparesReset):
                follower.require_resettable(connection)
            begin_forgetting(connection, follower.name, clock.now())
        _forget(database, follower, clock)


def go_on(database: Database, follower: Follower, clock: Clock) -> bool:
    """Finish what was begun; False while another process is at it."""
    with _alone(database, follower) as held:
        if held is not None:
            _forget(database, follower, clock)
        return held is not None


def _alone(database: Database, follower: Follower) -> AbstractContextManager[StillHeld | None]:
    name = f"forgetting-{follower.name}"
    return alone(database, name, zlib.crc32(name.encode()))


def _forget(database: Database, follower: Follower, clock: Clock) -> None:
    with database.read() as connection:
        if read_cursor(connection, follower.name) != FORGETTING:
            return  # it was finished a moment ago
    if isinstance(follower, PreparesReset):
        follower.before_reset()

    def forget_some(connection: Connection) -> bool:
        serialize(connection, f"follower:{follower.name}")
        if follower.reset(connection):
            return True
        set_aside.forget(connection, follower.name)
        reset_cursor(connection, follower.name, clock.now())
        return False

    crash_point("follower.forgetting")
    while True:
        try:
            database.in_slices(forget_some)
        except TryAgain:  # the registry was changed meanwhile
            if isinstance(follower, PreparesReset):
                follower.before_reset()
        else:
            return
