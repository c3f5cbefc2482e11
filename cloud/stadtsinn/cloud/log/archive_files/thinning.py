"""Takes uplinks out of the archive for good: a day's file is written anew without them.

The day's row names the new file in one transaction, as when a day is archived. The old file goes
with the next `sweep`. All of it only under `rewriting_history`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import delete, select, tuple_, update

from stadtsinn.base.batches import batched
from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, days
from stadtsinn.cloud.log.archive_files.archiving import next_file
from stadtsinn.cloud.log.archive_files.parquet import COLUMNS, integers, rows_of, write_file
from stadtsinn.cloud.log.uplinks.tables import archived_days, archived_sessions
from stadtsinn.cloud.platform.database.engine import Database

Gone = Callable[[Any], Any]
"""Of a record batch with the columns NEEDED: a mask of the rows that go."""
NEEDED = ("tenant_id", "dev_eui")
Session = tuple[Any, ...]
"""Device and address."""
_SESSION = (archived_sessions.c.dev_eui, archived_sessions.c.dev_addr)
_AT_ONCE = 500
"""Sessions that one transaction forgets."""


def of_tenant(tenant_id: str) -> Gone:
    return lambda batch: _is(batch, "tenant_id", tenant_id)


def of_device(tenant_id: str, dev_eui: str) -> Gone:
    return lambda batch: pc.and_(_is(batch, "tenant_id", tenant_id), _is(batch, "dev_eui", dev_eui))


def of_towns(tenant_ids: Collection[str]) -> Gone:
    values = pa.array(list(tenant_ids), pa.string())
    return lambda batch: pc.is_in(batch.column("tenant_id").cast("string"), value_set=values)


def days_that_hold(
    database: Database, archive: Archive, gone: Gone, dev_eui: str | None = None
) -> Iterator[tuple[ArchivedDay, int]]:
    """The archived days with such rows, and how many; `dev_eui` where all are of one device.

    Raises ArchiveUnreadable.
    """
    conditions = []
    if dev_eui is not None:
        of_device = select(archived_sessions.c.day).where(archived_sessions.c.dev_eui == dev_eui)
        conditions.append(archived_days.c.day.in_(of_device))
    with database.read() as connection:
        listed = days(connection, *conditions)
    for day in listed:
        if count := count_gone(archive, day, gone):
            yield day, count


def count_gone(archive: Archive, day: ArchivedDay, gone: Gone) -> int:
    """How many rows of a day would go. Raises ArchiveUnreadable."""
    return sum(int(pc.sum(gone(batch)).as_py() or 0) for batch in archive.columns(day, NEEDED))


def count_by_town(archive: Archive, day: ArchivedDay, tenant_ids: Sequence[str]) -> dict[str, int]:
    """How many rows of a day these towns have; who has none is absent. Raises
    ArchiveUnreadable."""
    if not tenant_ids:
        return {}
    found: Counter[str] = Counter()
    for batch in archive.columns(day, ("tenant_id",)):
        names = pc.value_counts(batch.column("tenant_id").cast("string")).to_pylist()
        found.update({one["values"]: one["counts"] for one in names})
    return {one: found[one] for one in tenant_ids if found[one]}


def thin(database: Database, archive: Archive, day: ArchivedDay, gone: Gone, clock: Clock) -> None:
    """Write a day's file without these rows; a day without any other is archived no more.

    Raises ArchiveUnreadable, OSError.
    """
    file, left = next_file(day.file, day.day), _Left()
    if count_gone(archive, day, gone) < day.uplinks:
        whole = archive.columns(day, COLUMNS)
        rest = (_recoded(batch.filter(pc.invert(gone(batch)))) for batch in whole)
        write_file(archive.folder / file, left.watch(batch for batch in rest if batch.num_rows))
    crash_point("thinning.written")
    _forget_sessions(database, day, left.sessions)
    this = archived_days.c.day == day.day
    with database.write() as connection:
        if left.count:
            values = {"file": file, "archived_at": clock.now(), **left.extent()}
            connection.execute(update(archived_days).where(this).values(values))
        else:
            connection.execute(delete(archived_days).where(this))
    crash_point("thinning.committed")


def _forget_sessions(database: Database, day: ArchivedDay, left: Collection[Session]) -> None:
    """A day holds these sessions alone. Before the new file is named: the next run finds what a
    killed one left by its rows."""
    here, key = archived_sessions.c.day == day.day, tuple_(*_SESSION)
    with database.read() as connection:
        noted = connection.execute(select(*_SESSION).where(here)).all()
    gone = [tuple(one) for one in noted if tuple(one) not in left]
    for number, some in enumerate(batched(gone, _AT_ONCE)):
        if number:
            database.let_others_write()
        with database.write() as connection:
            connection.execute(delete(archived_sessions).where(here, key.in_(some)))


class _Left:
    """What the database keeps of the new file, gathered while it is written."""

    def __init__(self) -> None:
        self.count = 0
        self._first = self._last = 0
        self.sessions: set[Session] = set()

    def watch(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            positions = integers(batch, "position")
            self._first = self._first or int(positions[0])
            self._last = int(positions[-1])
            self.count += len(positions)
            self.sessions.update(rows_of(batch, ("dev_eui", "dev_addr")))
            yield batch

    def extent(self) -> dict[str, int]:
        return {
            "uplinks": self.count,
            "first_position": self._first,
            "last_position": self._last,
        }


def _recoded(batch: Any) -> Any:
    """The same rows; their dictionaries name nothing that is gone."""
    columns = [
        column.cast(pa.string()).dictionary_encode()
        if pa.types.is_dictionary(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _is(batch: Any, name: str, value: str) -> Any:
    return pc.equal(batch.column(name).cast("string"), value)
