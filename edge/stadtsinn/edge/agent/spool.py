"""The spool: a SQLite file where uplinks wait until the ingest has committed them.

Positions are consecutive and never reused within one `stream`. WAL with synchronous=FULL:
after `append` returned, a power cut loses nothing. Acknowledged rows are held for a while, so that
a cloud that was restored from a backup can have them again. They go together with an append, so
that an acknowledgement alone writes nothing to the card; where there is no room, the oldest of them
go first.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.damaged_files import is_damage
from stadtsinn.base.instant import Instant
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
from stadtsinn.edge.agent.spool_file import check, connect, set_aside

log = structlog.get_logger()

_PURGE_ROWS = 2_000
_TOGETHER = 100
"""So many acknowledged rows are deleted at once, and after so many their position is stored: it is
on another page of the card."""
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

    def __init__(self, path: Path, max_bytes: int, keep: int = 0) -> None:
        """`keep`: for how many µs acknowledged rows are held, by the clock of what is appended."""
        private_database(path)
        self._max_bytes = max_bytes
        self._keep_for = keep
        self._lock = threading.Lock()
        self._writer = connect(path)
        self._writer.executescript(_SCHEMA)
        self._reader = connect(path)
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
        self._purged = known if torn else int(first) - 1
        self._saved = known
        self._used = self._sum(_USED) + self._sum(_USED_ASIDE)
        self._held_bytes = self._bytes_of(self._purged, self._acknowledged)
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
    def holds_after(self) -> int:
        """Everything behind this position is still here, also what is acknowledged."""
        return self._purged

    @property
    def held(self) -> int:
        """Acknowledged rows that are still here."""
        return self._acknowledged - self._purged

    @property
    def used_bytes(self) -> int:
        """Bytes in use, of `max_bytes` at most; what is held makes room and does not count."""
        return self._taken - self._held_bytes

    @property
    def _taken(self) -> int:
        """Bytes in the file."""
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
            while self._taken + size > self._max_bytes:
                upto = min(self._purged + _PURGE_ROWS, self._acknowledged, self._last - 1)
                if upto <= self._purged:
                    raise SpoolFull(f"spool holds {self._taken} of {self._max_bytes} bytes")
                self._purge(upto)
            upto = self._expired(max(row.received_at for row in rows))
            save = self._acknowledged - max(self._saved, upto) >= _TOGETHER
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                freed = self._delete(upto)
                self._writer.executemany("INSERT INTO item VALUES (?, ?, ?)", stored)
                if save:
                    self._put("acknowledged", str(self._acknowledged).encode())
                crash_point("edge.spool_uncommitted")
            self._last = rows[-1].position
            self._used += size
            self._deleted(upto, freed)
            self._saved = self._acknowledged if save else self._saved

    def read(self, after: int, max_items: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Encoded items after position `after`, in order: at least one if there is any.

        A damaged row is replaced by a `RawItem` of its position with the reason, so that the rows
        after it are delivered.
        """
        found: list[tuple[int, bytes]] = []
        size = 0
        # Not beyond `last_position`: a row is committed a moment before it is counted, and an
        # acknowledgement in that moment would be one of a position that never was.
        rows = self._reader.execute(
            "SELECT * FROM item WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
            (max(after, self._acknowledged), self._last, max_items),
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
            self._held_bytes += self._bytes_of(self._acknowledged, position)
            self._acknowledged = position
            self.kept.acknowledged_locked(position)
            if position - max(self._saved, self._purged) >= _PURGE_ROWS:
                self._purge(self._purged if self._keep_for else self._deletable())
        return True

    def go_back(self, position: int) -> int:
        """Have what was acknowledged behind `position` wait again, as far as it is still here; how
        many rows.

        Nothing is written: after a restart the cloud asks again for what it still lacks.
        """
        with self._lock:
            start = max(position, self._purged)
            again = self._acknowledged - start
            if again <= 0:
                return 0
            self._acknowledged = start
            self._held_bytes = self._bytes_of(self._purged, start)
        return again

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
        with self._lock:
            self._purge(self._purged if self._keep_for else self._deletable())
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

    def _bytes_of(self, after: int, upto: int) -> int:
        """What the rows behind `after` up to `upto` take."""
        query = f"{_USED} WHERE position > ? AND position <= ?"
        return int(self._writer.execute(query, (after, upto)).fetchone()[0])

    def _deletable(self) -> int:
        """The last position that may be deleted.

        The newest row is kept even when acknowledged: the next position follows from it, so that
        no counter on another page has to be written at every commit.
        """
        return max(self._purged, min(self._acknowledged, self._last - 1))

    def _expired(self, now: Instant) -> int:
        """The last position that was held long enough; in groups, to spare the card."""
        deletable = self._deletable()
        if not self._keep_for:
            return deletable
        upto = self._purged
        while upto + _TOGETHER <= min(deletable, self._purged + _PURGE_ROWS):
            (received_at,) = self._writer.execute(
                "SELECT received_at FROM item WHERE position >= ? ORDER BY position LIMIT 1",
                (upto + _TOGETHER,),
            ).fetchone()
            if received_at > now - self._keep_for:
                break
            upto += _TOGETHER
        return upto

    def _purge(self, upto: int) -> None:
        """Delete up to there, and store what is acknowledged."""
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            freed = self._delete(upto)
            self._put("acknowledged", str(self._acknowledged).encode())
        crash_point("edge.deleted")
        self._deleted(upto, freed)
        self._saved = self._acknowledged

    def _delete(self, upto: int) -> int:
        """Inside the caller's transaction; returns bytes freed. `_deleted` follows its commit."""
        if upto <= self._purged:
            return 0
        freed = self._bytes_of(self._purged, upto)
        self._writer.execute("DELETE FROM item WHERE position <= ?", (upto,))
        return freed

    def _deleted(self, upto: int, freed: int) -> None:
        self._purged = max(self._purged, upto)
        self._used -= freed
        self._held_bytes -= freed


def open_spool(path: Path, max_bytes: int, now: Instant, keep: int = 0) -> Spool:
    """Open or create a spool. A damaged file is renamed and kept, and a new stream begins."""
    try:
        if path.exists():
            check(path)
        return Spool(path, max_bytes, keep)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
            raise  # locked, read-only, disk full: the file itself is not damaged
        damage = str(error)
    aside = set_aside(path, now)
    log.error(
        "spool_damaged",
        reason=damage,
        kept_as=str(aside),
        remedy="the waiting uplinks are in the file kept; try 'sqlite3 FILE .recover', and "
        "check the card: a new, empty spool is in use now",
    )
    return Spool(path, max_bytes, keep)
