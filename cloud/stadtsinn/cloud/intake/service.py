"""Judges arrivals and commits: uplinks to the log, the rest to quarantine, edges' progress too.

All of it in one transaction, so what is acknowledged afterwards is really there, and whatever
was not acknowledged can come again without doing anything twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from stadtsinn.base.clock import Clock
from stadtsinn.base.logs import one_line
from stadtsinn.cloud.intake import metrics
from stadtsinn.cloud.intake.arrival import Arrival, Candidate, Progress, Rejection
from stadtsinn.cloud.intake.edge_watch import EdgeWatch
from stadtsinn.cloud.intake.judging import Judge
from stadtsinn.cloud.intake.reasons import NOT_THEIRS, Reason
from stadtsinn.cloud.intake.repository import (
    StreamKey,
    drop_surplus_streams,
    put_in_quarantine,
    read_streams,
    write_streams,
)
from stadtsinn.cloud.intake.streams import Answer, StreamState, advance, answered
from stadtsinn.cloud.log.archive_files.archived_copies import ArchivedCopies, Attempt, NotRead
from stadtsinn.cloud.log.uplinks.repository import append, lock_log
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import Directory, DirectoryCache
from stadtsinn.decoders.catalogue import Catalogue

log = structlog.get_logger()

_NEW_STREAMS = 4
"""Streams that an edge may begin with one commit. An agent begins one with a new spool."""


class DatabaseAway(Exception):
    """Nothing was committed; the same arrivals must be committed again when it is back."""


class _Refused(Exception):
    """Something among these arrivals makes the commit fail, and would do so again."""


@dataclass(frozen=True)
class Committed:
    """What one commit did: uplinks per source, new ones and copies of logged ones.

    `positions` is what may be acknowledged of each edge's stream, `answers` what each run of an
    agent that names itself is told. `unanswered`: batches per edge that begin too many streams.
    """

    new: Counter[str]
    copies: Counter[str]
    positions: dict[StreamKey, int]
    rejections: tuple[Rejection, ...]
    answers: tuple[Answer, ...] = ()
    unanswered: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Judged:
    """What is to be written. `candidates` are those that became `entries`, in the same order."""

    entries: Sequence[Entry] = ()
    rejections: Sequence[Rejection] = ()
    progress: Sequence[Progress] = ()
    candidates: Sequence[Candidate] = ()
    other_events: Sequence[str] = ()
    """Kinds of readable events that are no uplinks."""


class Ingestor:
    """Judges and commits arrivals. For one thread; several processes may run one each.

    Made by `open_ingestor`.
    """

    def __init__(
        self,
        database: Database,
        directory: DirectoryCache,
        clock: Clock,
        catalogue: Catalogue,
        archived: ArchivedCopies,
    ) -> None:
        self.database = database
        self._directory = directory
        self._clock = clock
        self._judge = Judge(catalogue)
        self._archived = archived
        self._occasional = metrics.Occasional()
        self.edges = EdgeWatch()

    def start(self) -> None:
        """Load the kernel and read the registry, before the first message is asked for."""
        self._judge.start()
        with suppress(DatabaseAway):  # then it is read with the first group
            self.directory()

    def directory(self) -> Directory:
        """The registry as of now, or of a moment ago where it is large; raises DatabaseAway."""
        try:
            return self._directory.recent()
        except SQLAlchemyError as error:
            raise DatabaseAway(one_line(error)) from error

    def take(self, arrivals: Sequence[Arrival]) -> Committed:
        """Judge and commit all; raises DatabaseAway when that has to be tried again."""
        return self.commit(self.judge(arrivals))

    def judge(self, arrivals: Sequence[Arrival]) -> Judged:
        """Decide what goes where, before any lock is taken: this is the long part.

        Raises DatabaseAway.
        """
        directory = self.directory()
        candidates = [c for arrival in arrivals for c in arrival.candidates]
        verdicts = self._verdicts(candidates, directory)
        pairs = list(zip(candidates, verdicts, strict=True))
        return Judged(
            entries=[verdict for verdict in verdicts if isinstance(verdict, Entry)],
            rejections=[
                *(verdict for verdict in verdicts if isinstance(verdict, Rejection)),
                *(r for arrival in arrivals for r in arrival.rejections),
            ],
            progress=list(_progress(arrivals, verdicts)),
            candidates=[c for c, verdict in pairs if isinstance(verdict, Entry)],
            other_events=[a.other for a in arrivals if a.other is not None],
        )

    def _verdicts(
        self, candidates: Sequence[Candidate], directory: Directory
    ) -> list[Entry | Rejection]:
        now = self._clock.now()
        try:
            return self._judge.judge(candidates, directory, now)
        except Exception as error:  # a bug in judging one must not keep out the others
            log.exception("judging_failed", candidates=len(candidates))
            if len(candidates) == 1:
                return [candidates[0].rejected(Reason.INTERNAL_ERROR, type(error).__name__)]
        return [v for candidate in candidates for v in self._verdicts([candidate], directory)]

    def commit(self, judged: Judged) -> Committed:
        """Commit all; raises DatabaseAway when that has to be tried again.

        Where one uplink makes the database refuse the group, the rest is committed without it
        and it goes to quarantine.
        """
        try:
            return self._commit(judged)
        except _Refused as refusal:
            return _sum([self.commit(part) for part in _parts(judged, str(refusal))])

    def _commit(self, judged: Judged) -> Committed:
        try:
            with metrics.COMMIT_SECONDS.time():
                committed = self.write(judged, ahead=True)
        except Exception as error:
            if is_outage(error):
                raise DatabaseAway(one_line(error)) from error
            log.exception("commit_refused", uplinks=len(judged.entries))
            raise _Refused(type(error).__name__) from error
        self.count(committed)
        for batch in judged.progress:
            self.edges.note_clock(batch.edge_id, batch.clock_ahead)
        for kind in judged.other_events:
            metrics.OTHER_EVENTS.labels(kind).inc()
        return committed

    def write(
        self,
        judged: Judged,
        first: Callable[[Connection], None] = lambda _: None,
        *,
        ahead: bool = False,
    ) -> Committed:
        """Write all in one transaction, after what `first` writes; call `count` afterwards.

        `ahead` of other threads: an edge waits for the answer. Where files of the archive have to
        be read, nobody waits for that: it is begun anew. Raises ArchiveUnreadable.
        """
        for attempt in self._archived.attempts():
            try:
                with self.database.write(ahead=ahead) as connection:
                    lock_log(connection)
                    first(connection)
                    return self._write(connection, judged, attempt)
            except NotRead:
                attempt.read()
        raise AssertionError("the last attempt needs no other")

    def _write(self, connection: Connection, judged: Judged, archived: Attempt) -> Committed:
        now = self._clock.now()
        are_new = append(connection, judged.entries, now, archived)
        archived.require_read()
        put_in_quarantine(connection, judged.rejections, now)
        known = read_streams(connection, {(b.edge_id, b.stream) for b in judged.progress})
        batches, unanswered = _answerable(judged.progress, known)
        streams, answers = self._advance(known, batches)
        write_streams(connection, streams, now)
        if begun := {edge_id for edge_id, _ in streams.keys() - known.keys()}:
            drop_surplus_streams(connection, begun, now)
        sources = [(entry.source, new) for entry, new in zip(judged.entries, are_new, strict=True)]
        return Committed(
            new=Counter(source for source, new in sources if new),
            copies=Counter(source for source, new in sources if not new),
            positions={key: streams[key].position for key in _of_nameless_agents(batches)},
            rejections=tuple(judged.rejections),
            answers=tuple(answers.values()),
            unanswered=unanswered,
        )

    def _advance(
        self, known: Mapping[StreamKey, StreamState], batches: Sequence[Progress]
    ) -> tuple[dict[StreamKey, StreamState], dict[tuple[StreamKey, str], Answer]]:
        """The states of the streams after these batches; one that is not known begins."""
        states = dict(known)
        answers: dict[tuple[StreamKey, str], Answer] = {}
        for batch in batches:
            key = (batch.edge_id, batch.stream)
            before = states.get(key, StreamState())
            if batch.sender is None:
                states[key] = advance(before, batch.first, batch.last, batch.sent_at)
            else:
                states[key], answer = answered(before, batch, batch.sender)
                given = answers.get((key, answer.sender))
                anew = answer.begin_anew or (given is not None and given.begin_anew)
                answers[key, answer.sender] = replace(answer, begin_anew=anew)
            if skipped := states[key].skipped - before.skipped:
                metrics.STREAM_GAPS.labels(f"edge:{batch.edge_id}").inc(skipped)
                log.error(
                    "stream_gap_given_up",
                    edge=batch.edge_id,
                    stream=batch.stream,
                    from_position=before.position + 1,
                    positions=skipped,
                    meaning="the edge no longer has them: restored database, another cloud, or an "
                    "old spool?",
                )
        return states, answers

    def count(self, committed: Committed) -> None:
        """Count and log what a commit did."""
        for source, count in committed.new.items():
            metrics.UPLINKS.labels(source).inc(count)
        for source, count in committed.copies.items():
            metrics.DUPLICATES.labels(source).inc(count)
        for answer in committed.answers:
            self.edges.note_answer(answer)
        self.edges.note_unanswered(committed.unanswered)
        for rejection in committed.rejections:
            metrics.QUARANTINED.labels(rejection.reason.value).inc()
            self._occasional.warn(
                "quarantined",
                (rejection.reason, rejection.original.origin.source),
                reason=rejection.reason,
                source=rejection.original.origin.source,
                dev_eui=rejection.dev_eui,
                detail=rejection.detail,
                size=rejection.original.size,
            )
        if committed.new:
            metrics.LAST_COMMIT.set(self._clock.now() / 1e6)


def _progress(
    arrivals: Sequence[Arrival], verdicts: Sequence[Entry | Rejection]
) -> Iterator[Progress]:
    """How far edges are; `verdicts` are those of all candidates, in order."""
    remaining = iter(verdicts)
    for arrival in arrivals:
        mine = list(zip(arrival.candidates, remaining, strict=False))
        if arrival.progress is None:
            continue
        kept = tuple(
            candidate.position
            for candidate, verdict in mine
            if isinstance(verdict, Rejection) and verdict.reason in NOT_THEIRS
        )
        yield replace(arrival.progress, kept=kept) if kept else arrival.progress


def _answerable(
    batches: Sequence[Progress], known: Collection[StreamKey]
) -> tuple[list[Progress], Counter[str]]:
    """The batches that are answered, and how many of which edge are not.

    Those of an edge that begins very many streams at once: it sends again what gets no answer,
    and the log knows what it has of it.
    """
    begun: dict[str, set[str]] = {}
    answerable: list[Progress] = []
    unanswered: Counter[str] = Counter()
    for batch in batches:
        if (batch.edge_id, batch.stream) not in known:
            streams = begun.setdefault(batch.edge_id, set())
            if batch.stream not in streams and len(streams) == _NEW_STREAMS:
                unanswered[batch.edge_id] += 1
                continue
            streams.add(batch.stream)
        answerable.append(batch)
    return answerable, unanswered


def _of_nameless_agents(batches: Sequence[Progress]) -> list[StreamKey]:
    return [(batch.edge_id, batch.stream) for batch in batches if batch.sender is None]


def is_outage(error: Exception) -> bool:
    """Is it the database that fails, rather than what it was given?"""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or not isinstance(error, DataError | IntegrityError)
    return isinstance(error, SQLAlchemyError) and not isinstance(error, StatementError)


def _parts(judged: Judged, why: str) -> list[Judged]:
    """What was refused, in pieces that are tried alone; the guilty one goes to quarantine.

    What edges may forget is committed last, behind all that it speaks of.
    """
    count = len(judged.entries) + len(judged.rejections)
    if count == 0 or (count == 1 and not judged.entries):
        # Quarantine takes any bytes, so this is trouble of the database's own: try again.
        raise DatabaseAway(f"cannot write to quarantine: {why}")
    rest = Judged(progress=judged.progress, other_events=judged.other_events)
    if count == 1:
        detail = f"the commit failed with {why}: please report this with the log of the moment"
        rejection = judged.candidates[0].rejected(Reason.REFUSED_BY_DATABASE, detail)
        return [Judged(rejections=[rejection]), rest]
    pairs = zip(judged.entries, judged.candidates, strict=True)
    return [
        *(Judged(entries=[entry], candidates=[candidate]) for entry, candidate in pairs),
        *(Judged(rejections=[rejection]) for rejection in judged.rejections),
        rest,
    ]


def _sum(parts: Sequence[Committed]) -> Committed:
    positions: dict[StreamKey, int] = {}
    for part in parts:
        positions.update(part.positions)
    return Committed(
        sum((part.new for part in parts), Counter()),
        sum((part.copies for part in parts), Counter()),
        positions,
        tuple(rejection for part in parts for rejection in part.rejections),
        tuple(answer for part in parts for answer in part.answers),
        sum((part.unanswered for part in parts), Counter()),
    )
