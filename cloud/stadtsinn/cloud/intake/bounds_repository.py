"""SQL that keeps the quarantine within its bounds. Deletions are short transactions each."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, case, delete, func, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.bounds import Holding, Size
from stadtsinn.cloud.intake.reasons import Reason, of_row
from stadtsinn.cloud.intake.tables import quarantine

_STORED = func.length(quarantine.c.payload)
# Anybody at the broker may invent edges, so all unknown ones share one place.
_SOURCE: ColumnElement[str] = case(
    (quarantine.c.reason == Reason.UNKNOWN_EDGE.value, ""), else_=quarantine.c.source
)


def holdings(connection: Connection) -> list[Holding]:
    """What lies in quarantine, by reason and source."""
    query = select(
        quarantine.c.reason,
        _SOURCE,
        func.max(quarantine.c.tenant_id),
        func.count(),
        func.sum(_STORED),
    ).group_by(quarantine.c.reason, _SOURCE)
    return [
        Holding(of_row(reason), source, tenant_id, Size(rows, int(stored)))
        for reason, source, tenant_id, rows, stored in connection.execute(query)
    ]


def oldest_of(
    connection: Connection, holding: Holding, excess: Size, limit: int
) -> list[tuple[int, int]]:
    """The oldest rows (id, bytes) of a holding that has too much, `limit` at most."""
    query = (
        select(quarantine.c.id, _STORED)
        .where(quarantine.c.reason == holding.reason.value, _SOURCE.in_([holding.source]))
        .order_by(quarantine.c.id)
        .limit(limit)
    )
    found: list[tuple[int, int]] = []
    rows = stored = 0
    for row_id, size in connection.execute(query):
        if rows >= excess.rows and stored >= excess.bytes:
            break
        found.append((row_id, size))
        rows, stored = rows + 1, stored + size
    return found


def older_than(
    connection: Connection, moment: Instant, after: int, limit: int
) -> list[tuple[int, int]]:
    """Rows (id, bytes) behind `after` whose last arrival is before `moment`, `limit` at most."""
    query = (
        select(quarantine.c.id, _STORED)
        .where(quarantine.c.id > after, quarantine.c.last_at < moment)
        .order_by(quarantine.c.id)
        .limit(limit)
    )
    return [(row_id, size) for row_id, size in connection.execute(query)]


def drop(connection: Connection, row_ids: Sequence[int], before: Instant | None = None) -> int:
    """Delete these rows; of those that came again since they were looked up only what is older
    than `before`. How many."""
    chosen = delete(quarantine).where(quarantine.c.id.in_(row_ids))
    if before is not None:
        chosen = chosen.where(quarantine.c.last_at < before)
    return connection.execute(chosen).rowcount
