"""Which devices a caller's map shows: just their names, since a map asks for ten thousand."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.tables import devices, sites


def dev_euis_page(
    connection: Connection, scope: Scope, after: str | None, limit: int, site_slug: str | None
) -> list[str]:
    """DevEUIs of the caller's tenant in order, of one site where given."""
    query = select(devices.c.dev_eui).where(devices.c.tenant_id == scope.tenant_id)
    if site_slug is not None:
        query = query.join(sites, devices.c.site_id == sites.c.id).where(sites.c.slug == site_slug)
    if after is not None:
        query = query.where(devices.c.dev_eui > after)
    return list(connection.execute(query.order_by(devices.c.dev_eui).limit(limit)).scalars())


def own_dev_euis(connection: Connection, scope: Scope, asked: Collection[str]) -> set[str]:
    """Those of the devices that belong to the caller's tenant."""
    query = select(devices.c.dev_eui).where(
        devices.c.tenant_id == scope.tenant_id, devices.c.dev_eui.in_(asked)
    )
    return set(connection.execute(query).scalars())
