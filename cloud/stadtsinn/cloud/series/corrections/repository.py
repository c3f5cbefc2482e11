"""SQL of corrections: parts of stations' series that are to be made anew."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select, update

from stadtsinn.base.batches import batched
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.tables import archived_sessions, uplinks
from stadtsinn.cloud.platform.access.rows import NAMED, rows_named
from stadtsinn.cloud.platform.database.in_turn import number_in_town
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.town.stations.tables import series_corrections


@dataclass(frozen=True)
class Correction:
    """A part that was asked for; see `series_corrections`."""

    id: int
    part: SeriesPart


def waiting(connection: Connection, limit: int) -> list[Correction]:
    """Corrections that are not done: the oldest of each town, then the second ones, and so on."""
    table = series_corrections.c
    return _corrections(
        connection,
        limit,
        table.done_at.is_(None),
        number_in_town(table.tenant_id, table.id),
    )


def waiting_after(connection: Connection, newest: int) -> list[Correction]:
    """Corrections that were asked for after the one with this id."""
    return _corrections(connection, None, series_corrections.c.id > newest)


def newest_id(connection: Connection) -> int:
    """The id of the correction that was asked for last; 0 before the first."""
    return connection.execute(select(func.max(series_corrections.c.id))).scalar_one() or 0


def _corrections(
    connection: Connection,
    limit: int | None,
    condition: ColumnElement[bool],
    *order: ColumnElement[int],
) -> list[Correction]:
    table = series_corrections.c
    query = (
        select(table.id, table.tenant_id, table.station, table.start, table.end)
        .where(condition)
        .order_by(*order, table.id)
        .limit(limit)
    )
    return [Correction(row[0], SeriesPart(*row[1:])) for row in connection.execute(query)]


def count_waiting(connection: Connection) -> int:
    query = select(func.count()).where(series_corrections.c.done_at.is_(None))
    return connection.execute(query.select_from(series_corrections)).scalar_one()


def mark_done(connection: Connection, ids: Collection[int], now: Instant) -> None:
    for some in batched(ids, NAMED):
        mine = series_corrections.c.id.in_(some)
        connection.execute(update(series_corrections).where(mine).values(done_at=now))


def with_uplinks(connection: Connection, dev_euis: Collection[str]) -> set[str]:
    """Those of the devices that the log holds uplinks of."""
    columns = (uplinks.c.dev_eui, archived_sessions.c.dev_eui)
    return {
        row.dev_eui
        for column in columns
        for row in rows_named(connection, select(column).distinct(), column, dev_euis)
    }
