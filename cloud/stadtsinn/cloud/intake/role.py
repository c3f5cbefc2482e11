"""Puts the ingest together from the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.repeating import Repeating
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cloud.intake.awaited import Awaited
from stadtsinn.cloud.intake.edge_states import EdgeStateWriter
from stadtsinn.cloud.intake.inbox import Inbox
from stadtsinn.cloud.intake.maintenance import Maintenance
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.intake.repository import heard_before
from stadtsinn.cloud.intake.settings import IntakeSettings
from stadtsinn.cloud.intake.sources import EdgeSource, Linked, NetworkServer, ServerSource, Source
from stadtsinn.cloud.intake.worker import Grouping, IngestWorker
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.edge.network_servers.format import ANY
from stadtsinn.edge.network_servers.formats import format_named


class Ingest:
    """The ingest as a role: its worker and its sources."""

    def __init__(
        self,
        worker: IngestWorker,
        sources: list[Source],
        housekeeping: Maintenance,
        beside: Sequence[Repeating],
    ) -> None:
        self._worker = worker
        self._housekeeping = housekeeping
        self._beside = (housekeeping, *beside)
        self._names = [source.name for source in sources]

    def start(self) -> None:
        for one in self._beside:
            one.start()
        self._worker.start()

    def stop(self) -> None:
        self._worker.stop()
        for one in self._beside:
            one.stop()

    def ended(self) -> str | None:
        beside = next((name for one in self._beside if (name := one.ended())), None)
        return self._worker.ended() or beside

    def checks(self) -> Mapping[str, Callable[[], Check]]:
        """One check per source, one for the commits, the edges and the quarantine."""
        sources = {
            f"broker {name}": partial(self._worker.check_source, name) for name in self._names
        }
        return {
            "ingest": self._worker.check,
            "edges": self._worker.check_edges,
            "quarantine": self._housekeeping.check,
            **sources,
        }


def _edges(settings: IntakeSettings, inbox: Inbox, clock: Clock) -> Iterator[Source]:
    """All edges through the installation's own broker."""
    if settings.ingest.edges:
        broker = settings.broker_for("edges")
        yield EdgeSource(broker, settings.ingest.share, inbox, clock)


def _network_servers(settings: IntakeSettings, inbox: Inbox, clock: Clock) -> Iterator[Source]:
    for server in settings.network_servers:
        stated = NetworkServer(
            server.name,
            format_named(server.format),
            server.tenant,
            server.topic_prefix,
            server.application or ANY,
            server.old_events,
        )
        broker = settings.broker_for(server.name, server.broker)
        yield ServerSource(stated, broker, settings.ingest.share, inbox, clock)


SOURCES: list[Callable[[IntakeSettings, Inbox, Clock], Iterator[Source]]] = [
    _edges,
    _network_servers,
]
"""One function for each kind of source: it opens those that the configuration names."""


def _expect_sessions(sources: Sequence[Source], database: Database) -> None:
    """A broker that forgot the session of an earlier process has lost what it held for us."""
    for source in sources:
        if isinstance(source, Linked):
            with database.read() as connection:
                before = heard_before(connection, source.name, edges=isinstance(source, EdgeSource))
            if before:
                source.expect_session()


def build_ingest(
    settings: IntakeSettings,
    database: Database,
    directory: DirectoryCache,
    clock: Clock,
    signal: LogSignal,
    archive: Archive,
) -> Ingest:
    """Raises SettingsError when there is nothing to take from, or a secret is missing."""
    inbox = Inbox()
    sources = [one for opened in SOURCES for one in opened(settings, inbox, clock)]
    edges = next((one for one in sources if isinstance(one, EdgeSource)), None)
    if not sources:
        raise SettingsError(
            "the ingest has no source: set ingest.edges = true or name a [[network_servers]]",
            "der Ingest hat keine Quelle: ingest.edges = true setzen oder einen "
            "[[network_servers]] nennen",
        )
    _expect_sessions(sources, database)
    grouping = Grouping(settings.ingest.max_messages, linger_s=settings.ingest.linger_ms / 1000)
    housekeeping = Maintenance(database, clock)
    awaited = Awaited(database, open_ingestor(database, directory, clock, archive), clock, signal)
    worker = IngestWorker(
        open_ingestor(database, directory, clock, archive),
        inbox,
        sources,
        edges,
        signal,
        (housekeeping, awaited),
        grouping,
    )
    states = EdgeStateWriter(database, edges.states, directory.current) if edges else None
    beside: list[Repeating] = [awaited, *([states] if states else [])]
    return Ingest(worker, sources, housekeeping, beside)
