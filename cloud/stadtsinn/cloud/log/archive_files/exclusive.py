"""Locks of what runs for long. That of commands that rewrite what was logged (archive, redecode):
one at a time.

The operating system or the server releases it when the process ends, also after a crash.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import text

from stadtsinn.base.private_files import private_file
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.platform.database.engine import Database

_KEY = 0x57AD8
"""PostgreSQL's advisory lock; another number than that of the migrations."""


StillHeld = Callable[[], None]
"""Raises an error of the database where a lock was lost."""


class HistoryBusy(Explained):
    """Another process rewrites history; nothing was done."""

    def __init__(self) -> None:
        super().__init__(
            "another 'stadtsinn archive' or 'stadtsinn redecode' is at work on this database: "
            "wait until it has ended, then start again",
            "ein anderes 'stadtsinn archive' oder 'stadtsinn redecode' arbeitet an dieser "
            "Datenbank: warten, bis es fertig ist, dann noch einmal starten",
        )


@contextmanager
def rewriting_history(database: Database) -> Iterator[None]:
    """Hold the lock for the length of the block; raises HistoryBusy immediately if it is taken."""
    with alone(database, "history", _KEY) as held:
        if held is None:
            raise HistoryBusy
        yield


def alone(database: Database, name: str, key: int) -> AbstractContextManager[StillHeld | None]:
    """Hold the lock of this name (`key` in PostgreSQL) until the end of the block; None where it
    is taken."""
    return _sqlite(database, name) if database.is_sqlite else _postgres(database, key)


@contextmanager
def _sqlite(database: Database, name: str) -> Iterator[StillHeld | None]:
    path = Path(f"{database.engine.url.database}.{name}-lock")
    private_file(path)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lambda: None  # the file is open as long as the block


@contextmanager
def _postgres(database: Database, key: int) -> Iterator[StillHeld | None]:
    # Autocommit: a transaction open for hours would keep the server from vacuuming.
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        asked = text("SELECT pg_try_advisory_lock(:key)")
        if not connection.execute(asked, {"key": key}).scalar_one():
            yield None
            return
        try:
            yield lambda: connection.execute(text("SELECT 1")).close()
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
