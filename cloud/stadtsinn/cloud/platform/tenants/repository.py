"""SQL of tenants: the operator's, never the API's."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.platform.tenants.tables import tenants


@dataclass(frozen=True)
class Tenant:
    """A municipality or a works of one. `id` is a slug and stands in public addresses."""

    id: str
    name: str
    created_at: Instant


def insert_tenant(connection: Connection, tenant: Tenant) -> None:
    connection.execute(insert(tenants).values(**asdict(tenant)))


def find_tenant(connection: Connection, tenant_id: str) -> Tenant | None:
    row = connection.execute(select(tenants).where(tenants.c.id == tenant_id)).one_or_none()
    return Tenant(*row) if row else None


def require_tenant(connection: Connection, tenant_id: str) -> Tenant:
    """Raises NotFound."""
    found = find_tenant(connection, tenant_id)
    if found is None:
        raise NotFound(f"There is no tenant '{tenant_id}'. Make it with 'stadtsinn tenant create'.")
    return found


def all_tenants(connection: Connection) -> list[Tenant]:
    return [Tenant(*row) for row in connection.execute(select(tenants).order_by(tenants.c.id))]


def rename_tenant(connection: Connection, tenant_id: str, name: str) -> None:
    connection.execute(update(tenants).where(tenants.c.id == tenant_id).values(name=name))
