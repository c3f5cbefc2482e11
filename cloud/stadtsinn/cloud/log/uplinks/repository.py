"""Appends to the uplink log and reads it by position."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    select,
    update,
)

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.history_item import HistoryItem, first_of, item_of
from stadtsinn.cloud.log.uplinks.identity import SWAP, TRUSTED, Copy, is_copy
from stadtsinn.cloud.log.uplinks.known_copies import KnownCopies
from stadtsinn.cloud.log.uplinks.older_copies import OlderCopies
from stadtsinn.cloud.log.uplinks.rows import (
    COPIED,
    MAX_RADIO,
    READ,
    Entry,
    copy_of_entry,
    copy_of_row,
    row_of,
    uplink_of,
)
from stadtsinn.cloud.log.uplinks.statements import GENERATIONS, Key, Statements, statements
from stadtsinn.cloud.log.uplinks.tables import log_revision, uplinks
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import serialize
from stadtsinn.cloud.platform.database.upsert import insert_ignore

QUESTIONS = 2_000
"""So often one transaction looks for other uplinks of a session: each takes some 0.3 ms."""


def lock_log(connection: Connection) -> None:
    """Until the end of the transaction no other process or thread can append.

    So positions become visible in their order: no follower can step over one that is still
    being committed.
    """
    serialize(connection, "uplinks")


def append(
    connection: Connection,
    entries: Sequence[Entry],
    committed_at: Instant,
    archived: OlderCopies | None = None,
) -> list[bool]:
    """Log what is new, in this order; per entry True if it was new, False for a copy.

    Must run in a write transaction, as its last long step (see `lock_log`). Without `archived`
    a copy of an archived uplink is not recognised. Raises ArchiveUnreadable.
    """
    lock_log(connection)
    return _Appending(connection, committed_at, archived).run(entries)


class _Appending:
    """One call of `append`: what the log held before, and what is about to join it."""

    def __init__(
        self, connection: Connection, committed_at: Instant, archived: OlderCopies | None
    ) -> None:
        self._connection = connection
        self._archived = archived
        self._sql: Statements = statements(connection)
        self._committed_at = committed_at
        self._known: dict[Key, KnownCopies | Copy] = {}
        """A frame that is alone with its key stands for itself: nearly all do."""
        self._questions = 0
        self._pending: list[tuple[Any, ...]] = []

    def run(self, entries: Sequence[Entry]) -> list[bool]:
        keys = list({(e.uplink.dev_eui, e.uplink.dev_addr, e.uplink.f_cnt) for e in entries})
        if keys:
            held = [copy_of_row(row) for row in self._sql.copies(self._connection, keys)]
            if self._archived is not None:
                held += self._archived.copies(self._connection, keys)
            for copy in held:
                self._all_of(copy.key).add(copy)
        verdicts = [self._take(entry) for entry in entries]
        self._flush()
        return verdicts

    def _take(self, entry: Entry) -> bool:
        uplink = entry.uplink
        key = (uplink.dev_eui, uplink.dev_addr, uplink.f_cnt)
        generation = 0
        if key in self._known:
            known, new = self._all_of(key), copy_of_entry(entry)
            generation = known.generation + 1
            if generation >= GENERATIONS:
                for copy in self._at_the_same_time(entry):
                    known.add(copy)
            if known.has_event(new) or is_copy(known.candidates(new), new, self):
                return False
            known.add(copy_of_entry(entry, generation))
        else:
            self._known[key] = copy_of_entry(entry, generation)
        self._pending.append(row_of(entry, generation, self._committed_at))
        return True

    def _all_of(self, key: Key) -> KnownCopies:
        known = self._known.get(key)
        if isinstance(known, KnownCopies):
            return known
        all_of = self._known[key] = KnownCopies()
        if known is not None:
            all_of.add(known)
        return all_of

    def _at_the_same_time(self, entry: Entry) -> list[Copy]:
        """Older generations than were asked for, of which this may be a resend."""
        if not self._may_ask():
            return []
        uplink = entry.uplink
        self._flush()
        query = (
            select(*_COPIED_COLUMNS)
            .where(
                uplinks.c.tenant_id == entry.tenant_id,
                uplinks.c.dev_eui == uplink.dev_eui,
                uplinks.c.event_time.between(uplink.event_time - SWAP, uplink.event_time + SWAP),
                uplinks.c.dev_addr == uplink.dev_addr,
                uplinks.c.f_cnt == uplink.f_cnt,
                uplinks.c.f_port == uplink.f_port,
                uplinks.c.payload == uplink.payload,
            )
            .limit(1)
        )
        return [copy_of_row(row) for row in self._connection.execute(query)]

    def _flush(self) -> None:
        if self._pending:
            self._sql.insert(self._connection, self._pending)
            self._pending = []

    def _may_ask(self) -> bool:
        self._questions += 1
        return self._questions <= QUESTIONS

    # --- SessionHistory: asked only for equal frames that are far apart ---

    def source_was_ahead(self, frame: Copy, after: Instant, before: Instant) -> bool:
        return self._any(
            frame,
            and_(uplinks.c.f_cnt > frame.f_cnt, uplinks.c.source == frame.source),
            lambda session: session.f_cnt_high > frame.f_cnt,
            lambda copy: copy.f_cnt > frame.f_cnt and copy.source == frame.source,
            after,
            before,
        )

    def restarted(self, frame: Copy, generation: int, after: Instant, before: Instant) -> bool:
        return self._any(
            frame,
            and_(uplinks.c.f_cnt <= frame.f_cnt, uplinks.c.generation > generation),
            lambda session: session.f_cnt_low <= frame.f_cnt,
            lambda copy: copy.f_cnt <= frame.f_cnt and (copy.generation or 0) > generation,
            after,
            before,
        )

    def counted_lower(self, frame: Copy, after: Instant, before: Instant) -> bool:
        trusted = uplinks.c.time_source.in_([source.value for source in TRUSTED])
        return self._any(
            frame,
            and_(uplinks.c.f_cnt < frame.f_cnt, trusted),
            lambda session: session.f_cnt_low < frame.f_cnt,
            lambda copy: copy.f_cnt < frame.f_cnt and copy.time_source in TRUSTED,
            after,
            before,
        )

    def _any(
        self,
        frame: Copy,
        condition: ColumnElement[bool],
        counters: Callable[[Any], ColumnElement[bool]],
        fits: Callable[[Copy], bool],
        after: Instant,
        before: Instant,
    ) -> bool:
        if not self._may_ask():
            return True  # what cannot be looked into is kept as a frame of its own
        self._flush()  # uplinks of the same batch are evidence, too
        found = select(
            exists().where(
                uplinks.c.dev_eui == frame.dev_eui,
                uplinks.c.dev_addr == frame.dev_addr,
                uplinks.c.event_time > after,
                uplinks.c.event_time < before,
                condition,
            )
        )
        if self._connection.execute(found).scalar_one():
            return True
        archived = self._archived
        return archived is not None and archived.any(
            self._connection, frame, counters, fits, after, before
        )


def read_after(connection: Connection, position: int, limit: int) -> list[LoggedUplink]:
    """The next uplinks after a position, at most `limit`, in the order of the log."""
    rows = statements(connection).read_after(connection, position, limit)
    return [uplink_of(row) for row in rows]


# Made once: every follower asks several times a second.
_HEAD = select(func.max(uplinks.c.position))
_REVISION = select(log_revision.c.number).where(log_revision.c.id == 1)


def head(connection: Connection) -> int:
    """The position of the newest uplink, 0 when the log is empty."""
    return connection.execute(_HEAD).scalar_one() or 0


def revision(connection: Connection) -> int:
    """Counts up when outcomes of logged uplinks change; what was read before may be old."""
    return connection.execute(_REVISION).scalar_one_or_none() or 0


def count_revision(connection: Connection) -> None:
    """Invalidate uplinks that processes keep in memory: outcomes have changed."""
    insert_ignore(connection, log_revision, [{"id": 1, "number": 0}])
    connection.execute(update(log_revision).values(number=log_revision.c.number + 1))


_COPIED_COLUMNS = [uplinks.c[name] for name in COPIED.split(", ")]
_READ_COLUMNS = [uplinks.c[name] for name in READ.split(", ")]
_RADIO = case((func.length(uplinks.c.radio) <= MAX_RADIO, uplinks.c.radio))


def uplinks_of(
    connection: Connection, tenant_id: str, dev_eui: str, start: Instant, end: Instant
) -> list[LoggedUplink]:
    """The uplinks of a device with start <= event time < end; for followers."""
    query = select(*_READ_COLUMNS).where(
        uplinks.c.tenant_id == tenant_id,
        uplinks.c.dev_eui == dev_eui,
        uplinks.c.event_time >= start,
        uplinks.c.event_time < end,
    )
    return [uplink_of(row) for row in connection.execute(query)]


# Made once: it is asked for each device of an installation.
_NEWEST = (
    select(*_READ_COLUMNS, _RADIO)
    .where(uplinks.c.tenant_id == bindparam("tenant_id"), uplinks.c.dev_eui == bindparam("dev_eui"))
    .order_by(uplinks.c.event_time.desc())
    .limit(bindparam("most"))
)


def newest_of(
    connection: Connection, tenant_id: str, dev_eui: str, limit: int
) -> list[HistoryItem]:
    """The uplinks of a device in the table, the newest by event time first."""
    asked = {"tenant_id": tenant_id, "dev_eui": dev_eui, "most": limit}
    return [item_of(row) for row in connection.execute(_NEWEST, asked)]


def last_heard(
    connection: Connection, tenant_id: str, devices: Collection[str], since: Instant
) -> Instant | None:
    """The newest event time of these devices in the table, from `since` on."""
    at: Instant | None = connection.scalar(
        select(func.max(uplinks.c.event_time)).where(
            uplinks.c.tenant_id == tenant_id,
            uplinks.c.dev_eui.in_(list(devices)),
            uplinks.c.event_time >= since,
        )
    )
    return at


def history(
    connection: Connection,
    scope: Scope,
    dev_eui: str,
    *,
    start: Instant | None = None,
    end: Instant | None = None,
    before_position: int | None = None,
    limit: int = 100,
) -> list[HistoryItem]:
    """Uplinks of a device of the caller's tenant, newest commit first.

    Only event times with start <= time < end; only positions below `before_position`. At most
    `limit`, and fewer where they are large (`first_of`).
    """
    query = (
        select(*_READ_COLUMNS, _RADIO)
        .where(uplinks.c.tenant_id == scope.tenant_id, uplinks.c.dev_eui == dev_eui)
        .order_by(uplinks.c.position.desc())
        .limit(limit)
    )
    if start is not None:
        query = query.where(uplinks.c.event_time >= start)
    if end is not None:
        query = query.where(uplinks.c.event_time < end)
    if before_position is not None:
        query = query.where(uplinks.c.position < before_position)
    return first_of(map(item_of, connection.execute(query)), limit)
