"""The `series` follower: writes the readings of the uplink log into the series store."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection

from stadtsinn.base.batches import batched
from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import DEFAULTS, Limits
from stadtsinn.cloud.platform.tenants.repository import all_tenants
from stadtsinn.cloud.series.datastreams import NewStreams
from stadtsinn.cloud.series.filling import FillingProgress, note_beginning
from stadtsinn.cloud.series.points import PointMaker
from stadtsinn.cloud.series.redecode.unfinished import refuse_unfinished
from stadtsinn.cloud.series.room import Refusals
from stadtsinn.cloud.series.stores.store import Point, Refused, SeriesStore
from stadtsinn.cloud.town.directory import DirectoryCache

log = structlog.get_logger()

WRITTEN = Counter("stadtsinn_series_values", "Values handed to the series store and kept")
REFUSED = Counter("stadtsinn_series_refused", "Values that no series takes, for good")

_LOGGED_PER_BATCH = 5

_PART = 250
"""Uplinks whose points are made at a time."""


class SeriesFollower:
    """Writing a batch twice changes nothing, so everything is done in `prepare`.

    A value that the store refuses for good is counted, logged and left out: it must not keep
    the values after it waiting. It stays in the log, so a rebuild brings it back once the
    reason is gone. Raises SeriesUnavailable while the store is away; the loop tries again.
    """

    name = "series"

    def __init__(
        self,
        store: SeriesStore,
        directory: DirectoryCache,
        clock: Clock | None = None,
        limits: Limits = DEFAULTS,
    ) -> None:
        self._store = store
        self._directory = directory
        self._maker = PointMaker(directory, clock)
        self._streams = NewStreams(limits)
        self._refusals = Refusals()
        self._writing = threading.Lock()
        self._made = 0
        self._progress = FillingProgress()

    def load(self, database: Database) -> None:
        """Read which datastreams there are, before the first batch."""
        directory = self._directory.current()
        with database.read() as connection:
            self._streams.load(connection, directory)

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
        with self._writing:
            self._streams.begin(uplinks[0].position)
            self._write(uplinks)

    def barrier(self) -> None:
        """Return when all is written that was decided by earlier deployments than those of now.

        What is prepared after it goes by the deployments as they are in the database now.
        """
        with self._writing:
            self._directory.renew()

    def _write(self, uplinks: Sequence[LoggedUplink]) -> None:
        self._made = 0
        refused = self._store.write(self._points(uplinks))
        self._streams.make_ahead(self._directory.database)
        lost = sum(report.count for report in refused)
        WRITTEN.inc(self._made - lost)
        if refused:
            REFUSED.inc(lost)
            _log_refused(refused, lost)

    def _points(self, uplinks: Sequence[LoggedUplink]) -> Iterator[Point]:
        """The points of these uplinks, made while the store takes those before them."""
        maker = self._maker
        for some in batched(uplinks, _PART):
            points = [
                point
                for up in some
                for point in maker.points(up.tenant_id, up.dev_eui, up.event_time, up.outcome)
            ]
            refused = self._streams.note(points, self._directory.current())
            if refused:
                made = len(points)
                points = self._refusals.without(points, refused)
                REFUSED.inc(made - len(points))
            self._made += len(points)
            yield from points

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
        """No value is kept in the database, only which datastreams there are, and how far a
        rebuild has come."""
        self._streams.make(connection, uplinks[-1].position)
        self._progress.note(connection, uplinks[-1].position)

    def tick(self, connection: Connection, now: Instant) -> None:
        """Time alone changes no series."""

    def require_resettable(self, connection: Connection) -> None:
        """Raises RuntimeError while history is being decoded again: both would write the store."""
        refuse_unfinished(connection)

    def before_reset(self) -> None:
        """Empty the store of every tenant, their retention stays."""
        with self._directory.database.read() as connection:
            tenants = all_tenants(connection)
        for tenant in tenants:
            self._store.drop_tenant(tenant.id)

    def reset(self, connection: Connection) -> None:
        note_beginning(connection)

    def check(self) -> Check:
        """Whether the series are complete or being rebuilt, and who has too many."""
        said = self._progress.check()
        return Check(said.ok, said.detail, (*said.warnings, *self._refusals.warnings()))


def _log_refused(refused: Sequence[Refused], lost: int) -> None:
    for report in refused[:_LOGGED_PER_BATCH]:
        log.warning(
            "series_value_refused", values=report.count, what=report.what, reason=report.reason
        )
    if len(refused) > _LOGGED_PER_BATCH:
        log.warning("series_values_refused", values=lost, reports=len(refused))
