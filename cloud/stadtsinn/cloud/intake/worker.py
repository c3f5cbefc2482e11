"""The ingest's one thread: takes messages in groups, commits, acknowledges, in this order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.health import Check
from stadtsinn.base.mqtt.link import QueueFull
from stadtsinn.base.threads import ended_early
from stadtsinn.base.under_way import UnderWay
from stadtsinn.cloud.intake.arrival import Arrival, Rejection
from stadtsinn.cloud.intake.edge_config import Configuring, EdgeConfigs
from stadtsinn.cloud.intake.inbox import Inbox, Received
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.intake.refusing import Refusals, Refusing
from stadtsinn.cloud.intake.service import Committed, DatabaseAway, Ingestor
from stadtsinn.cloud.intake.sources import Source, Watchful
from stadtsinn.cloud.intake.streams import Answer
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.town.directory import Directory

log = structlog.get_logger()

T = TypeVar("T")

_BACKOFF = Backoff(first=0.2, longest=10)
_IDLE_S = 2.0


@dataclass(frozen=True)
class Grouping:
    """How much one commit holds. `linger_s`: how long the first message waits for others."""

    max_messages: int = 1000
    max_bytes: int = 4 * 1024 * 1024
    linger_s: float = 0.002


class Answering(Configuring, Refusing, Protocol):
    """Whoever tells edges how far they are committed, and what devices they have."""

    def answer(self, edge_id: str, stream: str, position: int) -> None: ...

    def answer_run(self, answer: Answer) -> None: ...


class Noting(Protocol):
    """Whoever looks after the quarantine."""

    def note(self, rejections: Sequence[Rejection]) -> None: ...


class IngestWorker:
    """Runs until stopped. While the database is away it keeps its group and tries again."""

    def __init__(
        self,
        ingestor: Ingestor,
        inbox: Inbox,
        sources: Sequence[Source],
        answering: Answering | None,
        signal: LogSignal,
        housekeeping: Sequence[Noting],
        grouping: Grouping | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ingestor = ingestor
        self._inbox = inbox
        self._sources = {source.name: source for source in sources}
        self._answering = answering
        self._configs = EdgeConfigs(answering, ingestor.database) if answering is not None else None
        self._signal = signal
        self._housekeeping = housekeeping
        self._grouping = grouping or Grouping()
        self._stopping = threading.Event()
        self._refusals = Refusals(monotonic)
        self._trouble: str | None = None
        self._under_way = UnderWay(monotonic)
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        self._ingestor.start()
        for source in self._sources.values():
            source.start()
        self._thread.start()

    def stop(self) -> None:
        """Finish the commit under way; what is not acknowledged comes again."""
        self._stopping.set()
        self._inbox.close()
        self._thread.join(timeout=30)
        for source in self._sources.values():
            source.stop()

    def ended(self) -> str | None:
        stopped = self._stopping.is_set()
        own = ended_early(self._thread, stopped=stopped)
        return own or next((name for one in self._sources.values() if (name := one.ended())), None)

    def check(self) -> Check:
        """Healthy while commits succeed, none of them takes very long, and neither does what is
        between them."""
        if not self._thread.is_alive():
            return Check(ok=False, detail="the ingest's thread ended: restart the process")
        if self._trouble is not None:
            return Check(ok=False, detail=f"cannot commit, trying again: {self._trouble}")
        if (long := self._under_way.too_long()) is not None:
            return Check(ok=False, detail=f"{long}: what arrives waits for it")
        return Check(ok=True, detail="commits succeed")

    def check_source(self, name: str) -> Check:
        source = self._sources[name]
        warnings = source.warnings() if isinstance(source, Watchful) else ()
        if source.connected:
            return Check(True, "connected", warnings)
        return Check(False, "not connected to its broker, trying again", warnings)

    def check_edges(self) -> Check:
        """What was noticed about edges whose data arrive."""
        return self._ingestor.edges.check()

    def _run(self) -> None:
        grouping = self._grouping
        while not self._stopping.is_set():
            group = self._inbox.take(
                grouping.max_messages, grouping.max_bytes, grouping.linger_s, _IDLE_S
            )
            if group:
                self._handle(group)
            with self._under_way.doing("a look at the registry"):
                self._look_at_registry()

    def _look_at_registry(self) -> None:
        """Pass changes on to the edges; also shows, with nothing to commit, that all is well."""
        try:
            directory = self._ingestor.directory()
            self._inbox.know(directory.edges)
            self._ingestor.edges.note_set_back(self._inbox.set_back())
            if self._configs is not None:
                self._configs.push(directory)
        except DatabaseAway as away:
            self._note_trouble(str(away))
        except QueueFull:
            log.warning("edge_config_not_sent", remedy="it is tried again")
        else:
            self._trouble = None

    def _handle(self, group: Sequence[Received]) -> None:
        crash_point("ingest.received")
        # Read once, however often the commit is tried: reading teaches gateways' clocks.
        arrivals = self._until_done("reading a group", lambda: self._read(group))
        committed = self._until_done("one commit", lambda: self._ingestor.take(arrivals or []))
        if committed is None:
            return  # stopped: what is not acknowledged comes again
        crash_point("ingest.committed")
        for one in self._housekeeping:
            one.note(committed.rejections)
        if committed.new:
            self._signal.notify()
        with self._under_way.doing("acknowledging a commit"):
            self._acknowledge(group, committed)

    def _read(self, group: Sequence[Received]) -> list[Arrival]:
        directory = self._ingestor.directory()
        return [_read(received, directory) for received in group]

    def _until_done(self, what: str, step: Callable[[], T]) -> T | None:
        """Try until it works; None when the worker was stopped."""
        retries = Retries(_BACKOFF)
        while not self._stopping.is_set():
            try:
                with self._under_way.doing(what):
                    result = step()
            except DatabaseAway as away:
                self._note_trouble(str(away))
            except Exception as error:  # a bug must not end the thread that everything needs
                log.exception("ingest_failed")
                self._note_trouble(type(error).__name__)
            else:
                self._trouble = None
                return result
            self._stopping.wait(retries.failed())
        return None

    def _acknowledge(self, group: Sequence[Received], committed: Committed) -> None:
        if self._answering is not None:
            for (edge_id, stream), position in committed.positions.items():
                if position > 0:
                    self._answering.answer(edge_id, stream, position)
            for answer in committed.answers:
                self._answering.answer_run(answer)
            self._refusals.tell(committed.rejections, self._answering)
        crash_point("ingest.answered")
        for feed in dict.fromkeys(received.feed for received in group):
            feed.acknowledge(*(one.message for one in group if one.feed is feed))
        crash_point("ingest.acknowledged")

    def _note_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.error(
                "cannot_commit",
                error=trouble,
                remedy="nothing is lost: brokers and edges keep what is not acknowledged",
            )
        self._trouble = trouble


def _read(received: Received, directory: Directory) -> Arrival:
    try:
        return received.feed.read(received.original, directory)
    except Exception as error:  # a bug in reading one message must not stop the next
        log.exception("reading_failed", source=received.feed.name)
        rejection = Rejection(received.original, Reason.INTERNAL_ERROR, type(error).__name__)
        return Arrival(rejections=[rejection])
