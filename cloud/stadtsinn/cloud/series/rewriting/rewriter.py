"""Makes parts of series anew from the log, for redecoding and for corrections of deployments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.points import PointMaker
from stadtsinn.cloud.series.rewriting.parts import delays_by, feeds_of
from stadtsinn.cloud.series.rewriting.staging import Feed, Staging
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.series.stores.store import Refused, SeriesStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.catalogue import Catalogue


class PartRewriter:
    """Replaces parts of stations' series by what the log and the deployments of now say.

    Readers see a part as it was until `finish`, then as it is. Killed anywhere, the caller does
    it again from its beginning. One at a time on a database: hold `rewriting_history`.
    """

    def __init__(
        self,
        database: Database,
        archive: Archive,
        store: SeriesStore,
        directory: DirectoryCache,
        known: Callable[[], Catalogue],
        clock: Clock,
    ) -> None:
        self._database = database
        self._archive = archive
        self._store = store
        self._directory = directory
        self._known = known
        self._maker = PointMaker(directory, clock)

    def feeds(self, parts: Sequence[SeriesPart], delayed: frozenset[str]) -> list[Feed]:
        """Whose uplinks fill these parts; `delayed` names devices known for values of their own
        times."""
        directory = self._directory.current()
        delays = delays_by(directory, self._known())
        return feeds_of(directory, parts, lambda one: one in delayed or delays(one))

    def gather(
        self, parts: Sequence[SeriesPart], delayed: frozenset[str] = frozenset()
    ) -> list[Refused]:
        """Stage the new points of the parts, one part for each station."""
        if not parts:
            return []
        for part in parts:
            self._store.begin_replacement(part)
            crash_point("rewriting.begun")
        staging = Staging(self._store, self._maker, self.feeds(parts, delayed))
        staging.run(self._database, self._archive)
        return staging.refused

    def finish(self, part: SeriesPart) -> None:
        """Let readers see the part as it was gathered."""
        self._store.finish_replacement(part.tenant_id, part.station)
