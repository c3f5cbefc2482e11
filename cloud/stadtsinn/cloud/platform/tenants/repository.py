"""SQL of tenants: the operator's, never the API's."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Select, insert, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Conflict, NotFound
from stadtsinn.cloud.platform.tenants.tables import tenants


@dataclass(frozen=True)
class Tenant:
    """A municipality or a works of one. `id` is a slug and stands in public addresses."""

    id: str
    name: str
    created_at: Instant
    erasing_since: Instant | None = None


def insert_tenant(connection: Connection, tenant: Tenant) -> None:
    connection.execute(insert(tenants).values(**asdict(tenant)))


def find_tenant(connection: Connection, tenant_id: str) -> Tenant | None:
    row = connection.execute(select(tenants).where(tenants.c.id == tenant_id)).one_or_none()
    return Tenant(*row) if row else None


def require_tenant(connection: Connection, tenant_id: str) -> Tenant:
    """Raises NotFound, Conflict for one that is being erased."""
    found = find_tenant(connection, tenant_id)
    if found is None:
        raise NotFound(
            f"There is no tenant '{tenant_id}'. Make it with 'stadtsinn tenant create'.",
            f"Es gibt keine Stadt '{tenant_id}': 'stadtsinn tenant create' legt sie an.",
        )
    if found.erasing_since is not None:
        raise being_erased(tenant_id)
    return found


def being_erased(tenant_id: str) -> Conflict:
    return Conflict(
        f"The town '{tenant_id}' is being erased: 'stadtsinn tenant delete {tenant_id}' goes on "
        "with it and ends it.",
        f"Die Stadt '{tenant_id}' wird gerade gelöscht: 'stadtsinn tenant delete {tenant_id}' "
        "setzt das fort und beendet es.",
    )


def erasing() -> Select[tuple[str]]:
    """The towns that are being erased: nobody sees them any more."""
    return select(tenants.c.id).where(tenants.c.erasing_since.is_not(None))


def all_tenants(connection: Connection) -> list[Tenant]:
    return [Tenant(*row) for row in connection.execute(select(tenants).order_by(tenants.c.id))]


def rename_tenant(connection: Connection, tenant_id: str, name: str) -> None:
    connection.execute(update(tenants).where(tenants.c.id == tenant_id).values(name=name))
