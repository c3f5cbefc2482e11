"""The SQL of parking: which spaces and counted lots a town has, and how often they report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.cloud.town.tables import devices, sites

SPACE, LOT = "parking_space", "parking_lot"


@dataclass(frozen=True)
class Place:
    """A station of parking. `site` is where it is, by slug and name; `interval_s` how often its
    device reports at least, None: none is there."""

    slug: str
    name: str
    name_en: str
    kind: str
    site: str | None
    site_name: str | None
    latitude: float | None
    longitude: float | None
    attributes: Mapping[str, Any]
    interval_s: int | None


def places_of(connection: Connection, scope: Scope, now: Instant) -> list[Place]:
    """The spaces and counted lots of a town, in the order of their sites and names."""
    here = and_(
        deployments.c.station_id == stations.c.id,
        deployments.c.start <= now,
        or_(deployments.c.end.is_(None), deployments.c.end > now),
    )
    intervals = (
        select(func.max(devices.c.interval_s))
        .join_from(deployments, devices, devices.c.dev_eui == deployments.c.dev_eui)
        .where(here, devices.c.tenant_id == stations.c.tenant_id)
        .scalar_subquery()
    )
    query = (
        select(
            stations.c.slug,
            stations.c.name,
            stations.c.name_en,
            stations.c.kind,
            sites.c.slug.label("site"),
            sites.c.name.label("site_name"),
            stations.c.latitude,
            stations.c.longitude,
            stations.c.attributes,
            intervals.label("interval_s"),
        )
        .outerjoin(sites, sites.c.id == stations.c.site_id)
        .where(stations.c.tenant_id == scope.tenant_id, stations.c.kind.in_((SPACE, LOT)))
        .order_by(sites.c.slug, stations.c.slug)
    )
    return [Place(**row) for row in connection.execute(query).mappings()]
