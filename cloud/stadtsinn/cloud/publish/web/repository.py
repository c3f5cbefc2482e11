"""The zones that a town publishes. These queries need no scope: they return public zones only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, func, select

from stadtsinn.cloud.domains.crowd.tables import zone_samples
from stadtsinn.cloud.domains.crowd.zones.model import Zone
from stadtsinn.cloud.domains.crowd.zones.permits import PlannedPermit
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.platform.tenants.tables import tenants
from stadtsinn.cloud.town.directory import read_revision
from stadtsinn.cloud.town.tables import sites


class PublicZone(Zone):
    """A zone that is public, with its key and its town."""

    id: int
    tenant: str
    tenant_name: str
    planned: tuple[PlannedPermit, ...] = ()


def _public() -> Select[Any]:
    return (
        select(
            zones,
            sites.c.slug.label("site"),
            tenants.c.id.label("tenant"),
            tenants.c.name.label("tenant_name"),
        )
        .join_from(zones, tenants, zones.c.tenant_id == tenants.c.id)
        .outerjoin(sites, zones.c.site_id == sites.c.id)
        .where(zones.c.public.is_(True), tenants.c.erasing_since.is_(None))
    )


def _public_zone(row: object) -> PublicZone:
    return PublicZone.model_validate(row, from_attributes=True)


def public_zone(connection: Connection, tenant: str, slug: str) -> PublicZone | None:
    """A public zone; None where there is none of that name, or it is not public."""
    row = connection.execute(
        _public().where(tenants.c.id == tenant, zones.c.slug == slug)
    ).one_or_none()
    return _public_zone(row) if row else None


def public_zones(connection: Connection, tenant: str | None = None) -> Iterator[PublicZone]:
    """All public zones, or those of one town, by town and name."""
    query = _public().order_by(tenants.c.name, zones.c.name)
    if tenant is not None:
        query = query.where(tenants.c.id == tenant)
    for row in connection.execute(query):
        yield _public_zone(row)


def mark_of(connection: Connection, zone_id: int | None) -> tuple[int, ...]:
    """What changes whenever the words about a zone may: the registry's revision, and the position
    of the zone's newest sample. Without a zone the revision alone."""
    revision = read_revision(connection)
    if zone_id is None:
        return (revision,)
    newest = connection.scalar(
        select(func.max(zone_samples.c.position)).where(zone_samples.c.zone_id == zone_id)
    )
    return (revision, newest or 0)
