"""Makes tenants."""

from __future__ import annotations

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Conflict
from stadtsinn.cloud.platform.tenants import repository
from stadtsinn.cloud.platform.tenants.repository import Tenant


def create_tenant(connection: Connection, tenant_id: str, name: str, now: Instant) -> Tenant:
    """Make a tenant; raises Conflict when it exists."""
    present = repository.find_tenant(connection, tenant_id)
    if present is not None and present.erasing_since is not None:
        raise repository.being_erased(tenant_id)
    if present is not None:
        raise Conflict(
            f"There is already a tenant '{tenant_id}'.",
            f"Es gibt schon eine Stadt '{tenant_id}'.",
        )
    tenant = Tenant(tenant_id, name, now)
    repository.insert_tenant(connection, tenant)
    return tenant
