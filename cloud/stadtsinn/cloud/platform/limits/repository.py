"""SQL of limits: what tenants have of their own, and how much they have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, delete, func, select

from stadtsinn.cloud.platform.database.upsert import insert_or_update
from stadtsinn.cloud.platform.limits.tables import tenant_limits


def limits_of(connection: Connection, tenant_id: str) -> dict[str, int]:
    """The limits that the tenant has of its own."""
    query = select(tenant_limits.c.name, tenant_limits.c.value)
    return {
        row.name: row.value
        for row in connection.execute(query.where(tenant_limits.c.tenant_id == tenant_id))
    }


def all_limits(connection: Connection) -> dict[str, dict[str, int]]:
    """Of every tenant that has any of its own."""
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(select(tenant_limits)):
        found.setdefault(row.tenant_id, {})[row.name] = row.value
    return found


def set_limit(connection: Connection, tenant_id: str, name: str, value: int) -> None:
    row = {"tenant_id": tenant_id, "name": name, "value": value}
    insert_or_update(connection, tenant_limits, row)


def remove_limit(connection: Connection, tenant_id: str, name: str) -> None:
    table = tenant_limits.c
    connection.execute(
        delete(tenant_limits).where(table.tenant_id == tenant_id, table.name == name)
    )


def rows_of(connection: Connection, tenant_id: str, table: Table, *conditions: Any) -> int:
    """How many rows a tenant has in a table."""
    query = select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id)
    return int(connection.execute(query.where(*conditions)).scalar_one())
