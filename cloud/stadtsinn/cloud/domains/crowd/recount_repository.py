"""SQL of counting anew: the parts of stations that changed deployments concern."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.database.in_turn import number_in_town
from stadtsinn.cloud.town.stations.tables import series_corrections

_AT_ONCE = 500


@dataclass(frozen=True)
class Uncounted:
    """A part of a station's time, `start` <= event time < `end`, see `series_corrections`.

    `counted_to`: the zone up to which it is counted anew already.
    """

    id: int
    tenant_id: str
    station: str
    start: Instant
    end: Instant
    counted_to: int = 0


def uncounted(connection: Connection) -> list[Uncounted]:
    """Parts that nobody has looked at yet: the oldest change of each town, then the second ones."""
    table = series_corrections.c
    query = (
        select(table.id, table.tenant_id, table.station, table.start, table.end, table.counted_to)
        .where(table.counted_at.is_(None))
        .order_by(number_in_town(table.tenant_id, table.id), table.id)
        .limit(_AT_ONCE)
    )
    return [Uncounted(*row) for row in connection.execute(query)]


def are_uncounted(connection: Connection, ids: Collection[int] | None) -> bool:
    """Whether these parts wait still; None: whether any does."""
    table = series_corrections.c
    query = select(func.count()).where(table.counted_at.is_(None))
    if ids is None:
        return bool(connection.scalar(query))
    return connection.scalar(query.where(table.id.in_(ids))) == len(ids)


def note_counted_to(connection: Connection, ids: Collection[int], zone_id: int) -> None:
    """These parts are counted anew in the zones up to this one."""
    parts = update(series_corrections).where(series_corrections.c.id.in_(ids))
    connection.execute(parts.values(counted_to=zone_id))


def mark_counted(connection: Connection, ids: Collection[int], now: Instant) -> None:
    connection.execute(
        update(series_corrections).where(series_corrections.c.id.in_(ids)).values(counted_at=now)
    )


def mark_all_counted(connection: Connection, now: Instant) -> None:
    """Everything is counted from the beginning of the log, by the deployments of now."""
    table = series_corrections
    connection.execute(update(table).where(table.c.counted_at.is_(None)).values(counted_at=now))
