"""The SQLite file of the embedded series store: its tables and its connections."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stadtsinn.cloud.series.stores.store import SeriesUnavailable

_VERSION = 2

_TABLES = """
CREATE TABLE tenants (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    retention_days INTEGER
);
CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants,
    dev_eui TEXT NOT NULL,
    UNIQUE (tenant, dev_eui)
);
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES devices,
    quantity TEXT NOT NULL,
    channel TEXT NOT NULL,
    family TEXT NOT NULL,
    -- The newest good value, so that a map of all devices need not search through points.
    latest_time INTEGER,
    latest_value REAL,
    UNIQUE (device, quantity, channel)
);
-- Clustered by device and time: the values of one uplink lie on one page, so storing an uplink
-- rewrites one page and not one for each quantity.
CREATE TABLE points (
    device INTEGER NOT NULL,
    time INTEGER NOT NULL,
    series INTEGER NOT NULL,
    value REAL NOT NULL,
    quality INTEGER NOT NULL,
    PRIMARY KEY (device, time, series)
) WITHOUT ROWID;
-- Counted up whenever rows of series are deleted: a writer in another process that knows ids
-- by heart sees that it has to look again.
CREATE TABLE deletions (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL);
INSERT INTO deletions VALUES (1, 0);
"""
_TABLES_OF_2 = """
-- Parts of devices' series that are being replaced; their new points gather in `staged`.
CREATE TABLE replacements (
    device INTEGER PRIMARY KEY REFERENCES devices,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL
);
CREATE TABLE staged (
    device INTEGER NOT NULL,
    time INTEGER NOT NULL,
    series INTEGER NOT NULL,
    value REAL NOT NULL,
    quality INTEGER NOT NULL,
    PRIMARY KEY (device, time, series)
) WITHOUT ROWID;
"""
_LAYOUTS = {1: _TABLES, 2: _TABLES_OF_2}
"""What each layout adds to the one before."""


class SeriesFile:
    """Connections to the file: one that writes, and one for each thread that reads.

    Raises SeriesUnavailable wherever SQLite fails, with what to do about it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._reading = threading.local()
        self._all: list[sqlite3.Connection] = []
        with self._failing_as_unavailable():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
            self._create()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of the block or nothing of it. One at a time."""
        with self._lock, self._failing_as_unavailable():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection; every single statement sees one consistent state."""
        with self._failing_as_unavailable():
            connection = getattr(self._reading, "connection", None)
            if connection is None:
                connection = self._reading.connection = self._connect()
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that this thread reads in the block is of one state of the file."""
        with self.read() as connection:
            connection.execute("BEGIN")
            try:
                yield
            finally:
                connection.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
            self._reading = threading.local()

    def _connect(self) -> sqlite3.Connection:
        # close() may run on another thread than the one that reads.
        connection = sqlite3.connect(
            self.path, timeout=60, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        # The follower's cursor moves, durably, after this commit. With NORMAL a power cut could
        # take the points and leave the cursor, and nobody would notice the gap; one fsync for
        # each batch is what certainty costs.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-32768")
        # A batch touches a page of each device; copying them back less often is faster by half.
        connection.execute("PRAGMA wal_autocheckpoint=8000")
        connection.execute("PRAGMA journal_size_limit=67108864")
        with self._lock:
            self._all.append(connection)
        return connection

    def _create(self) -> None:
        # Looked at without the write lock first: opening must not wait for who writes just now.
        if self._version(self._writer) < _VERSION:
            with self.write() as connection:
                for layout in range(self._version(connection) + 1, _VERSION + 1):
                    for statement in _statements(_LAYOUTS[layout]):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version={layout}")
        if (version := self._version(self._writer)) != _VERSION:
            raise SeriesUnavailable(
                f"{self.path} has layout {version}, this program knows {_VERSION}: move the "
                "file away and run 'stadtsinn cloud rebuild series'"
            )

    def _version(self, connection: sqlite3.Connection) -> int:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)

    @contextmanager
    def _failing_as_unavailable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise SeriesUnavailable(
                f"series file {self.path}: {error}. Check disk space and permissions; a damaged "
                "file is moved away and filled again by 'stadtsinn cloud rebuild series'"
            ) from error


def _statements(script: str) -> list[str]:
    """Single statements: executescript would commit the transaction around them."""
    found: list[str] = []
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found
