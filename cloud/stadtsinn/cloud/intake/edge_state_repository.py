"""SQL of what edge agents said of themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func, select

from stadtsinn.base.batches import batched
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.tables import edge_states, edge_streams
from stadtsinn.cloud.platform.database.upsert import insert_into

_ASKED_AT_ONCE = 1_000


@dataclass(frozen=True)
class EdgeState:
    """`status` is what the agent said last while it was there, empty before the first; `heard_at`
    when that was; `offline_at` since when the broker has not got it, None while it has."""

    edge_id: str
    status: bytes
    heard_at: Instant
    offline_at: Instant | None
    offline_reason: str


def states(connection: Connection, edge_ids: Collection[str]) -> dict[str, EdgeState]:
    """The states of those of these edges that are known."""
    found: dict[str, EdgeState] = {}
    for part in batched(sorted(edge_ids), _ASKED_AT_ONCE):
        query = select(edge_states).where(edge_states.c.edge_id.in_(part))
        for row in connection.execute(query):
            found[row.edge_id] = EdgeState(
                row.edge_id, bytes(row.status), row.heard_at, row.offline_at, row.offline_reason
            )
    return found


def write(connection: Connection, written: Sequence[EdgeState]) -> None:
    insert = insert_into(connection, edge_states)
    columns = ("status", "heard_at", "offline_at", "offline_reason")
    statement = insert.on_conflict_do_update(
        index_elements=["edge_id"], set_={name: insert.excluded[name] for name in columns}
    )
    connection.execute(statement, [asdict(one) for one in written])


def last_batches(connection: Connection, edge_ids: Collection[str]) -> dict[str, Instant]:
    """When something of these edges was committed last."""
    table = edge_streams.c
    found: dict[str, Instant] = {}
    for part in batched(sorted(edge_ids), _ASKED_AT_ONCE):
        query = (
            select(table.edge_id, func.max(table.updated_at))
            .where(table.edge_id.in_(part))
            .group_by(table.edge_id)
        )
        found.update((row[0], row[1]) for row in connection.execute(query))
    return found
