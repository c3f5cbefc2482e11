"""The SQLite file of the embedded series store: its tables and its connections."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from stadtsinn.base.damaged_files import is_damage
from stadtsinn.base.private_files import private_database
from stadtsinn.cloud.series.stores.store import SeriesUnavailable

log = structlog.get_logger()

_LAYOUT = 3
"""Since 3 series belong to stations; before, they belonged to devices."""

_TABLES = """
CREATE TABLE IF NOT EXISTS tenants (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    retention_days INTEGER
);
CREATE TABLE stations (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants,
    slug TEXT NOT NULL,
    UNIQUE (tenant, slug)
);
CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    dev_eui TEXT NOT NULL UNIQUE
);
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    station INTEGER NOT NULL REFERENCES stations,
    quantity TEXT NOT NULL,
    channel TEXT NOT NULL,
    family TEXT NOT NULL,
    -- The newest good value, so that a map of all stations need not search through points.
    latest_time INTEGER,
    latest_value REAL,
    latest_device INTEGER REFERENCES devices,
    UNIQUE (station, quantity, channel)
);
-- Clustered by station and time: the values of one uplink lie on one page, so storing an uplink
-- rewrites one page and not one for each quantity.
CREATE TABLE points (
    station INTEGER NOT NULL,
    time INTEGER NOT NULL,
    series INTEGER NOT NULL,
    value REAL NOT NULL,
    quality INTEGER NOT NULL,
    device INTEGER NOT NULL,
    PRIMARY KEY (station, time, series)
) WITHOUT ROWID;
-- Parts of stations' series that are being replaced; their new points gather in `staged`.
CREATE TABLE replacements (
    station INTEGER PRIMARY KEY REFERENCES stations,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL
);
CREATE TABLE staged (
    station INTEGER NOT NULL,
    time INTEGER NOT NULL,
    series INTEGER NOT NULL,
    value REAL NOT NULL,
    quality INTEGER NOT NULL,
    device INTEGER NOT NULL,
    PRIMARY KEY (station, time, series)
) WITHOUT ROWID;
-- Counted up whenever rows of series are deleted: a writer in another process that keeps ids in
-- memory sees that it has to read them again.
CREATE TABLE IF NOT EXISTS deletions (
    id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL
);
INSERT OR IGNORE INTO deletions VALUES (1, 0);
UPDATE deletions SET number = number + 1;
"""
_TABLES_OF_DEVICES = ("staged", "replacements", "points", "series", "devices")
"""Tables of the layouts 1 and 2 that go; tenants and their retention stay."""


_READERS = 8
"""How many may read at once; others wait for their turn. A web server has many more threads."""


class SeriesFile:
    """Connections to the file: one that writes, and a few that the threads which read share.

    Raises SeriesUnavailable wherever SQLite fails, with what to do about it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._turns = threading.BoundedSemaphore(_READERS)
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._reading = threading.local()
        self._closed = False
        with self._failing_as_unavailable():
            private_database(path)
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
        """A connection that is this thread's for the block, also in blocks within it; every single
        statement sees one consistent state."""
        held = getattr(self._reading, "connection", None)
        if held is not None:
            yield held
            return
        with self._failing_as_unavailable(), self._turns, self._lent() as connection:
            self._reading.connection = connection
            try:
                yield connection
            finally:
                self._reading.connection = None

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        """An idle connection or a new one. One that failed, or comes back late, is closed."""
        with self._idle_lock:
            idle = self._idle.pop() if self._idle else None
        connection = idle or self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._idle_lock:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that this thread reads in the block is of one state of the file."""
        with self.read() as connection:
            connection.execute("BEGIN")
            yield
            connection.execute("COMMIT")

    def tidy(self) -> None:
        """Write back what stands beside the file: it may hold what was deleted."""
        with self._lock, self._failing_as_unavailable():
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Who is still reading closes its connection at the end."""
        with self._lock:
            self._writer.close()
        with self._idle_lock:
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def _connect(self) -> sqlite3.Connection:
        # One thread after another uses it.
        connection = sqlite3.connect(
            self.path, timeout=60, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        # The follower's cursor moves, durably, after this commit. With NORMAL a power cut could
        # take the points and leave the cursor, and nobody would notice the gap; so each batch
        # costs one fsync.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-32768")
        # A batch touches a page of each device; copying them back less often is faster by half.
        connection.execute("PRAGMA wal_autocheckpoint=8000")
        connection.execute("PRAGMA journal_size_limit=67108864")
        return connection

    def _create(self) -> None:
        # Looked at without the write lock first: opening must not wait for who writes just now.
        if self._version(self._writer) < _LAYOUT:
            with self.write() as connection:
                self._lay_out(connection)
        if (version := self._version(self._writer)) != _LAYOUT:
            raise SeriesUnavailable(
                f"{self.path} has layout {version}, this program knows {_LAYOUT}: move the "
                "file away and run 'stadtsinn cloud rebuild series'",
                f"{self.path} hat den Aufbau {version}, dieses Programm kennt {_LAYOUT}: die "
                "Datei wegräumen und 'stadtsinn cloud rebuild series' ausführen",
            )

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        """Make the tables. What an older layout holds goes: the log fills the file again."""
        version = self._version(connection)  # another process may have been quicker
        if version >= _LAYOUT:
            return
        if version:
            log.warning(
                "series_file_emptied",
                file=str(self.path),
                layout=version,
                reason="its series belong to devices, now they belong to stations",
                remedy="the follower 'series' fills it again from the log when it starts; "
                "'stadtsinn cloud rebuild series' does it at any time",
            )
            for table in _TABLES_OF_DEVICES:
                connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _statements(_TABLES):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={_LAYOUT}")

    def _version(self, connection: sqlite3.Connection) -> int:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)

    @contextmanager
    def _failing_as_unavailable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise _unavailable(self.path, error) from error


def _unavailable(path: Path, error: Exception) -> SeriesUnavailable:
    if is_damage(error):
        return SeriesUnavailable(
            f"the series file {path} is damaged ({error}): stop 'stadtsinn cloud run', move the "
            "file and its -wal and -shm away, and run 'stadtsinn cloud rebuild series', which "
            "fills a new one from the log",
            f"die Datei der Messreihen {path} ist beschädigt ({error}): 'stadtsinn cloud run' "
            "beenden, die Datei mit ihren -wal und -shm wegräumen und 'stadtsinn cloud rebuild "
            "series' ausführen, das eine neue aus dem Log füllt",
        )
    return SeriesUnavailable(
        f"series file {path}: {error}. Check disk space and permissions",
        f"Datei der Messreihen {path}: {error}. Freien Platz und Rechte prüfen",
    )


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
