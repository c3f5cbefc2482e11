"""Commits arrivals: the uplinks to the log, the rest to quarantine, the edges' progress with them.

All of it in one transaction, so what is acknowledged afterwards is really there, and whatever
was not acknowledged can come again without doing anything twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from stadtsinn.base.clock import Clock
from stadtsinn.cloud.intake import metrics
from stadtsinn.cloud.intake.arrival import Arrival, Progress, Rejection
from stadtsinn.cloud.intake.judging import Judge
from stadtsinn.cloud.intake.reading import item_original
from stadtsinn.cloud.intake.repository import (
    StreamKey,
    put_in_quarantine,
    read_streams,
    write_streams,
)
from stadtsinn.cloud.intake.streams import StreamState, advance
from stadtsinn.cloud.log.archive_files.archived_copies import ArchivedCopies
from stadtsinn.cloud.log.uplinks.repository import append, lock_log
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import Directory, DirectoryCache
from stadtsinn.decoders.catalogue import Catalogue

log = structlog.get_logger()


class DatabaseAway(Exception):
    """Nothing was committed; the same arrivals must be committed again when it is back."""


class _Refused(Exception):
    """Something among these arrivals makes the commit fail, and would do so again."""


@dataclass(frozen=True)
class Committed:
    """What one commit did: uplinks per source, new ones and copies of logged ones.

    `positions` is what each edge's stream may be told.
    """

    new: Counter[str]
    copies: Counter[str]
    positions: dict[StreamKey, int]
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True)
class Judged:
    """What is to be written."""

    entries: Sequence[Entry]
    rejections: Sequence[Rejection]
    progress: Sequence[Progress]


class Ingestor:
    """Judges and commits arrivals. For one thread; several processes may run one each.

    Without `archived`, copies of archived uplinks are not recognised.
    """

    def __init__(
        self,
        database: Database,
        directory: DirectoryCache,
        clock: Clock,
        catalogue: Catalogue,
        archived: ArchivedCopies | None = None,
    ) -> None:
        self._database = database
        self._directory = directory
        self._clock = clock
        self._judge = Judge(catalogue)
        self._archived = archived
        self._occasional = metrics.Occasional()

    def start(self) -> None:
        """Prepare for large groups in the background; small ones need no preparation."""
        self._judge.start()

    def directory(self) -> Directory:
        """The registry as of now; raises DatabaseAway."""
        try:
            return self._directory.current()
        except SQLAlchemyError as error:
            raise DatabaseAway(_first_line(error)) from error

    def commit(self, arrivals: Sequence[Arrival]) -> Committed:
        """Commit all; raises DatabaseAway when that has to be tried again.

        Where one uplink makes the database refuse the group, the rest is committed without it
        and it goes to quarantine.
        """
        try:
            return self._commit(arrivals)
        except _Refused as refusal:
            alone = len(arrivals) == 1
            parts = _parts(arrivals[0], str(refusal)) if alone else list(arrivals)
        return _sum([self.commit([part]) for part in parts])

    def _commit(self, arrivals: Sequence[Arrival]) -> Committed:
        try:
            with metrics.COMMIT_SECONDS.time():
                judged = self.judge(arrivals)
                with self._database.write() as connection:
                    committed = self.write(connection, judged)
        except DatabaseAway:
            raise
        except Exception as error:
            if _is_outage(error):
                raise DatabaseAway(_first_line(error)) from error
            log.exception("commit_refused", arrivals=len(arrivals))
            raise _Refused(type(error).__name__) from error
        self.tell(committed)
        for arrival in arrivals:
            if arrival.other is not None:
                metrics.OTHER_EVENTS.labels(arrival.other).inc()
        return committed

    def judge(self, arrivals: Sequence[Arrival]) -> Judged:
        """Decide what goes where, before any lock is taken: this is the long part."""
        directory = self.directory()
        candidates = [c for arrival in arrivals for c in arrival.candidates]
        verdicts = self._judge.judge(candidates, directory, self._clock.now())
        return Judged(
            entries=[v for v in verdicts if isinstance(v, Entry)],
            rejections=[
                *(v for v in verdicts if isinstance(v, Rejection)),
                *(r for arrival in arrivals for r in arrival.rejections),
            ],
            progress=[a.progress for a in arrivals if a.progress is not None],
        )

    def write(self, connection: Connection, judged: Judged) -> Committed:
        """Write all in the caller's transaction; call `tell` after its commit."""
        now = self._clock.now()
        lock_log(connection)
        put_in_quarantine(connection, judged.rejections, now)
        streams = self._advance(connection, judged.progress)
        write_streams(connection, streams, now)
        news = append(connection, judged.entries, now, self._archived)
        sources = [(entry.source, new) for entry, new in zip(judged.entries, news, strict=True)]
        return Committed(
            new=Counter(source for source, new in sources if new),
            copies=Counter(source for source, new in sources if not new),
            positions={key: state.position for key, state in streams.items()},
            rejections=tuple(judged.rejections),
        )

    def _advance(
        self, connection: Connection, batches: Sequence[Progress]
    ) -> dict[StreamKey, StreamState]:
        states = read_streams(connection, {(b.edge_id, b.stream) for b in batches})
        for batch in batches:
            key = (batch.edge_id, batch.stream)
            before = states[key]
            states[key] = advance(before, batch.first, batch.last, batch.sent_at)
            if skipped := states[key].skipped - before.skipped:
                metrics.STREAM_GAPS.labels(f"edge:{batch.edge_id}").inc(skipped)
                log.error(
                    "stream_gap_given_up",
                    edge=batch.edge_id,
                    stream=batch.stream,
                    from_position=before.position + 1,
                    positions=skipped,
                    meaning="the edge no longer has them: restored database or another cloud?",
                )
        return states

    def tell(self, committed: Committed) -> None:
        """Count and log what a commit did."""
        for source, count in committed.new.items():
            metrics.UPLINKS.labels(source).inc(count)
        for source, count in committed.copies.items():
            metrics.DUPLICATES.labels(source).inc(count)
        for rejection in committed.rejections:
            metrics.count_rejection(rejection.reason)
            self._occasional.warn(
                "quarantined",
                (rejection.reason, rejection.origin.source),
                reason=rejection.reason,
                source=rejection.origin.source,
                dev_eui=rejection.dev_eui,
                detail=rejection.detail,
                size=rejection.original.size,
            )
        if committed.new:
            metrics.LAST_COMMIT.set(self._clock.now() / 1e6)


def _is_outage(error: Exception) -> bool:
    """Is it the database that fails, rather than what it was given?"""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or not isinstance(error, DataError | IntegrityError)
    return isinstance(error, SQLAlchemyError) and not isinstance(error, StatementError)


def _parts(arrival: Arrival, why: str) -> list[Arrival]:
    """An arrival that was refused, in pieces that are tried alone; the guilty one set apart."""
    if len(arrival.candidates) + len(arrival.rejections) > 1:
        return [
            *(Arrival(candidates=[candidate]) for candidate in arrival.candidates),
            *(Arrival(rejections=[rejection]) for rejection in arrival.rejections),
            Arrival(progress=arrival.progress),
        ]
    if arrival.candidates:
        guilty = arrival.candidates[0]
        rejection = Rejection(
            guilty.origin,
            item_original(guilty),
            "refused_by_database",
            f"the commit failed with {why}: please report this with the log of the moment",
            guilty.uplink.dev_eui,
        )
        return [Arrival(rejections=[rejection], progress=arrival.progress)]
    # Quarantine takes any bytes, so this is trouble of the database's own: try again.
    raise DatabaseAway(f"cannot write to quarantine: {why}")


def _sum(parts: Sequence[Committed]) -> Committed:
    positions: dict[StreamKey, int] = {}
    for part in parts:
        positions.update(part.positions)
    return Committed(
        sum((part.new for part in parts), Counter()),
        sum((part.copies for part in parts), Counter()),
        positions,
        tuple(rejection for part in parts for rejection in part.rejections),
    )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
