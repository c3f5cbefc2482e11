"""The whole log, for reading ranges: the archive's files and the table as one.

A day that is being archived can be in both, so the table is read first and the list of files
second: what left the table meanwhile is in the list, and equal positions count once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import ColumnElement, Connection, select

from stadtsinn.base.counted import counted
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, ArchiveUnreadable, days
from stadtsinn.cloud.log.uplinks import repository
from stadtsinn.cloud.log.uplinks.history_item import HistoryItem, first_of, item_of, page_length
from stadtsinn.cloud.log.uplinks.rows import READ, uplink_of
from stadtsinn.cloud.log.uplinks.tables import archived_days, archived_sessions
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.access.scope import Scope

_READ = READ.split(", ")
_AT_ONCE = 100
"""Archived rows that become objects together: more than a page's are not needed."""


class CallerLeft(Exception):
    """Nobody waits for the answer any more."""


def read_after(
    connection: Connection, archive: Archive | None, position: int, limit: int
) -> list[LoggedUplink]:
    """The next uplinks after a position, at most `limit`, in the order of the log.

    Raises ArchiveUnreadable.
    """
    found = repository.read_after(connection, position, limit)
    listed = days(connection, archived_days.c.last_position > position)
    if not listed:
        return found
    known = {uplink.position: uplink for uplink in found}
    for uplink in _archived_after(_needed(archive, listed), listed, position, limit):
        known[uplink.position] = uplink
    return [known[number] for number in sorted(known)[:limit]]


def require_readable(connection: Connection, archive: Archive | None) -> None:
    """Raises ArchiveUnreadable unless every archived day can be read."""
    listed = days(connection)
    for day in listed:
        with _needed(archive, listed).open(day):
            pass


def _archived_after(
    archive: Archive, listed: list[ArchivedDay], position: int, limit: int
) -> list[LoggedUplink]:
    """The first `limit` archived uplinks after a position."""
    found: list[LoggedUplink] = []
    begins = sorted((archive.next_position(day, position), day.day, day) for day in listed)
    for begin, _, day in begins:
        if len(found) == limit and begin > found[-1].position:
            break
        found += _first(archive, day, position, limit)
        found = sorted(found, key=lambda uplink: uplink.position)[:limit]
    return found


def _first(archive: Archive, day: ArchivedDay, position: int, limit: int) -> list[LoggedUplink]:
    from stadtsinn.cloud.log.archive_files.parquet import rows_of

    found: list[LoggedUplink] = []
    for batch in archive.after(day, position):
        rows = rows_of(batch.slice(0, limit - len(found)), _READ)
        found += [uplink_of(row) for row in rows]
        if len(found) == limit:
            break
    return found


def history(
    connection: Connection,
    archive: Archive | None,
    scope: Scope,
    dev_eui: str,
    *,
    start: Instant | None = None,
    end: Instant | None = None,
    before_position: int | None = None,
    limit: int = 100,
    has_left: Callable[[], bool] = lambda: False,
) -> list[HistoryItem]:
    """Uplinks of a device of the caller's tenant, newest commit first.

    Only event times with start <= time < end; only positions below `before_position`. At most
    `limit`, and fewer where they are large (`page_length` shows all but the last). Asks before
    each archived day whether the caller `has_left`. Raises ArchiveUnreadable, CallerLeft.
    """
    newest = repository.history(
        connection,
        scope,
        dev_eui,
        start=start,
        end=end,
        before_position=before_position,
        limit=limit,
    )
    listed = _days_of_device(connection, dev_eui, start, end, before_position)
    if not listed:
        return newest

    def wanted(uplink: LoggedUplink) -> bool:
        return (
            (start is None or uplink.event_time >= start)
            and (end is None or uplink.event_time < end)
            and (before_position is None or uplink.position < before_position)
        )

    known = {item.uplink.position: item for item in newest}
    reading = _needed(archive, listed)
    for item in _archived_history(reading, listed, scope, dev_eui, wanted, limit, has_left):
        known[item.uplink.position] = item
    return first_of((known[number] for number in sorted(known, reverse=True)), limit)


def uplinks_of(
    connection: Connection,
    archive: Archive | None,
    tenant_id: str,
    dev_eui: str,
    start: Instant,
    end: Instant,
    until_position: int,
) -> list[LoggedUplink]:
    """The uplinks of a device with start <= event time < end, up to a position of the log.

    Raises ArchiveUnreadable.
    """
    found = repository.uplinks_of(connection, tenant_id, dev_eui, start, end)
    listed = _days_of_device(connection, dev_eui, start, end, until_position + 1)
    known = {uplink.position: uplink for uplink in found}
    for day in listed:
        for item in _backwards(_needed(archive, listed), day, tenant_id, dev_eui):
            if start <= item.uplink.event_time < end:
                known[item.uplink.position] = item.uplink
    return [known[number] for number in sorted(known) if number <= until_position]


def _days_of_device(
    connection: Connection,
    dev_eui: str,
    start: Instant | None,
    end: Instant | None,
    before_position: int | None,
) -> list[ArchivedDay]:
    of_device = select(archived_sessions.c.day).where(archived_sessions.c.dev_eui == dev_eui)
    conditions: list[ColumnElement[bool]] = [archived_days.c.day.in_(of_device)]
    if start is not None:
        conditions.append(archived_days.c.day > start - DAY)
    if end is not None:
        conditions.append(archived_days.c.day < end)
    if before_position is not None:
        conditions.append(archived_days.c.first_position < before_position)
    return days(connection, *conditions)


def _archived_history(
    archive: Archive,
    listed: list[ArchivedDay],
    scope: Scope,
    dev_eui: str,
    wanted: Callable[[LoggedUplink], bool],
    limit: int,
    has_left: Callable[[], bool],
) -> list[HistoryItem]:
    found: list[HistoryItem] = []
    for day in sorted(listed, key=lambda day: day.last, reverse=True):
        full = len(found) == limit or page_length(found) < len(found)
        if full and day.last < found[-1].uplink.position:
            break
        if has_left():
            raise CallerLeft
        of_day = _backwards(archive, day, scope.tenant_id, dev_eui)
        mine = first_of((item for item in of_day if wanted(item.uplink)), limit)
        found = first_of(sorted([*found, *mine], key=lambda item: -item.uplink.position), limit)
    return found


def _backwards(
    archive: Archive, day: ArchivedDay, tenant_id: str, dev_eui: str
) -> Iterator[HistoryItem]:
    from stadtsinn.cloud.log.archive_files.parquet import rows_of

    for batch in archive.of_device(day, tenant_id, dev_eui):
        for end in range(batch.num_rows, 0, -_AT_ONCE):
            start = max(0, end - _AT_ONCE)
            rows = rows_of(batch.slice(start, end - start), [*_READ, "radio"])
            yield from map(item_of, reversed(rows))


def _needed(archive: Archive | None, listed: list[ArchivedDay]) -> Archive:
    if archive is None:
        raise ArchiveUnreadable(
            f"{counted(len(listed), 'day of the log is', 'days of the log are')} archived and "
            "this process was given no archive: start it with [archive] folder in its "
            "configuration",
            f"{counted(len(listed), 'Tag des Logs ist', 'Tage des Logs sind')} verlagert, und "
            "dieser Prozess hat kein Archiv: ihn mit [archive] folder in der Konfiguration "
            "starten",
        )
    return archive
