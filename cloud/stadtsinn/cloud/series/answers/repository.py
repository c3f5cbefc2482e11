"""SQL of the answers: the stations of a map, and what people say of datastreams."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.series.stores.store import SeriesKey
from stadtsinn.cloud.town.stations.repository import station_id
from stadtsinn.cloud.town.stations.tables import datastreams, stations
from stadtsinn.cloud.town.tables import devices, sites


class Place(msgspec.Struct, frozen=True, gc=False):
    """A station as a map shows it; made fast, because a map asks for ten thousand."""

    slug: str
    name: str
    kind: str
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True)
class Datastream:
    """What is said of a quantity of a station on a channel."""

    label: str
    retention_days: int | None
    first_at: Instant


_COLUMNS = (
    stations.c.slug,
    stations.c.name,
    stations.c.kind,
    stations.c.latitude,
    stations.c.longitude,
)


def places_page(
    connection: Connection,
    scope: Scope,
    after: str | None,
    limit: int,
    *,
    kind: str | None = None,
    site: str | None = None,
) -> list[Place]:
    """The caller's stations in the order of their slugs, of a kind or site where given."""
    query = select(*_COLUMNS).where(stations.c.tenant_id == scope.tenant_id)
    if kind is not None:
        query = query.where(stations.c.kind == kind)
    if site is not None:
        query = query.join(sites, sites.c.id == stations.c.site_id).where(sites.c.slug == site)
    if after is not None:
        query = query.where(stations.c.slug > after)
    return _places(connection, query.order_by(stations.c.slug).limit(limit))


def named_places(connection: Connection, scope: Scope, slugs: Collection[str]) -> list[Place]:
    """Those of the stations that are the caller's tenant's, in the order of their slugs."""
    query = select(*_COLUMNS).where(
        stations.c.tenant_id == scope.tenant_id, stations.c.slug.in_(slugs)
    )
    return _places(connection, query.order_by(stations.c.slug))


def _places(connection: Connection, query: Select[Any]) -> list[Place]:
    return [Place(*row) for row in connection.execute(query).all()]


def streams(connection: Connection, scope: Scope, slug: str) -> dict[SeriesKey, Datastream]:
    """The datastreams of a station; raises NotFound where there is no such station."""
    query = select(datastreams).where(
        datastreams.c.station_id == station_id(connection, scope, slug)
    )
    return {
        SeriesKey(slug, row.quantity, row.channel): _stream(row)
        for row in connection.execute(query)
    }


def count_streams(connection: Connection, scope: Scope) -> int:
    """How many datastreams the caller's town has."""
    query = select(func.count()).where(datastreams.c.tenant_id == scope.tenant_id)
    return int(connection.execute(query).scalar_one())


def streams_per_station(
    connection: Connection, scope: Scope, places: Sequence[Place]
) -> dict[str, int]:
    """How many datastreams these stations have, which come in the order of their slugs."""
    if not places:
        return {}
    query = (
        select(stations.c.slug, func.count())
        .join(datastreams, datastreams.c.station_id == stations.c.id)
        .where(
            stations.c.tenant_id == scope.tenant_id,
            stations.c.slug.between(places[0].slug, places[-1].slug),
        )
        .group_by(stations.c.slug)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def describe_stream(
    connection: Connection, scope: Scope, key: SeriesKey, label: str, retention_days: int | None
) -> Datastream:
    """Set label and retention of a datastream; raises NotFound for one that never had a value."""
    present = streams(connection, scope, key.station).get(key)
    if present is None:
        raise NotFound(
            f"The station '{key.station}' has no datastream '{key.quantity}' on the channel "
            f"'{key.channel}': its first value makes it.",
            f"Die Messstelle '{key.station}' hat keine Messreihe '{key.quantity}' auf dem Kanal "
            f"'{key.channel}': ihr erster Wert legt sie an.",
        )
    connection.execute(
        update(datastreams)
        .where(
            datastreams.c.station_id == station_id(connection, scope, key.station),
            datastreams.c.quantity == key.quantity,
            datastreams.c.channel == key.channel,
        )
        .values(label=label, retention_days=retention_days)
    )
    return Datastream(label, retention_days, present.first_at)


def _stream(row: Row[Any]) -> Datastream:
    return Datastream(row.label, row.retention_days, row.first_at)


def device_names(connection: Connection, scope: Scope, dev_euis: Collection[str]) -> dict[str, str]:
    """The names of registered devices."""
    query = select(devices.c.dev_eui, devices.c.name).where(
        devices.c.tenant_id == scope.tenant_id, devices.c.dev_eui.in_(dev_euis)
    )
    return {row.dev_eui: row.name for row in connection.execute(query)}


def device_types(connection: Connection, scope: Scope, dev_euis: Collection[str]) -> dict[str, str]:
    """The types of registered devices."""
    query = select(devices.c.dev_eui, devices.c.device_type).where(
        devices.c.tenant_id == scope.tenant_id, devices.c.dev_eui.in_(dev_euis)
    )
    return {row.dev_eui: row.device_type for row in connection.execute(query)}
