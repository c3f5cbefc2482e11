"""The zones that a town publishes. These queries need no scope: they return public zones only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, select

from stadtsinn.cloud.domains.crowd.zones.model import Zone
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.platform.tenants.tables import tenants
from stadtsinn.cloud.town.tables import sites


class PublicZone(Zone):
    """A zone that is public, with its key and its town."""

    id: int
    tenant: str
    tenant_name: str


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
        .where(zones.c.public.is_(True))
    )


def _public_zone(row: object) -> PublicZone:
    return PublicZone.model_validate(row, from_attributes=True)


def public_zone(connection: Connection, tenant: str, slug: str) -> PublicZone | None:
    """A public zone; None where there is none of that name, or it is not public."""
    row = connection.execute(
        _public().where(tenants.c.id == tenant, zones.c.slug == slug)
    ).one_or_none()
    return _public_zone(row) if row else None


def public_zones(connection: Connection) -> Iterator[PublicZone]:
    """All public zones, by town and name."""
    for row in connection.execute(_public().order_by(tenants.c.name, zones.c.name)):
        yield _public_zone(row)
