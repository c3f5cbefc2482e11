"""The archive of the log: which file holds which day, and reading rows from these files."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, select

from stadtsinn.base.instant import DAY, Instant, to_datetime
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.log.uplinks.tables import archived_days

if TYPE_CHECKING:
    from stadtsinn.cloud.log.archive_files.parquet import RowGroups

_KEPT = 4
"""Row groups kept in memory: a few megabytes each."""
_FOOTERS_KEPT = 4_000
"""Files whose row groups' first and last positions are kept in memory: ten years of days."""


class ArchiveUnreadable(Explained):
    """A day's file cannot be read; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class ArchivedDay:
    """A day (UTC) whose uplinks lie in `file`, with positions `first` to `last`."""

    day: Instant
    file: str
    uplinks: int
    first: int
    last: int


def day_of(moment: int) -> Instant:
    """The first instant of the UTC day that holds a moment."""
    return Instant(moment - moment % DAY)


def day_name(day: int) -> str:
    """As people write the day."""
    return to_datetime(day).date().isoformat()


def days(connection: Connection, *conditions: ColumnElement[bool]) -> list[ArchivedDay]:
    """Archived days that fulfil the conditions on `archived_days`, in their order."""
    table = archived_days.c
    query = select(
        table.day, table.file, table.uplinks, table.first_position, table.last_position
    ).where(*conditions)
    return [ArchivedDay(*row) for row in connection.execute(query.order_by(table.day))]


class Archive:
    """The files below a folder. Safe for threads.

    Every method that reads raises ArchiveUnreadable.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._groups: OrderedDict[tuple[str, int], Any] = OrderedDict()
        self._footers: OrderedDict[str, list[tuple[int, int]]] = OrderedDict()

    def open(self, day: ArchivedDay) -> RowGroups:
        """The day's file, to be read row group by row group and closed."""
        from pyarrow import ArrowException

        from stadtsinn.cloud.log.archive_files.parquet import RowGroups

        try:
            return RowGroups(self.folder / day.file)
        except (OSError, ArrowException) as error:
            raise _unreadable(self.folder / day.file, day, error) from error

    def next_position(self, day: ArchivedDay, position: int) -> int:
        """The lowest position behind `position` that a row of the day can have."""
        for first, last in self._positions(day):
            if last > position:
                return max(first, position + 1)
        return day.last

    def after(self, day: ArchivedDay, position: int) -> Iterator[Any]:
        """Record batches of the rows behind a position, in their order."""
        from stadtsinn.cloud.log.archive_files.parquet import integers

        positions = self._positions(day)
        with self.open(day) as file:
            for number, (_, last) in enumerate(positions):
                if last > position:
                    batch = self._cached(day, file, number)
                    start = int(integers(batch, "position").searchsorted(position, side="right"))
                    yield batch.slice(start)

    def of_device(self, day: ArchivedDay, tenant_id: str, dev_eui: str) -> Iterator[Any]:
        """Record batches of a device's rows, the last ones first."""
        import pyarrow.compute as pc

        with self.open(day) as file:
            for number in reversed(range(len(file))):
                # Two columns decide whether the others have to be read at all.
                names = file.read(number, ("tenant_id", "dev_eui"))
                mask = pc.and_(
                    pc.equal(names.column("tenant_id").cast("string"), tenant_id),
                    pc.equal(names.column("dev_eui").cast("string"), dev_eui),
                )
                if pc.any(mask).as_py():
                    yield self._cached(day, file, number).filter(mask)

    def columns(self, day: ArchivedDay, names: Sequence[str]) -> Iterator[Any]:
        """Record batches of some columns of the whole day, in the order of the log."""
        with self.open(day) as file:
            for number in range(len(file)):
                yield file.read(number, names)

    def _positions(self, day: ArchivedDay) -> list[tuple[int, int]]:
        """First and last position of each row group."""
        with self._lock:
            if day.file in self._footers:
                return self._footers[day.file]
        with self.open(day) as file:
            found = [file.positions(number) for number in range(len(file))]
        with self._lock:
            self._footers[day.file] = found
            while len(self._footers) > _FOOTERS_KEPT:
                self._footers.popitem(last=False)
        return found

    def _cached(self, day: ArchivedDay, file: RowGroups, number: int) -> Any:
        """Cached, because readers ask for a row group page by page."""
        key = (day.file, number)
        with self._lock:
            if key in self._groups:
                self._groups.move_to_end(key)
                return self._groups[key]
        batch = file.read(number)
        with self._lock:
            self._groups[key] = batch
            while len(self._groups) > _KEPT:
                self._groups.popitem(last=False)
        return batch


def _unreadable(path: Path, day: ArchivedDay, error: Exception) -> ArchiveUnreadable:
    name = type(error).__name__
    return ArchiveUnreadable(
        f"the uplinks of {day_name(day.day)} lie in {path}, which cannot be read ({name}): mount "
        "or restore that folder, or correct [archive] folder",
        f"die Meldungen vom {day_name(day.day)} liegen in {path}, das nicht lesbar ist ({name}): "
        "diesen Ordner einhängen oder zurückspielen, oder [archive] folder berichtigen",
    )
