"""SQL of datastreams and of how far the series store is filled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, Update, delete, exists, insert, select, update

from stadtsinn.base.batches import batched
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.platform.database.upsert import insert_ignore_all
from stadtsinn.cloud.series.stores.store import SeriesKey
from stadtsinn.cloud.series.tables import series_filling
from stadtsinn.cloud.town.stations.tables import datastreams, series_corrections, stations

Stream = tuple[str, SeriesKey]
"""tenant, series"""

Station = tuple[str, str]
"""tenant, slug"""

_NAMED = 5_000
"""Rows named in one query: SQLite takes 32,766 parameters."""


def make_streams(connection: Connection, first: Mapping[Stream, Instant]) -> None:
    """Make the datastreams that are not there yet, with the time of their first value.

    A station that was deleted a moment ago gets none.
    """
    ids = _station_ids(connection, {(tenant_id, key.station) for tenant_id, key in first})
    present = _present(connection, ids)
    rows = [
        {
            "tenant_id": tenant_id,
            "station_id": ids[tenant_id, key.station],
            "quantity": key.quantity,
            "channel": key.channel,
            "label": "",
            "first_at": moment,
        }
        for (tenant_id, key), moment in first.items()
        if (tenant_id, key) not in present and (tenant_id, key.station) in ids
    ]
    insert_ignore_all(connection, datastreams, rows)


def _station_ids(connection: Connection, named: Iterable[Station]) -> dict[Station, int]:
    """The ids of the stations that exist."""
    slugs: dict[str, list[str]] = defaultdict(list)
    for tenant_id, slug in named:
        slugs[tenant_id].append(slug)
    found: dict[Station, int] = {}
    for tenant_id, own in slugs.items():
        for some in batched(sorted(own), _NAMED):
            query = select(stations.c.slug, stations.c.id).where(
                stations.c.tenant_id == tenant_id, stations.c.slug.in_(some)
            )
            found |= {(tenant_id, slug): id_ for slug, id_ in connection.execute(query)}
    return found


def _present(connection: Connection, ids: Mapping[Station, int]) -> set[Stream]:
    """All datastreams of these stations."""
    named = {id_: station for station, id_ in ids.items()}
    table = datastreams.c
    found: set[Stream] = set()
    for some in batched(sorted(named), _NAMED):
        query = select(table.station_id, table.quantity, table.channel)
        for id_, *rest in connection.execute(query.where(table.station_id.in_(some))):
            tenant_id, slug = named[id_]
            found.add((tenant_id, SeriesKey(slug, *rest)))
    return found


def settled_streams(connection: Connection) -> set[Stream]:
    """All datastreams but those that a correction under way may take away."""
    table = datastreams.c
    corrected = (
        series_corrections.c.tenant_id == stations.c.tenant_id,
        series_corrections.c.station == stations.c.slug,
        series_corrections.c.done_at.is_(None),
    )
    query = (
        select(stations.c.tenant_id, stations.c.slug, table.quantity, table.channel)
        .join(stations, stations.c.id == table.station_id)
        .where(~exists().where(*corrected))
    )
    return {(row[0], SeriesKey(*row[1:])) for row in connection.execute(query).all()}


def streams_of(connection: Connection, tenant_id: str, slug: str) -> set[SeriesKey]:
    """The datastreams that a station has."""
    query = (
        select(datastreams.c.quantity, datastreams.c.channel)
        .join(stations, stations.c.id == datastreams.c.station_id)
        .where(stations.c.tenant_id == tenant_id, stations.c.slug == slug)
    )
    return {SeriesKey(slug, *row) for row in connection.execute(query)}


def retention_days(
    connection: Connection, tenant_id: str, slug: str | None = None
) -> dict[SeriesKey, int]:
    """The datastreams of a tenant, or of one of its stations, with a retention of their own."""
    table = datastreams.c
    query = (
        select(stations.c.slug, table.quantity, table.channel, table.retention_days)
        .join(stations, stations.c.id == table.station_id)
        .where(stations.c.tenant_id == tenant_id, table.retention_days.is_not(None))
    )
    if slug is not None:
        query = query.where(stations.c.slug == slug)
    return {SeriesKey(*row[:3]): row[3] for row in connection.execute(query)}


def forget_empty(
    connection: Connection,
    tenant_id: str,
    slug: str,
    left: Collection[SeriesKey],
) -> None:
    """Take away a station's datastreams without values that nobody has said anything of."""
    station = _station_ids(connection, {(tenant_id, slug)}).get((tenant_id, slug))
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


def filled_otherwise() -> Update:
    """The store was filled for another log: when the follower starts it is filled anew."""
    return update(series_filling).values(layout=0)


def filled_until(connection: Connection) -> int:
    """The position at which a rebuild is complete; 0 where none was noted."""
    return connection.execute(select(series_filling.c.until)).scalar_one_or_none() or 0
