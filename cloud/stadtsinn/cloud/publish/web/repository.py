"""The zones that a town shows to everybody. The only query here that needs no scope: it knows
no other zones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from stadtsinn.cloud.platform.tenants.tables import tenants
from stadtsinn.cloud.town.tables import zones


@dataclass(frozen=True)
class PublicZone:
    """A zone that is public, with what may be told about it."""

    id: int
    tenant: str
    tenant_name: str
    slug: str
    name: str
    name_en: str
    permitted: int | None
    interval_s: int


def _public() -> Select[Any]:
    return (
        select(
            zones.c.id,
            tenants.c.id,
            tenants.c.name,
            zones.c.slug,
            zones.c.name,
            zones.c.name_en,
            zones.c.permitted,
            zones.c.interval_s,
        )
        .join_from(zones, tenants, zones.c.tenant_id == tenants.c.id)
        .where(zones.c.public.is_(True))
    )


def public_zone(connection: Connection, tenant: str, slug: str) -> PublicZone | None:
    """A public zone; None where there is none of that name, or it is not public."""
    row = connection.execute(
        _public().where(tenants.c.id == tenant, zones.c.slug == slug)
    ).one_or_none()
    return PublicZone(*row) if row else None


def public_zones(connection: Connection) -> Iterator[PublicZone]:
    """All public zones, by town and name."""
    for row in connection.execute(_public().order_by(tenants.c.name, zones.c.name)):
        yield PublicZone(*row)
