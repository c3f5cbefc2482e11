"""The SQL of stations as they are now, with how often the devices there report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.tenants.repository import erasing
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.cloud.town.tables import devices, sites

PUBLIC = "public"
"""The tag of stations whose numbers everybody may see."""


@dataclass(frozen=True)
class Place:
    """A station. `site` is where it is, by slug and name; `interval_s` how often the slowest device
    there reports at least, None: none is there."""

    slug: str
    name: str
    name_en: str
    kind: str
    site: str | None
    site_name: str | None
    latitude: float | None
    longitude: float | None
    attributes: Mapping[str, Any]
    tags: Sequence[str]
    interval_s: int | None


def places_of(
    connection: Connection,
    scope: Scope,
    now: Instant,
    *,
    kinds: Collection[str] | None = None,
    slugs: Collection[str] | None = None,
) -> list[Place]:
    """The stations of a town of these kinds, or with these slugs, in the order of their sites and
    slugs."""
    return _places(connection, scope.tenant_id, now, kinds, slugs)


def public_places(
    connection: Connection, tenant_id: str, now: Instant, kinds: Collection[str]
) -> list[Place]:
    """Those that the town has tagged as `public`: for everybody, without a key."""
    found = _places(connection, tenant_id, now, kinds, None)
    return [one for one in found if PUBLIC in one.tags]


def _places(
    connection: Connection,
    tenant_id: str,
    now: Instant,
    kinds: Collection[str] | None,
    slugs: Collection[str] | None,
) -> list[Place]:
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
            stations.c.tags,
            intervals.label("interval_s"),
        )
        .outerjoin(sites, sites.c.id == stations.c.site_id)
        .where(stations.c.tenant_id == tenant_id, stations.c.tenant_id.not_in(erasing()))
        .order_by(sites.c.slug, stations.c.slug)
    )
    if kinds is not None:
        query = query.where(stations.c.kind.in_(kinds))
    if slugs is not None:
        query = query.where(stations.c.slug.in_(slugs))
    return [Place(**row) for row in connection.execute(query).mappings()]
