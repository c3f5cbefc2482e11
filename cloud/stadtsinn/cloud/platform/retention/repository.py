"""SQL of what tenants have set of how long their data are kept."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from stadtsinn.cloud.platform.database.upsert import insert_or_update
from stadtsinn.cloud.platform.retention.tables import tenant_retention


def own_days(connection: Connection, tenant_id: str) -> dict[str, int | None]:
    """What the tenant has set itself."""
    query = select(tenant_retention.c.name, tenant_retention.c.days)
    rows = connection.execute(query.where(tenant_retention.c.tenant_id == tenant_id))
    return {row.name: row.days for row in rows}


def set_days(connection: Connection, tenant_id: str, name: str, days: int | None) -> None:
    row = {"tenant_id": tenant_id, "name": name, "days": days}
    insert_or_update(connection, tenant_retention, row)


def remove_days(connection: Connection, tenant_id: str, name: str) -> None:
    table = tenant_retention.c
    connection.execute(
        delete(tenant_retention).where(table.tenant_id == tenant_id, table.name == name)
    )
