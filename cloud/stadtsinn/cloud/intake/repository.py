"""SQL of the ingest: quarantine and the streams of edges."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, Row, case, delete, func, or_, select, tuple_, update

from stadtsinn.base.batches import batched
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.arrival import Kind, Origin, Original, Rejection
from stadtsinn.cloud.intake.reasons import NOT_THEIRS, Reason, of_row
from stadtsinn.cloud.intake.streams import StreamState
from stadtsinn.cloud.intake.tables import configured_edges as configured
from stadtsinn.cloud.intake.tables import edge_streams, quarantine
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.upsert import insert_ignore_all, insert_into
from stadtsinn.edge.network_servers.event_time import EARLIEST

_encoded = msgspec.msgpack.Encoder().encode
_state_of = msgspec.msgpack.Decoder(StreamState).decode

STREAMS_KEPT = 16
"""Streams of an edge that are remembered. An agent has one, and a new one with each new spool."""
_DROPPED_AT_ONCE = 500
_ASKED_AT_ONCE = 1_000
"""PostgreSQL takes some thousand pairs in a statement, SQLite 32,766 parameters."""

_NEWEST_LOOKED_AT = 10_000
_DEV_EUI = re.compile("[0-9a-f]{16}")

StreamKey = tuple[str, str]
"""(edge id, stream)"""


@dataclass(frozen=True)
class QuarantineRow:
    """Something that was not taken. `size` is larger than the payload where it was cut."""

    id: int
    tenant_id: str | None
    dev_eui: str | None
    source: str
    kind: Kind
    topic: str
    payload: bytes
    size: int
    reason: Reason
    detail: str
    received_at: Instant
    last_at: Instant
    times: int
    replayed_at: Instant | None
    format: str | None

    @property
    def never(self) -> str | None:
        """Why this can never be taken, whatever is registered or corrected; None: it may be.

        A damaged batch was not acknowledged: its edge still has what it was about.
        """
        if self.size != len(self.payload):
            return "cut"
        damaged = (
            self.kind is Kind.BATCH and self.size > 0 and self.reason is Reason.MALFORMED_BATCH
        )
        return self.reason if damaged or self.reason is Reason.OVERSIZED_PAYLOAD else None

    @property
    def original(self) -> Original:
        return Original(
            self.kind,
            Origin(self.source, self.tenant_id),
            self.topic,
            self.payload,
            self.size,
            self._arrived_at,
            self.format,
        )

    @property
    def _arrived_at(self) -> Instant:
        """By this cloud's clock. `received_at` of an item, and of an event that an edge could not
        read, is by the edge's clock."""
        ours = self.kind is not Kind.ITEM and self.received_at >= EARLIEST
        return self.received_at if ours else self.last_at


# --- streams of edges ------------------------------------------------------------------


def read_streams(
    connection: Connection, keys: Collection[StreamKey]
) -> dict[StreamKey, StreamState]:
    """The states of those of these streams that are known."""
    table = edge_streams.c
    pair = tuple_(table.edge_id, table.stream)  # SQLite tries all pairs of two lists
    states: dict[StreamKey, StreamState] = {}
    for part in batched(sorted(keys), _ASKED_AT_ONCE):
        query = select(table.edge_id, table.stream, table.state).where(pair.in_(part))
        for row in connection.execute(query):
            states[row.edge_id, row.stream] = _state_of(row.state)
    return states


def write_streams(
    connection: Connection, states: Mapping[StreamKey, StreamState], now: Instant
) -> None:
    if not states:
        return
    insert = insert_into(connection, edge_streams)
    statement = insert.on_conflict_do_update(
        index_elements=["edge_id", "stream"],
        set_={"state": insert.excluded.state, "updated_at": insert.excluded.updated_at},
    )
    rows = [
        {"edge_id": edge_id, "stream": stream, "state": _encoded(state), "updated_at": now}
        for (edge_id, stream), state in sorted(states.items())
    ]
    connection.execute(statement, rows)


def drop_surplus_streams(connection: Connection, edge_ids: Collection[str], now: Instant) -> None:
    """Keep of each of these edges the newest `STREAMS_KEPT` streams, those written `now` first.

    A few rows at a time; what is left goes with the next commit in which a stream begins.
    """
    table = edge_streams.c
    # Where this machine's clock was set back, others seem to be newer.
    earlier = case((table.updated_at == now, 0), else_=1)
    rank = func.row_number().over(
        partition_by=table.edge_id, order_by=(earlier, table.updated_at.desc(), table.stream)
    )
    for part in batched(sorted(edge_ids), _ASKED_AT_ONCE):
        ranked = (
            select(table.edge_id, table.stream, rank.label("rank"))
            .where(table.edge_id.in_(part))
            .subquery()
        )
        surplus = (
            select(ranked.c.edge_id, ranked.c.stream)
            .where(ranked.c.rank > STREAMS_KEPT)
            .limit(_DROPPED_AT_ONCE)
        )
        connection.execute(
            delete(edge_streams).where(tuple_(table.edge_id, table.stream).in_(surplus))
        )


def heard_before(connection: Connection, source: str, *, edges: bool) -> bool:
    """Did this installation take anything from that source lately? Then a session was left there.

    All edges are one source, which is known by their streams.
    """
    if edges:
        query = select(edge_streams.c.edge_id).limit(1)
    else:
        newest = (
            select(uplinks.c.source)
            .order_by(uplinks.c.position.desc())
            .limit(_NEWEST_LOOKED_AT)
            .subquery()
        )
        query = select(newest.c.source).where(newest.c.source == source).limit(1)
    return connection.execute(query).first() is not None


# --- retained configurations of edges --------------------------------------------------


def configured_edges(connection: Connection) -> set[str]:
    """Edges for which a configuration may lie at the broker."""
    return set(connection.execute(select(configured.c.edge_id)).scalars())


def note_configured(connection: Connection, edge_ids: Iterable[str]) -> None:
    rows = [{"edge_id": edge_id} for edge_id in sorted(edge_ids)]
    insert_ignore_all(connection, configured, rows)


def forget_configured(connection: Connection, edge_ids: Collection[str]) -> None:
    for some in batched(edge_ids, _ASKED_AT_ONCE):
        connection.execute(delete(configured).where(configured.c.edge_id.in_(some)))


# --- quarantine ------------------------------------------------------------------------


def put_in_quarantine(
    connection: Connection, rejections: Sequence[Rejection], now: Instant
) -> None:
    """Keep what was rejected; the same bytes from the same source count up one row."""
    if not rejections:
        return
    insert = insert_into(connection, quarantine)
    statement = insert.on_conflict_do_update(
        index_elements=["digest"],
        set_={
            "times": quarantine.c.times + 1,
            "last_at": insert.excluded.last_at,
            "tenant_id": insert.excluded.tenant_id,
            "format": insert.excluded.format,
            "reason": insert.excluded.reason,
            "detail": insert.excluded.detail,
            "replayed_at": None,
        },
    )
    connection.execute(statement, [_values(rejection, now) for rejection in rejections])


def _values(rejection: Rejection, now: Instant) -> dict[str, object]:
    original = rejection.original
    return {
        "digest": original.digest(),
        "tenant_id": original.origin.tenant_id,
        "dev_eui": _dev_eui(rejection.dev_eui),
        "source": _shown(original.origin.source, 100),
        "kind": original.kind.value,
        "format": _shown(original.format, 32) if original.format else None,
        "topic": _as_it_came(original.topic, 1000),
        "payload": original.payload,
        "size": original.size,
        "reason": rejection.reason.value,
        "detail": _shown(rejection.detail, 500),
        "received_at": max(0, min(original.received_at, now)),
        "last_at": now,
        "times": 1,
    }


def _shown(text: str, length: int) -> str:
    """Text that people read, not longer than so many characters."""
    return visible(text[:length])[:length]


def _as_it_came(text: str, length: int) -> str:
    """Text that a replay reads: but for NUL and lone surrogates, which no database takes."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()[:length]


def _dev_eui(claimed: str | None) -> str | None:
    """A sender may claim any text."""
    return claimed if claimed and _DEV_EUI.fullmatch(claimed) else None


def quarantined(
    connection: Connection,
    *,
    scope: Scope | None = None,
    reason: str | None = None,
    dev_eui: str | None = None,
    before_id: int | None = None,
    after_id: int | None = None,
    with_replayed: bool = False,
    limit: int = 100,
) -> list[QuarantineRow]:
    """Rows of quarantine, newest first; oldest first when asked for those after an id.

    `scope` None is for the operator's command line only.
    """
    order = quarantine.c.id.asc() if after_id is not None else quarantine.c.id.desc()
    query = select(quarantine).order_by(order).limit(limit)
    if after_id is not None:
        query = query.where(quarantine.c.id > after_id)
    if scope is not None:
        query = query.where(quarantine.c.tenant_id == scope.tenant_id)
    if reason is not None:
        query = query.where(quarantine.c.reason.in_(_asked_for(reason, scope)))
    if dev_eui is not None:
        query = query.where(quarantine.c.dev_eui == dev_eui)
    if before_id is not None:
        query = query.where(quarantine.c.id < before_id)
    if not with_replayed:
        query = query.where(quarantine.c.replayed_at.is_(None))
    return [_row(row) for row in connection.execute(query)]


def quarantined_times(connection: Connection, dev_eui: str) -> int:
    """How often something of a device came and was not taken, and still waits."""
    waits = (quarantine.c.dev_eui == dev_eui, quarantine.c.replayed_at.is_(None))
    return int(connection.scalar(select(func.sum(quarantine.c.times)).where(*waits)) or 0)


def awaited_rows(
    connection: Connection,
    tenant_id: str,
    dev_euis: Collection[str],
    after_id: int,
    limit: int,
) -> list[QuarantineRow]:
    """Rows that these devices of a tenant may take now, oldest first: what came when they were
    nobody's or another's, from the tenant's own edges and servers or from those of all."""
    theirs = or_(quarantine.c.tenant_id == tenant_id, quarantine.c.tenant_id.is_(None))
    query = (
        select(quarantine)
        .where(theirs, quarantine.c.dev_eui.in_(dev_euis))
        .where(quarantine.c.reason.in_(NOT_THEIRS), quarantine.c.replayed_at.is_(None))
        .where(quarantine.c.id > after_id)
        .order_by(quarantine.c.id)
        .limit(limit)
    )
    return [_row(row) for row in connection.execute(query)]


def _asked_for(reason: str, scope: Scope | None) -> frozenset[str]:
    """The reasons that a tenant sees as `reason`; the operator sees each as it is."""
    if scope is None or reason not in NOT_THEIRS:
        return frozenset({reason})
    return NOT_THEIRS if reason == "unregistered_device" else frozenset()


def quarantined_row(
    connection: Connection, row_id: int, scope: Scope | None = None
) -> QuarantineRow | None:
    query = select(quarantine).where(quarantine.c.id == row_id)
    if scope is not None:
        query = query.where(quarantine.c.tenant_id == scope.tenant_id)
    row = connection.execute(query).one_or_none()
    return _row(row) if row is not None else None


def _row(row: Row[tuple[object, ...]]) -> QuarantineRow:
    return QuarantineRow(
        id=row.id,
        tenant_id=row.tenant_id,
        dev_eui=row.dev_eui,
        source=row.source,
        kind=Kind(row.kind),
        topic=row.topic,
        payload=bytes(row.payload),
        size=row.size,
        reason=of_row(row.reason),
        detail=row.detail,
        received_at=row.received_at,
        last_at=row.last_at,
        times=row.times,
        replayed_at=row.replayed_at,
        format=row.format,
    )


def mark_replayed(connection: Connection, row_id: int, now: Instant) -> None:
    connection.execute(update(quarantine).where(quarantine.c.id == row_id).values(replayed_at=now))


def mark_rejected_again(connection: Connection, row_id: int, reason: Reason, detail: str) -> None:
    """Note today's reason; `last_at` stays, it is the last arrival."""
    connection.execute(
        update(quarantine)
        .where(quarantine.c.id == row_id)
        .values(reason=reason.value, detail=_shown(detail, 500))
    )
