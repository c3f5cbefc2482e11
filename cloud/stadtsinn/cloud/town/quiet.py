"""A quiet moment of the registry: who wants to change it waits for who reads it.

A large registry takes a second to read. Where it changes more often than that, a follower would
never come to know it as it is. So it asks for a moment in which nothing changes.
"""

from __future__ import annotations

import time

from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town import repository

LONGEST_S = 10
"""So long a change waits at most, whoever asks: a reader may have died since."""
_LOOKED_EVERY_S = 0.05


def ask_for_quiet(database: Database) -> None:
    """Let changes wait that begin from now on, until `end_quiet`."""
    with database.write() as connection:
        repository.set_quiet(connection, Instant(SystemClock().now() + LONGEST_S * SECOND))


def end_quiet(database: Database) -> None:
    with database.write() as connection:
        repository.set_quiet(connection, Instant(0))


def wait_while_quiet(database: Database) -> None:
    """Before a change of the registry, outside of any transaction."""
    began = time.monotonic()
    while _is_quiet(database) and time.monotonic() - began < LONGEST_S:
        time.sleep(_LOOKED_EVERY_S)


def _is_quiet(database: Database) -> bool:
    with database.read() as connection:
        until = repository.quiet_until(connection)
    return until > SystemClock().now()
