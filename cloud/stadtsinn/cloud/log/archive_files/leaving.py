"""Rows leave the table once their day's file is named: a few in each transaction.

Until the last has left, a row can be in the table and in the file, and readers count it once. What
a killed run left is found by this: a row of an archived day at or before the last position of the
day's file is in the file, because new rows get higher positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select

from stadtsinn.base.batches import batched
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import DAY
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, days
from stadtsinn.cloud.log.uplinks.tables import archived_sessions, uplinks
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.database.upsert import insert_into

AT_ONCE = 2_000
"""Rows that one transaction deletes, and sessions that one writes."""


def finish_leaving(database: Database, archive: Archive) -> None:
    """Do what a killed run left. Only under `rewriting_history`; raises ArchiveUnreadable."""
    with database.read() as connection:
        left = _days_left(connection)
    for day in left:
        leave(database, archive, day)


def leave(database: Database, archive: Archive, day: ArchivedDay) -> int:
    """Note which sessions the day's file holds, then delete its rows from the table; how many.

    Only under `rewriting_history`; raises ArchiveUnreadable.
    """
    held = _Held(archive, day)
    for number, some in enumerate(batched(held.sessions(), AT_ONCE)):
        if number:
            database.let_others_write()
        with database.write() as connection:
            _put_sessions(connection, some)
        crash_point("archive.some_sessions")
    gone, position = 0, 0
    while found := _next(database, day, position):
        if position:
            database.let_others_write()
        position = found[-1]
        named = delete(uplinks).where(uplinks.c.position.in_(held.of(found)))
        with database.write() as connection:
            gone += connection.execute(named).rowcount
        crash_point("archive.some_left")
    return gone


def _days_left(connection: Connection) -> list[ArchivedDay]:
    """Archived days of which the table still has rows that their files hold."""
    archived = days(connection)
    if not archived:
        return []
    day = (uplinks.c.event_time - uplinks.c.event_time % DAY).label("day")
    query = (
        select(day, func.min(uplinks.c.position))
        .where(uplinks.c.position <= max(one.last for one in archived))
        .group_by(day)
    )
    first = {row[0]: row[1] for row in connection.execute(query)}
    return [one for one in archived if one.day in first and first[one.day] <= one.last]


def _next(database: Database, day: ArchivedDay, after: int) -> Sequence[int]:
    """The next rows of a day that can be in its file, by their positions."""
    query = (
        select(uplinks.c.position)
        .where(uplinks.c.position > after, uplinks.c.position <= day.last, *of_day(day.day))
        .order_by(uplinks.c.position)
        .limit(AT_ONCE)
    )
    with database.read() as connection:
        return connection.execute(query).scalars().all()


def of_day(day: int) -> tuple[ColumnElement[bool], ...]:
    return uplinks.c.event_time >= day, uplinks.c.event_time < day + DAY


class _Held:
    """What a day's file holds: the positions, and which counters of which session."""

    def __init__(self, archive: Archive, day: ArchivedDay) -> None:
        from stadtsinn.cloud.log.archive_files.parquet import rows_of

        self._day = day.day
        self._positions: set[int] = set()
        self._counters: dict[tuple[str, str], tuple[int, int]] = {}
        names = ("position", "dev_eui", "dev_addr", "f_cnt")
        for batch in archive.columns(day, names):
            for position, dev_eui, dev_addr, f_cnt in rows_of(batch, names):
                self._positions.add(position)
                low, high = self._counters.get((dev_eui, dev_addr), (f_cnt, f_cnt))
                self._counters[dev_eui, dev_addr] = (min(low, f_cnt), max(high, f_cnt))

    def of(self, positions: Sequence[int]) -> list[int]:
        """Those of these positions that are in the file: nothing else may leave."""
        return [position for position in positions if position in self._positions]

    def sessions(self) -> Iterator[dict[str, Any]]:
        """Rows of `archived_sessions`."""
        for (dev_eui, dev_addr), (low, high) in self._counters.items():
            yield {
                "day": self._day,
                "dev_eui": dev_eui,
                "dev_addr": dev_addr,
                "f_cnt_low": low,
                "f_cnt_high": high,
            }


def _put_sessions(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    insert = insert_into(connection, archived_sessions)
    statement = insert.on_conflict_do_update(
        index_elements=["day", "dev_eui", "dev_addr"],
        set_={name: insert.excluded[name] for name in ("f_cnt_low", "f_cnt_high")},
    )
    connection.execute(statement, list(rows))
