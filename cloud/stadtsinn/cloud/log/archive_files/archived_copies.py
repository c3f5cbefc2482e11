"""What identity needs to know of uplinks that were archived: the same as of those in the table.

The database keeps which counters of a session lie in which day's file. A new uplink's counter is
normally above all of them, which one index look-up shows. Only a resend of an old frame, or a
device that restarted its counters, makes it open the file of a day.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, day_of, days
from stadtsinn.cloud.log.uplinks.identity import Copy
from stadtsinn.cloud.log.uplinks.rows import COPIED, copy_of_row
from stadtsinn.cloud.log.uplinks.statements import Key, statements
from stadtsinn.cloud.log.uplinks.tables import archived_days, archived_sessions

_COLUMNS = COPIED.split(", ")
_FILES_KEPT = 3
"""Days kept in memory; a spool that is sent after weeks needs one day after another."""
_DAYS = 16
"""Days that one look opens at most, the newest. Only a device that begins its counters again on
every day has more, or one whose times are made up."""

_Session = tuple[str, str]
_Sessions = Mapping[_Session, Sequence[int]]


class ArchivedCopies:
    """Looks up archived uplinks while new ones are appended. Raises ArchiveUnreadable."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Any, _Sessions]] = OrderedDict()

    def copies(self, connection: Connection, keys: Sequence[Key]) -> list[Copy]:
        """Every archived uplink with one of these keys."""
        by_day: dict[int, set[Key]] = defaultdict(set)
        for row in statements(connection).archived_keys(connection, keys):
            by_day[row[0]].add((row[1], row[2], row[3]))
        if not by_day:
            return []
        found: list[Copy] = []
        newest = sorted(by_day)[-_DAYS:]
        for day in days(connection, archived_days.c.day.in_(newest)):
            wanted = by_day[day.day]
            for session in {key[:2] for key in wanted}:
                found += [copy for copy in self._session(day, session) if copy.key in wanted]
        return found

    def any(
        self,
        connection: Connection,
        frame: Copy,
        counters: Callable[[Any], ColumnElement[bool]],
        fits: Callable[[Copy], bool],
        after: Instant,
        before: Instant,
    ) -> bool:
        """Is there an uplink of the frame's session with `after` < event time < `before` that
        `fits`? `counters` selects by the columns of `archived_sessions` the days that may hold one.
        """
        session = archived_sessions.c
        may_hold = days(
            connection,
            archived_days.c.day >= day_of(after),
            archived_days.c.day < before,
            archived_days.c.day == session.day,
            session.dev_eui == frame.dev_eui,
            session.dev_addr == frame.dev_addr,
            counters(session),
        )
        return any(
            after < copy.event_time < before and fits(copy)
            for day in may_hold[-_DAYS:]
            for copy in self._session(day, (frame.dev_eui, frame.dev_addr))
        )

    def _session(self, day: ArchivedDay, session: _Session) -> Iterator[Copy]:
        from stadtsinn.cloud.log.archive_files.parquet import rows_of

        batch, sessions = self._day(day)
        chosen = batch.take(sessions.get(session, []))
        return map(copy_of_row, rows_of(chosen, _COLUMNS))

    def _day(self, day: ArchivedDay) -> tuple[Any, _Sessions]:
        """A day's columns that identity asks for, and where each session stands in them."""
        with self._lock:
            if day.file in self._kept:
                self._kept.move_to_end(day.file)
                return self._kept[day.file]
        loaded = self._load(day)
        with self._lock:
            self._kept[day.file] = loaded
            while len(self._kept) > _FILES_KEPT:
                self._kept.popitem(last=False)
        return loaded

    def _load(self, day: ArchivedDay) -> tuple[Any, _Sessions]:
        import pyarrow as pa

        from stadtsinn.cloud.log.archive_files.parquet import one_batch, rows_of

        parts = list(self._archive.columns(day, _COLUMNS))
        batch = one_batch(pa.Table.from_batches(parts).unify_dictionaries())
        sessions: dict[_Session, list[int]] = defaultdict(list)
        for row, (dev_eui, dev_addr) in enumerate(rows_of(batch, ("dev_eui", "dev_addr"))):
            sessions[dev_eui, dev_addr].append(row)
        return batch, sessions
