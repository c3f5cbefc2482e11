"""Makes the parts of series anew that changed deployments concern, beside the follower.

A change of a deployment records its parts in the same transaction (`series_corrections`). A
correction, killed anywhere, is done again from its beginning:

1. wait until the follower has written what it decided by the deployments of before (`barrier`)
2. from here on what is written into the part is kept for the new one as well
3. gather the part from the log, by the deployments of now, aside
4. replace it at once for all readers, mark the correction as done

It fires nothing: rules and counts follow the log, not the series.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import structlog

from stadtsinn.base.batches import batched
from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import Instant
from stadtsinn.base.turns import Turns
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.exclusive import rewriting_history
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series import repository as series
from stadtsinn.cloud.series.corrections import repository
from stadtsinn.cloud.series.corrections.repository import Correction
from stadtsinn.cloud.series.redecode.unfinished import refuse_unfinished
from stadtsinn.cloud.series.rewriting.parts import LATEST, joined, meeting
from stadtsinn.cloud.series.rewriting.rewriter import PartRewriter
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.catalogue import catalogue

log = structlog.get_logger()

_LOOKED_AT = 20_000
"""Corrections read at once: the import of a town's devices makes one for each."""
_MARKED_AT_ONCE = 2_000
"""Corrections that one transaction marks as done."""
_TOGETHER = 50
"""How many stations' parts are staged at the same time."""


class Corrector:
    """Does corrections. `barrier` returns when the follower of this installation works by the
    deployments of now: everything it decided before is written.

    Raises SeriesUnavailable, SeriesRejected, ArchiveUnreadable, RuntimeError while history is
    being decoded again, HistoryBusy while the archive is written: nothing is lost, try again.
    """

    def __init__(
        self,
        database: Database,
        archive: Archive,
        store: SeriesStore,
        directory: DirectoryCache,
        clock: Clock,
        barrier: Callable[[], None],
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._barrier = barrier
        self._turns = Turns()
        self._rewriter = PartRewriter(database, archive, store, directory, catalogue, clock)

    def waiting(self) -> int:
        """How many corrections are not done."""
        with self._database.read() as connection:
            return repository.count_waiting(connection)

    def run_once(self) -> int:
        """Do some of what is waiting; returns how many corrections were done."""
        with self._database.read() as connection:
            found = repository.waiting(connection, _LOOKED_AT)
        if not found:
            return 0
        with rewriting_history(self._database):
            with self._database.read() as connection:
                refuse_unfinished(connection)
            self._barrier()
            idle = self._without_values(found)
            if idle:
                self._mark(idle)
                return len(idle)
            return self._correct(found)

    def _without_values(self, found: Sequence[Correction]) -> list[Correction]:
        """Corrections that change no value: no device of the station has sent anything yet, and
        the station has no series."""
        feeds = {one: self._rewriter.feeds([one.part], frozenset()) for one in found}
        devices = {feed.dev_eui for own in feeds.values() for feed in own}
        with self._database.read() as connection:
            heard = repository.with_uplinks(connection, devices)
        return [
            one
            for one, own in feeds.items()
            if not any(feed.dev_eui in heard for feed in own)
            and not self._store.series(one.part.tenant_id, one.part.station)
        ]

    def _correct(self, found: Sequence[Correction]) -> int:
        """The first part of each of some stations, of all towns in turn; all others come next."""
        parts = chosen(meeting(one.part for one in found), self._turns, _TOGETHER)
        for refused in self._rewriter.gather(parts):
            log.warning("series_value_refused", what=refused.what, reason=refused.reason)
        crash_point("corrections.staged")
        for part in parts:
            self._rewriter.finish(part)
            crash_point("corrections.replaced")
            self._settle_streams(part)
            crash_point("corrections.streams_settled")
        done = [one for one in found if any(_inside(one.part, part) for part in parts)]
        self._mark(done)
        crash_point("corrections.done")
        return len(done)

    def _settle_streams(self, part: SeriesPart) -> None:
        """Datastreams follow from what the station's series hold now."""
        tenant_id, slug = part.tenant_id, part.station
        keys = self._store.series(tenant_id, slug)
        with self._database.read() as connection:
            known = series.streams_of(connection, tenant_id, slug)
        first = {(tenant_id, key): self._first(tenant_id, key) for key in {*keys} - known}
        with self._database.write() as connection:
            series.make_streams(connection, first)
            series.forget_empty(connection, tenant_id, slug, keys)

    def _first(self, tenant_id: str, key: SeriesKey) -> Instant:
        bounds = Instant(0), LATEST
        found = self._store.read(tenant_id, key, *bounds, include_doubtful=True, limit=1)
        return found[0].time if found else Instant(0)

    def _mark(self, done: Sequence[Correction]) -> None:
        for some in batched(done, _MARKED_AT_ONCE):
            with self._database.write() as connection:
                repository.mark_done(connection, [one.id for one in some], self._clock.now())
        log.info("series_corrected", corrections=len(done))


def chosen(waiting: Iterable[SeriesPart], turns: Turns, most: int) -> list[SeriesPart]:
    """The first parts of as many stations, of all towns in turn."""
    of_towns: defaultdict[str, dict[str, SeriesPart]] = defaultdict(dict)
    for part in waiting:
        of_towns[part.tenant_id].setdefault(part.station, part)
    stations = {town: [*parts.values()] for town, parts in of_towns.items()}
    found = list(islice(turns.one_of_each(stations), most))
    for town, _ in found:
        turns.took(town)
    return [part for _, part in found]


def _inside(part: SeriesPart, whole: SeriesPart) -> bool:
    (asked,) = joined((part,))
    same = (asked.tenant_id, asked.station) == (whole.tenant_id, whole.station)
    return same and whole.start <= asked.start and asked.end <= whole.end
