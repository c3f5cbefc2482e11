"""SQL of datastreams and of how far the series store is filled."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, insert, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.platform.database.upsert import insert_ignore
from stadtsinn.cloud.series.stores.store import SeriesKey
from stadtsinn.cloud.series.tables import series_filling
from stadtsinn.cloud.town.stations.tables import datastreams, stations

Stream = tuple[str, SeriesKey]
"""tenant, series"""


def make_streams(connection: Connection, first: Mapping[Stream, Instant]) -> set[Stream]:
    """Make datastreams, with the time of their first value; returns those that were there.

    A station that was deleted a moment ago gets none.
    """
    present: set[Stream] = set()
    for stream, moment in first.items():
        tenant_id, key = stream
        station = _station_id(connection, tenant_id, key.station)
        if station is None:
            continue
        row = {
            "tenant_id": tenant_id,
            "station_id": station,
            "quantity": key.quantity,
            "channel": key.channel,
            "label": "",
            "first_at": moment,
        }
        if not insert_ignore(connection, datastreams, [row]):
            present.add(stream)
    return present


def _station_id(connection: Connection, tenant_id: str, slug: str) -> int | None:
    query = select(stations.c.id).where(stations.c.tenant_id == tenant_id, stations.c.slug == slug)
    return connection.execute(query).scalar_one_or_none()


def streams_of(connection: Connection, tenant_id: str, slug: str) -> set[SeriesKey]:
    """The datastreams that a station has."""
    query = (
        select(datastreams.c.quantity, datastreams.c.channel)
        .join(stations, stations.c.id == datastreams.c.station_id)
        .where(stations.c.tenant_id == tenant_id, stations.c.slug == slug)
    )
    return {SeriesKey(slug, *row) for row in connection.execute(query)}


def forget_empty(
    connection: Connection,
    tenant_id: str,
    slug: str,
    left: Collection[SeriesKey],
) -> None:
    """Take away a station's datastreams without values that nobody has said anything of."""
    station = _station_id(connection, tenant_id, slug)
    table = datastreams.c
    untouched = (table.station_id == station, table.label == "", table.retention_days.is_(None))
    rows = connection.execute(select(table.id, table.quantity, table.channel).where(*untouched))
    empty = [row.id for row in rows if SeriesKey(slug, row.quantity, row.channel) not in left]
    if empty:
        connection.execute(delete(datastreams).where(table.id.in_(empty)))


def layout(connection: Connection) -> int | None:
    """The layout that the store was filled with; None before the first note of it."""
    return connection.execute(select(series_filling.c.layout)).scalar_one_or_none()


def note_beginning(connection: Connection, layout: int) -> None:
    """The store is empty, and filled from the log from now on."""
    connection.execute(delete(series_filling))
    row = {"id": 1, "layout": layout, "until": head(connection)}
    connection.execute(insert(series_filling).values(row))


def filled_until(connection: Connection) -> int:
    """The position at which a rebuild is complete; 0 where none was noted."""
    return connection.execute(select(series_filling.c.until)).scalar_one_or_none() or 0
