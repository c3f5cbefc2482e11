"""Moves whole old days out of the table into Parquet files, safe at every step.

For each day: write the file under a name of its own → make it durable → name it, and forget the
one it replaces → let the rows leave the table (`leaving`). Readers take what is in table or file,
and count what is in both once, so a process killed at any point leaves a consistent state. Files
that the database does not name are deleted when the next run begins, not at once: a reader may
have looked up the old name just before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from pyarrow import ArrowException
from sqlalchemy import Connection, func, insert, select, update

from stadtsinn.base.clock import Clock
from stadtsinn.base.counted import counted
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.private_files import close_to_others, private_folder
from stadtsinn.base.sentence import Explained, Sentence
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, day_name, days
from stadtsinn.cloud.log.archive_files.batches import table_batches
from stadtsinn.cloud.log.archive_files.day_files import FILE_NAMES
from stadtsinn.cloud.log.archive_files.exclusive import rewriting_history
from stadtsinn.cloud.log.archive_files.leaving import finish_leaving, leave, of_day
from stadtsinn.cloud.log.archive_files.parquet import (
    COLUMNS,
    RowGroups,
    integers,
    merged,
    write_file,
)
from stadtsinn.cloud.log.cursors.repository import read_cursor
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.log.uplinks.tables import archived_days, uplinks
from stadtsinn.cloud.platform.database.engine import Database

log = structlog.get_logger()


@dataclass(frozen=True)
class Moved:
    """A day that was archived: `uplinks` left the table, the file now holds `in_file`."""

    day: Instant
    uplinks: int
    in_file: int
    file: str
    size: int


@dataclass(frozen=True)
class Kept:
    """A day that could not be archived yet, and why."""

    day: Instant
    uplinks: int
    reason: Sentence


@dataclass(frozen=True)
class _Rows:
    """Rows of a day in the table: how many, at positions `first` to `last`."""

    day: Instant
    count: int
    first: int
    last: int


def archive_before(
    database: Database, archive: Archive, before: Instant, followers: Sequence[str], clock: Clock
) -> Iterator[Moved | Kept]:
    """Archive every day (UTC) before the one that holds `before`; yields each when it is done.

    Only days that every one of `followers` is past. The newest uplink of all stays in the table,
    which counts positions on from it. Raises HistoryBusy, OSError, ArchiveUnreadable.
    """
    with rewriting_history(database):
        private_folder(archive.folder)
        for path in (archive.folder, *archive.folder.rglob("*")):
            close_to_others(path)
        sweep(database, archive)
        finish_leaving(database, archive)
        with database.read() as connection:
            newest = head(connection)
            cursors = {name: read_cursor(connection, name) for name in followers}
            found = _days_in_table(connection, Instant(before - before % DAY), newest)
        for rows in found:
            behind = [name for name, cursor in cursors.items() if cursor < rows.last]
            if behind:
                yield Kept(rows.day, rows.count, _reason_kept(behind[0], cursors, rows))
            else:
                yield _move(database, archive, rows, clock)


def _reason_kept(name: str, cursors: dict[str, int], rows: _Rows) -> Sentence:
    return Sentence(
        f"the follower '{name}' is at position {cursors[name]} and the day reaches to "
        f"{rows.last}: let 'stadtsinn cloud run' catch up, then archive again",
        f"die Auswertung '{name}' ist an Position {cursors[name]}, und der Tag reicht bis "
        f"{rows.last}: 'stadtsinn cloud run' aufholen lassen, dann erneut verlagern",
    )


def _days_in_table(connection: Connection, before: Instant, newest: int) -> list[_Rows]:
    day = (uplinks.c.event_time - uplinks.c.event_time % DAY).label("day")
    position = uplinks.c.position
    query = (
        select(day, func.count(), func.min(position), func.max(position))
        .where(uplinks.c.event_time < before, position < newest)
        .group_by(day)
        .order_by(day)
    )
    return [_Rows(*row) for row in connection.execute(query)]


def _move(database: Database, archive: Archive, rows: _Rows, clock: Clock) -> Moved:
    with database.read() as connection:
        known = days(connection, archived_days.c.day == rows.day)
    old = known[0] if known else None
    file = next_file(old.file if old else None, rows.day)
    path = archive.folder / file
    private_folder(path.parent)
    summary = _Summary()
    # In pages; no row can be added at these positions meanwhile.
    batches = table_batches(database, COLUMNS, *_of(rows))
    if old is not None:
        batches = merged(archive.columns(old, COLUMNS), batches)
    write_file(path, summary.watch(batches), lambda: crash_point("archive.written"))
    crash_point("archive.renamed")
    with database.read() as connection:
        left = connection.execute(select(func.count()).where(*_of(rows))).scalar_one()
    if summary.count != left + (old.uplinks if old else 0):
        raise Explained(
            f"{day_name(rows.day)}: {counted(summary.count, 'uplink', 'uplinks')} in {path}, "
            f"{left} in the table: nothing was changed; somebody else deletes from the log. "
            "Archive again",
            f"{day_name(rows.day)}: {counted(summary.count, 'Meldung', 'Meldungen')} in {path}, "
            f"{left} in der Tabelle: nichts wurde geändert; jemand anderes löscht aus dem Log. "
            "Noch einmal verlagern",
        )
    day = summary.day(rows.day, file)
    with database.write() as connection:
        _name(connection, day, clock.now())
    crash_point("archive.committed")
    gone = leave(database, archive, day)
    moved = Moved(rows.day, gone, summary.count, file, path.stat().st_size)
    log.info("day_archived", day=day_name(rows.day), uplinks=gone, file=file, bytes=moved.size)
    return moved


def _of(rows: _Rows) -> tuple[Any, ...]:
    return (
        uplinks.c.position.between(rows.first, rows.last),
        *of_day(rows.day),
    )


class _Summary:
    """What the database keeps of a file, gathered while it is written."""

    def __init__(self) -> None:
        self.count = 0
        self._first = self._last = 0

    def watch(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            positions = integers(batch, "position")
            if self.count == 0:
                self._first = int(positions[0])
            self._last = int(positions[-1])
            self.count += len(positions)
            yield batch

    def day(self, day: Instant, file: str) -> ArchivedDay:
        return ArchivedDay(day, file, self.count, self._first, self._last)


def _name(connection: Connection, day: ArchivedDay, now: Instant) -> None:
    """From here on readers take the day's rows from this file as well."""
    values = {
        "file": day.file,
        "uplinks": day.uplinks,
        "first_position": day.first,
        "last_position": day.last,
        "archived_at": now,
    }
    this = archived_days.c.day == day.day
    if not connection.execute(update(archived_days).where(this).values(values)).rowcount:
        connection.execute(insert(archived_days).values(day=day.day, **values))


def next_file(old: str | None, day: Instant) -> str:
    """A name for the next version of a day's file: a version is never written over."""
    name = day_name(day)
    number = 1 + (int(Path(old).name.split(".")[1]) if old else 0)
    return f"{name[:4]}/{name}.{number}.parquet"


def sweep(database: Database, archive: Archive) -> None:
    """Remove files that no day names: what a killed run left, and versions that were replaced.

    Only under `rewriting_history`. Touches nothing that does not look like ours. What the log has
    never come to is of another database, or of a later time than one that was restored: such a file
    gets another name, for its uplinks may be nowhere else.
    """
    with database.read() as connection:
        named = {archive.folder / day.file for day in days(connection)}
        newest = head(connection)
    for path in archive.folder.glob("*/*"):
        if not FILE_NAMES.fullmatch(path.name) or path in named:
            continue
        if path.suffix == ".parquet" and _last_position(path) > newest:
            kept = path.rename(path.with_name(f"{path.name}.unknown"))
            log.error(
                "archived_day_unknown",
                kept_as=str(kept),
                meaning="the database never had its uplinks: it is from a backup, or another one",
                remedy="restore a newer backup, or look whether these uplinks are needed",
            )
            continue
        path.unlink()
        log.info("archive_swept", file=path.name)


def _last_position(path: Path) -> int:
    """0 for a file that cannot be read."""
    try:
        with RowGroups(path) as file:
            return file.positions(len(file) - 1)[1] if len(file) else 0
    except (OSError, ArrowException):
        return 0
