"""SQL of uplinks that a follower could not apply."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, func, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.set_aside.tables import set_aside
from stadtsinn.cloud.platform.database.upsert import insert_ignore

KEPT = 1_000
"""Rows of each follower; the oldest go first."""


@dataclass(frozen=True)
class SetAside:
    """An uplink that a follower went past. `reason` is the class of the error."""

    follower: str
    position: int
    dev_eui: str
    reason: str
    detail: str
    set_aside_at: Instant
    tenant_id: str | None = None


def add(connection: Connection, one: SetAside) -> None:
    """Note an uplink, and forget the oldest of that follower beyond `KEPT`."""
    table = set_aside
    insert_ignore(connection, table, [asdict(one)])
    mine = table.c.follower == one.follower
    newest_too_many = connection.scalar(
        select(table.c.position).where(mine).order_by(table.c.position.desc()).offset(KEPT).limit(1)
    )
    if newest_too_many is not None:
        connection.execute(delete(table).where(mine, table.c.position <= newest_too_many))


def listed(connection: Connection, follower: str | None, limit: int) -> list[SetAside]:
    """Of one follower or of all, the newest first."""
    table = set_aside
    query = select(table).order_by(table.c.set_aside_at.desc(), table.c.position.desc())
    if follower is not None:
        query = query.where(table.c.follower == follower)
    return [SetAside(*row) for row in connection.execute(query.limit(limit))]


def count(connection: Connection, follower: str) -> int:
    """How many are on record for a follower, `KEPT` at most."""
    table = set_aside
    query = select(func.count()).select_from(table).where(table.c.follower == follower)
    return int(connection.execute(query).scalar_one())


def forget(connection: Connection, follower: str) -> None:
    """Before the log is read again from its start."""
    connection.execute(delete(set_aside).where(set_aside.c.follower == follower))
