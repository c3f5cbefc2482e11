"""Frames of sessions that lie in the archive's files, as identity compares them; kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay
from stadtsinn.cloud.log.uplinks.identity import Copy
from stadtsinn.cloud.log.uplinks.rows import COPIED, copy_of_row

KEPT = 100_000
"""Frames kept in memory: some 40 MB."""

_COLUMNS = COPIED.split(", ")

Asked = tuple[str, str, int | None]
"""A session (`dev_eui`, `dev_addr`) and one counter; None: any."""

Wanted = Mapping[ArchivedDay, Collection[Asked]]


class SessionCopies:
    """Reads of a day only what was asked for. Safe for threads; raises ArchiveUnreadable."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, Asked], Sequence[Copy]] = OrderedDict()
        self._size = 0

    def read(self, wanted: Wanted) -> list[Copy]:
        """From memory, else from the files."""
        found: list[Copy] = []
        for day, asked in wanted.items():
            known, missing = self._look(day, asked)
            found += known
            if missing:
                found += self._load(day, missing)
        return found

    def known(self, wanted: Wanted) -> tuple[list[Copy], dict[ArchivedDay, set[Asked]]]:
        """What is in memory, and what would have to be read."""
        found: list[Copy] = []
        unread: dict[ArchivedDay, set[Asked]] = {}
        for day, asked in wanted.items():
            known, missing = self._look(day, asked)
            found += known
            if missing:
                unread[day] = set(missing)
        return found, unread

    def _look(self, day: ArchivedDay, asked: Collection[Asked]) -> tuple[list[Copy], list[Asked]]:
        found: list[Copy] = []
        missing: list[Asked] = []
        with self._lock:
            for one in asked:
                key = (day.file, one)
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found += self._kept[key]
                else:
                    missing.append(one)
        return found, missing

    def _load(self, day: ArchivedDay, asked: Collection[Asked]) -> list[Copy]:
        held: dict[Asked, list[Copy]] = {one: [] for one in asked}
        for row in self._rows(day, {(dev_eui, dev_addr) for dev_eui, dev_addr, _ in asked}):
            copy = copy_of_row(row)
            for f_cnt in (copy.f_cnt, None):
                if (one := (copy.dev_eui, copy.dev_addr, f_cnt)) in held:
                    held[one].append(copy)
        with self._lock:
            for one, copies in held.items():
                if (day.file, one) not in self._kept:
                    self._kept[day.file, one] = copies
                    self._size += 1 + len(copies)
            while self._size > KEPT and len(self._kept) > len(held):
                self._size -= 1 + len(self._kept.popitem(last=False)[1])
        return [copy for copies in held.values() for copy in copies]

    def _rows(self, day: ArchivedDay, sessions: Collection[tuple[str, str]]) -> Iterator[Any]:
        """The rows of some sessions. Two columns decide whether the others have to be read."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from stadtsinn.cloud.log.archive_files.parquet import rows_of

        names = ("dev_eui", "dev_addr")
        dev_euis = pa.array(sorted({dev_eui for dev_eui, _ in sessions}))
        with self._archive.open(day) as file:
            for number in range(len(file)):
                batch = file.read(number, names)
                theirs = pc.is_in(batch.column("dev_eui").cast("string"), dev_euis)
                rows = pc.indices_nonzero(theirs)
                chosen = zip(rows.to_pylist(), rows_of(batch.take(rows), names), strict=True)
                if mine := [row for row, session in chosen if session in sessions]:
                    whole = file.read(number, _COLUMNS)
                    yield from rows_of(whole.take(pa.array(mine)), _COLUMNS)
