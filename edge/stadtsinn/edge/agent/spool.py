"""The spool: a SQLite file where uplinks wait until the ingest has committed them.

Positions are consecutive and never reused within one `stream`. WAL with synchronous=FULL:
after `append` returned, a power cut loses nothing. Acknowledged rows are deleted together
with the next append, so that an acknowledgement alone writes nothing to the card.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import Instant, to_datetime
from stadtsinn.base.private_files import private_database
from stadtsinn.edge.agent.kept import SHARE, KeptItems, KeptRow
from stadtsinn.edge.agent.packing import pack, unpack
from stadtsinn.edge.agent.rows import (
    ROW_OVERHEAD,
    Row,
    device_of,
    moved_row,
    unpacked,
    unpacked_size,
)

log = structlog.get_logger()

_PAGE_BYTES = 2048
_PURGE_ROWS = 2_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS item (
    position INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS aside (
    id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, body BLOB NOT NULL,
    size INTEGER NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL, retry INTEGER NOT NULL);
"""
_USED = f"SELECT COALESCE(SUM(LENGTH(body) + {ROW_OVERHEAD}), 0) FROM item"  # noqa: S608
_USED_ASIDE = _USED.replace("item", "aside")


class SpoolFull(Exception):
    """No space for these rows until others are acknowledged."""


class Spool:
    """An open spool. One thread appends, another reads and acknowledges.

    Raises sqlite3.DatabaseError when the disk fails; the rows of that call are then not stored.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        private_database(path)
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._writer = _connect(path)
        self._writer.executescript(_SCHEMA)
        self._reader = _connect(path)
        share = max_bytes // SHARE
        self.kept = KeptItems(self._writer, self._lock, share, ROW_OVERHEAD)
        """What the cloud does not take for now."""
        first, last = self._writer.execute(
            "SELECT COALESCE(MIN(position), 1), COALESCE(MAX(position), 0) FROM item"
        ).fetchone()
        known = int(self.load("acknowledged") or b"0")
        # The newest row is never deleted: rows that end below are of an older copy of the file.
        torn = known > int(last)
        self._last = max(int(last), known)
        self._acknowledged = max(int(first) - 1, known)
        self._purged = int(first) - 1
        self._used = self._sum(_USED) + self._sum(_USED_ASIDE)
        self._aside = self._sum("SELECT COUNT(*) FROM aside")
        self.opened = self._last
        """The newest position when the file was opened."""
        self.begins = int(self.load("begins") or b"0")
        """The position before the first one of the stream."""
        self.stream = (self.load("stream") or b"").decode()
        if torn:
            log.error(
                "spool_lost_rows",
                newest_row=int(last),
                acknowledged=known,
                remedy="rows and acknowledgements are of different times: was only a part of the "
                "card restored? A new stream begins; check the card",
            )
        if torn or not self.stream:
            self.begin_stream()

    @property
    def last_position(self) -> int:
        """Position of the newest row ever appended; 0 in a new spool."""
        return self._last

    @property
    def acknowledged(self) -> int:
        """Everything up to this position is committed in the cloud."""
        return self._acknowledged

    @property
    def depth(self) -> int:
        """Rows waiting for their acknowledgement."""
        return self._last - self._acknowledged

    @property
    def used_bytes(self) -> int:
        """Bytes in use, of `max_bytes` at most."""
        return self._used + self.kept.bytes

    @property
    def fill(self) -> float:
        """Share of `max_bytes` in use, 0 to 1."""
        return self.used_bytes / self._max_bytes

    @property
    def aside(self) -> int:
        """Items set aside because the broker takes none of their size."""
        return self._aside

    def oldest(self) -> Instant | None:
        """When the oldest waiting row was received."""
        with self._lock:
            found = self._writer.execute(
                "SELECT received_at FROM item WHERE position > ? ORDER BY position LIMIT 1",
                (self._acknowledged,),
            ).fetchone()
        return Instant(found[0]) if found else None

    def append(self, rows: Sequence[Row]) -> None:
        """Commit rows, whose positions continue `last_position`. Raises SpoolFull."""
        if not rows:
            return
        stored = [row._replace(body=pack(row.body)) for row in rows]
        size = sum(len(row.body) + ROW_OVERHEAD for row in stored)
        with self._lock:
            if self.used_bytes + size > self._max_bytes:
                self._purge()
            if self.used_bytes + size > self._max_bytes:
                raise SpoolFull(f"spool holds {self.used_bytes} of {self._max_bytes} bytes")
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                freed, keep = self._delete_acknowledged()
                self._writer.executemany("INSERT INTO item VALUES (?, ?, ?)", stored)
                crash_point("edge.spool_uncommitted")
            self._last = rows[-1].position
            self._used += size - freed
            self._purged = keep

    def read(self, after: int, max_items: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Encoded items after position `after`, in order: at least one if there is any.

        A damaged row is replaced by a `RawItem` of its position with the reason, so that the rows
        after it are delivered.
        """
        found: list[tuple[int, bytes]] = []
        size = 0
        rows = self._reader.execute(
            "SELECT * FROM item WHERE position > ? ORDER BY position LIMIT ?",
            (max(after, self._acknowledged), max_items),
        )
        for row in map(Row._make, rows):
            body = unpacked(row)
            size += len(body)
            if found and size > max_bytes:
                break
            found.append((row.position, body))
        rows.close()
        return found

    def acknowledge(self, position: int, kept: Iterable[tuple[int, int]] = ()) -> bool:
        """Mark everything up to `position` as committed in the cloud, but for the ranges that it
        wants to be `kept` here.

        False if it already was. Raises ValueError for a position that was never assigned.
        """
        if position > self._last:
            raise ValueError(f"position {position} is beyond the newest one, {self._last}")
        with self._lock:
            if position <= self._acknowledged:
                return False
            self._keep(position, kept)
            self._acknowledged = position
            self.kept.acknowledged_locked(position)
            if position - self._purged >= _PURGE_ROWS:
                self._purge()
        return True

    def send_kept_again(self, moved: Callable[[bytes, int], bytes]) -> int:
        """Append the kept items that are due, at positions of their own; how many.

        For the thread that appends. Raises SpoolFull; then they stay as they are.
        """
        rows = self.kept.due()
        if not rows:
            return 0
        positions = range(self._last + 1, self._last + 1 + len(rows))
        self.append(
            [
                Row(position, row.received_at, moved_row(row.body, position, moved))
                for row, position in zip(rows, positions, strict=True)
            ]
        )
        # Killed here, they are sent twice and count once.
        with self._lock, self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            self.kept.remove_locked(rows, positions)
        return len(rows)

    def begin_stream(self) -> str:
        """Go on as another stream, whose first item is the oldest waiting one; its name.

        What waits keeps its positions, and is delivered as if nothing had been.
        """
        stream = uuid.uuid4().hex
        with self._lock, self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            for key, value in (
                ("stream", stream),
                ("begins", str(self._acknowledged)),
                ("acknowledged", str(self._acknowledged)),
            ):
                self._put(key, value.encode())
        self.stream, self.begins = stream, self._acknowledged
        return stream

    def set_aside(self, position: int, placeholder: bytes, reason: str, now: Instant) -> None:
        """Keep an item apart for `stadtsinn edge aside`; a placeholder is delivered for it."""
        packed = pack(placeholder)
        with self._lock:
            row = self._writer.execute(
                "SELECT received_at, body FROM item WHERE position = ?", (position,)
            ).fetchone()
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                self._writer.execute(
                    "INSERT INTO aside (received_at, body, size, reason, at, retry) "
                    "VALUES (?, ?, ?, ?, ?, 0)",
                    (row[0], row[1], unpacked_size(row[1]), reason, now),
                )
                self._writer.execute(
                    "UPDATE item SET body = ? WHERE position = ?", (packed, position)
                )
            self._used += len(packed) + ROW_OVERHEAD
            self._aside += 1

    def take_back(self, moved: Callable[[bytes, int], bytes]) -> int:
        """Append what the operator wants to try again; how many. `moved` sets an item's position.

        Raises SpoolFull; then all of it stays aside.
        """
        rows = self._writer.execute(
            "SELECT id, received_at, body FROM aside WHERE retry = 1 ORDER BY id"
        ).fetchall()
        for number, received_at, body in rows:
            position = self._last + 1
            self.append([Row(position, Instant(received_at), moved(unpack(body), position))])
            with self._lock, self._writer:
                self._writer.execute("DELETE FROM aside WHERE id = ?", (number,))
            self._used -= len(body) + ROW_OVERHEAD
            self._aside -= 1
        return len(rows)

    def save(self, key: str, value: bytes) -> None:
        """Store a small value that is no row."""
        with self._lock, self._writer:
            self._put(key, value)

    def load(self, key: str) -> bytes | None:
        found = self._writer.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return bytes(found[0]) if found else None

    def close(self) -> None:
        """Store the acknowledged position, delete the rows up to it, and close."""
        self.save("acknowledged", str(self._acknowledged).encode())
        with self._lock:
            self._purge()
            self._reader.close()
            self._writer.close()

    def _keep(self, position: int, ranges: Iterable[tuple[int, int]]) -> None:
        """Move items to those that are kept; the spool's own rows go with the acknowledged."""
        rows = [
            KeptRow(row.position, device_of(row.body), row.received_at, row.body)
            for low, high in ranges
            for row in map(
                Row._make,
                self._writer.execute(
                    "SELECT * FROM item WHERE position BETWEEN ? AND ? ORDER BY position",
                    (max(low, self._acknowledged + 1), min(high, position)),
                ).fetchall(),
            )
        ]
        if not rows:
            return
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            self.kept.add_locked(rows)

    def _put(self, key: str, value: bytes) -> None:
        self._writer.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _sum(self, query: str) -> int:
        return int(self._writer.execute(query).fetchone()[0])

    def _purge(self) -> None:
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            freed, keep = self._delete_acknowledged()
        crash_point("edge.deleted")
        self._used -= freed
        self._purged = keep

    def _delete_acknowledged(self) -> tuple[int, int]:
        """Delete inside the caller's transaction; returns bytes freed and last position deleted.

        The newest row is kept even when acknowledged: the next position follows from it, so that
        no counter on another page has to be written at every commit.
        """
        upto = min(self._acknowledged, self._last - 1)
        if upto <= self._purged:
            return 0, self._purged
        freed = self._writer.execute(_USED + " WHERE position <= ?", (upto,)).fetchone()[0]
        self._writer.execute("DELETE FROM item WHERE position <= ?", (upto,))
        return int(freed), upto


def open_spool(path: Path, max_bytes: int, now: Instant) -> Spool:
    """Open or create a spool. A damaged file is renamed and kept, and a new stream begins."""
    try:
        if path.exists():
            _check(path)
        return Spool(path, max_bytes)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # locked, read-only, disk full: the file itself is not damaged
        damage = str(error)
    aside = _set_aside(path, now)
    log.error(
        "spool_damaged",
        reason=damage,
        kept_as=str(aside),
        remedy="the waiting uplinks are in the file kept; try 'sqlite3 FILE .recover', and "
        "check the card: a new, empty spool is in use now",
    )
    return Spool(path, max_bytes)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    # Small pages: a commit of one uplink writes at least one whole page.
    connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-2048")
    return connection


def _check(path: Path) -> None:
    connection = _connect(path)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        connection.close()
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict))


def _set_aside(path: Path, now: Instant) -> Path:
    stamp = to_datetime(now).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
