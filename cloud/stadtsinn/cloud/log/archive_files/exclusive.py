"""The lock of commands that rewrite what was logged (archive, redecode): one at a time.

The operating system or the server releases it when the process ends, also after a crash.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from stadtsinn.base.private_files import private_file
from stadtsinn.cloud.platform.database.engine import Database

_KEY = 0x57AD8
"""PostgreSQL's advisory lock; another number than that of the migrations."""


class HistoryBusy(RuntimeError):
    """Another process rewrites history; nothing was done."""

    def __init__(self) -> None:
        super().__init__(
            "another 'stadtsinn archive' or 'stadtsinn redecode' is at work on this database: "
            "wait until it has ended, then start again"
        )


@contextmanager
def rewriting_history(database: Database) -> Iterator[None]:
    """Hold the lock for the length of the block; raises HistoryBusy immediately if it is taken."""
    holding = _sqlite(database) if database.is_sqlite else _postgres(database)
    with holding:
        yield


@contextmanager
def _sqlite(database: Database) -> Iterator[None]:
    path = Path(f"{database.engine.url.database}.history-lock")
    private_file(path)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HistoryBusy from None
        yield


@contextmanager
def _postgres(database: Database) -> Iterator[None]:
    # Autocommit: a transaction open for hours would keep the server from vacuuming.
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        taken = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY})
        if not taken.scalar_one():
            raise HistoryBusy
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _KEY})
