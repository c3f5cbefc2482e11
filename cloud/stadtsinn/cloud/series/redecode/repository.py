"""SQL of decoding history again: its records, and the table's part of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.tables import archived_days, uplinks
from stadtsinn.cloud.series.redecode.report import DeviceChanges, Report
from stadtsinn.cloud.series.redecode.selection import Selection
from stadtsinn.cloud.series.redecode.tables import redecoding_devices, redecodings


@dataclass(frozen=True)
class Redecoding:
    """A record of history decoded again. `decoders`: uplinks by decoder then and now."""

    id: int
    chosen: Selection
    started_by: str
    started_at: Instant
    finished_at: Instant | None
    decoders: list[dict[str, Any]]


@dataclass(frozen=True)
class Pending:
    """A device that is still to be done. `first` to `last`: the times of its points that differ,
    None where none does."""

    tenant_id: str
    dev_eui: str
    first: Instant | None
    last: Instant | None
    delayed: bool


def begin(connection: Connection, chosen: Selection, who: str, now: Instant, report: Report) -> int:
    """Record a run and the devices it changes; returns its id."""
    decoders = [
        {"old": old, "new": new, "uplinks": count}
        for (old, new), count in sorted(report.decoders.items())
    ]
    made = connection.execute(
        insert(redecodings).values(
            tenant_id=chosen.tenant_id,
            started_by=who,
            started_at=now,
            range_start=chosen.start,
            range_end=chosen.end,
            devices=sorted(chosen.devices),
            last_position=chosen.last_position,
            decoders=decoders,
        )
    )
    (number,) = made.inserted_primary_key or (0,)
    rows = [
        {
            "redecoding": number,
            "tenant_id": tenant_id,
            "dev_eui": dev_eui,
            "series_start": changes.first,
            "series_end": changes.last,
            "delayed": changes.delayed,
        }
        for (tenant_id, dev_eui), changes in report.in_order()
    ]
    if rows:
        connection.execute(insert(redecoding_devices), rows)
    return int(number)


def use_file(connection: Connection, day: Instant, file: str) -> None:
    """A day's uplinks are read from another version of its file from now on."""
    connection.execute(update(archived_days).where(archived_days.c.day == day).values(file=file))


def records(connection: Connection, *conditions: ColumnElement[bool]) -> list[Redecoding]:
    """Records that fulfil the conditions, in the order of their start."""
    table = redecodings.c
    query = select(redecodings).where(*conditions).order_by(table.id)
    return [
        Redecoding(
            id=row.id,
            chosen=Selection(
                row.range_start,
                row.range_end,
                row.last_position,
                row.tenant_id,
                frozenset(row.devices),
            ),
            started_by=row.started_by,
            started_at=row.started_at,
            finished_at=row.finished_at,
            decoders=row.decoders,
        )
        for row in connection.execute(query)
    ]


def unfinished(connection: Connection) -> list[Redecoding]:
    """Runs under way, or killed and to be continued."""
    return records(connection, redecodings.c.finished_at.is_(None))


def pending(connection: Connection, redecoding: int) -> list[Pending]:
    """Devices that are not done, sorted."""
    table = redecoding_devices.c
    query = (
        select(table.tenant_id, table.dev_eui, table.series_start, table.series_end, table.delayed)
        .where(table.redecoding == redecoding, table.done_at.is_(None))
        .order_by(table.tenant_id, table.dev_eui)
    )
    return [Pending(*row) for row in connection.execute(query)]


def widen(connection: Connection, redecoding: int, old: Pending, more: DeviceChanges) -> Pending:
    """Make sure that the part of the series to be replaced holds these changes, too."""
    moments = [m for m in (old.first, old.last, more.first, more.last) if m is not None]
    first, last = min(moments, default=None), max(moments, default=None)
    wide = Pending(old.tenant_id, old.dev_eui, first, last, old.delayed or more.delayed)
    if wide != old:
        connection.execute(
            update(redecoding_devices)
            .where(*_is(redecoding, old))
            .values(series_start=first, series_end=last, delayed=wide.delayed)
        )
    return wide


def mark_done(connection: Connection, redecoding: int, device: Pending, now: Instant) -> None:
    connection.execute(
        update(redecoding_devices).where(*_is(redecoding, device)).values(done_at=now)
    )


def finish(connection: Connection, redecoding: int, now: Instant) -> None:
    connection.execute(
        update(redecodings).where(redecodings.c.id == redecoding).values(finished_at=now)
    )


def _is(redecoding: int, device: Pending) -> tuple[ColumnElement[bool], ...]:
    table = redecoding_devices.c
    return (
        table.redecoding == redecoding,
        table.tenant_id == device.tenant_id,
        table.dev_eui == device.dev_eui,
    )


def in_table(chosen: Selection) -> tuple[ColumnElement[bool], ...]:
    """The part of a selection that SQL can check; its mask checks the rest."""
    conditions: list[ColumnElement[bool]] = [
        uplinks.c.event_time >= chosen.start,
        uplinks.c.event_time < chosen.end,
        uplinks.c.position <= chosen.last_position,
    ]
    if chosen.tenant_id is not None:
        conditions.append(uplinks.c.tenant_id == chosen.tenant_id)
    return tuple(conditions)


def of_device(tenant_id: str, dev_eui: str) -> tuple[ColumnElement[bool], ...]:
    return (uplinks.c.tenant_id == tenant_id, uplinks.c.dev_eui == dev_eui)


def count_behind(connection: Connection, chosen: Selection) -> int:
    """Uplinks of the range that are behind its last position, of whatever device."""
    conditions = [
        uplinks.c.event_time >= chosen.start,
        uplinks.c.event_time < chosen.end,
        uplinks.c.position > chosen.last_position,
    ]
    if chosen.tenant_id is not None:
        conditions.append(uplinks.c.tenant_id == chosen.tenant_id)
    query = select(func.count()).select_from(uplinks).where(*conditions)
    return connection.execute(query).scalar_one()


def write_outcomes(connection: Connection, changed: Sequence[tuple[int, bytes]]) -> None:
    """Other outcomes for rows of the table, by their positions."""
    connection.execute(
        update(uplinks)
        .where(uplinks.c.position == bindparam("at"))
        .values(outcome=bindparam("now")),
        [{"at": at, "now": now} for at, now in changed],
    )
