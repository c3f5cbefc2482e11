"""Reads keys. `access.service` creates and checks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.access.rows import only_row
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.access.tables import api_keys


@dataclass(frozen=True)
class Key:
    """An API key without anything that could be used as one."""

    id: int
    tenant_id: str
    name: str
    role: Role
    prefix: str
    created_at: Instant
    revoked_at: Instant | None
    last_used_at: Instant | None


_COLUMNS = (
    api_keys.c.id,
    api_keys.c.tenant_id,
    api_keys.c.name,
    api_keys.c.role,
    api_keys.c.prefix,
    api_keys.c.created_at,
    api_keys.c.revoked_at,
    api_keys.c.last_used_at,
)


def _key(row: Row[*tuple[Any, ...]]) -> Key:
    return Key(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        role=Role(row.role),
        prefix=row.prefix,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def key(connection: Connection, scope: Scope, key_id: int) -> Key:
    """A key of the caller's tenant, revoked or not; raises NotFound."""
    where = (api_keys.c.tenant_id == scope.tenant_id) & (api_keys.c.id == key_id)
    row = only_row(connection, select(*_COLUMNS).where(where), "key", key_id)
    return _key(row)


def keys_page(connection: Connection, scope: Scope, after: int | None, limit: int) -> list[Key]:
    """Keys of the caller's tenant in the order of their making."""
    query = (
        select(*_COLUMNS)
        .where(api_keys.c.tenant_id == scope.tenant_id, api_keys.c.id > (after or 0))
        .order_by(api_keys.c.id)
        .limit(limit)
    )
    return [_key(row) for row in connection.execute(query)]


def all_keys(connection: Connection) -> list[Key]:
    """Keys of every tenant, for the operator's command line."""
    return [_key(row) for row in connection.execute(select(*_COLUMNS).order_by(api_keys.c.id))]
