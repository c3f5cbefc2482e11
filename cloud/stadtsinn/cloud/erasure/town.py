"""Erases a town, with everything that is kept of it. Killed anywhere, the next run goes on.

1. *Mark*: one transaction says that the town is being erased. From then on keys, edges, devices,
   zones and rules of it are nobody's for every process; no message of it leaves.
2. *Log, archive, series, rows, names*, a few at a time, in two passes at least and until one leaves
   nothing: what was under way in other processes comes to its end meanwhile.
3. *End*: one transaction finds nothing left and deletes the town's own row.

What the broker retains for its edges is taken back by the running ingest: `configured_edges` keeps
these ids until the broker has confirmed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import Table
from sqlalchemy.exc import IntegrityError

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.problems import Conflict, NotFound
from stadtsinn.cloud.alarms.alerts.tables import incidents, rules
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.erasure import repository
from stadtsinn.cloud.erasure.slices import Slices, Storage, said
from stadtsinn.cloud.log.archive_files import thinning
from stadtsinn.cloud.log.uplinks import removal_repository as removal
from stadtsinn.cloud.platform.access.tables import api_keys
from stadtsinn.cloud.platform.database.engine import overwriting
from stadtsinn.cloud.platform.tenants.repository import find_tenant
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.cloud.town.stations.tables import datastreams, stations
from stadtsinn.cloud.town.tables import devices, edges

log = structlog.get_logger()

SEEN_S = 1.0
"""Until every process sees the mark (0.2 s), and what it had begun by then is committed."""
_PASSES = 20

_COUNTED: Mapping[str, Table] = {
    "devices": devices,
    "edges": edges,
    "stations": stations,
    "series": datastreams,
    "zones": zones,
    "rules": rules,
    "incidents": incidents,
    "recipients": recipients,
    "messages": outbox,
    "keys": api_keys,
}


@dataclass(frozen=True)
class Inventory:
    """What would go: rows by what they are, uplinks of database and archive together."""

    tenant_id: str
    name: str
    begun: bool
    uplinks: int
    archived_days: int
    things: Mapping[str, int]


def inventory(storage: Storage, tenant_id: str) -> Inventory:
    """What is kept of a town. Raises NotFound, ArchiveUnreadable."""
    with storage.database.read() as connection:
        found = find_tenant(connection, tenant_id)
        if found is None and repository.anything_left(connection, tenant_id) is None:
            raise NotFound(
                f"There is no town '{tenant_id}': 'stadtsinn tenant list'.",
                f"Es gibt keine Stadt '{tenant_id}': 'stadtsinn tenant list'.",
            )
        logged = removal.count(connection, removal.of_tenant(tenant_id))
        things = {
            name: repository.count(connection, table, tenant_id) for name, table in _COUNTED.items()
        }
    gone = thinning.of_tenant(tenant_id)
    days = [count for _, count in thinning.days_that_hold(storage.database, storage.archive, gone)]
    return Inventory(
        tenant_id,
        found.name if found is not None else tenant_id,
        found is None or found.erasing_since is not None,
        logged + sum(days),
        len(days),
        things,
    )


@dataclass(frozen=True)
class Erased:
    """What went, and what others still have to take away."""

    gone: Mapping[str, int]
    left: tuple[str, ...]
    configurations: int


class TownErasure:
    """One erasure. Raises ArchiveUnreadable, HistoryBusy, SeriesUnavailable, Conflict; running it
    again goes on."""

    def __init__(self, storage: Storage, slices: Slices | None = None) -> None:
        self._storage = storage
        self._slices = slices or Slices(storage)

    def run(self, tenant_id: str) -> Erased:
        self._mark(tenant_id)
        self._slices.wait(SEEN_S)
        left = self._erase(tenant_id)
        log.info("tenant_erased", tenant=tenant_id, gone=said(self._slices.gone))
        with self._storage.database.read() as connection:
            waiting = len(list(repository.configurations_without_edge(connection)))
        return Erased(dict(self._slices.gone), () if left is None else (left,), waiting)

    def _mark(self, tenant_id: str) -> None:
        now = self._storage.clock.now()
        with self._storage.database.write() as connection:
            if repository.mark(connection, tenant_id, now):
                log.info("tenant_erasure_begun", tenant=tenant_id)
            its_devices = repository.devices_of(connection, tenant_id)
            repository.forget_in_redecodings(connection, its_devices)
            its_edges = repository.edges_of(connection, tenant_id)
            its_groups = repository.duty_subjects(connection, tenant_id)
            repository.forget_told(connection, its_devices, its_edges, its_groups)
            bump_revision(connection)
        crash_point("erasure.marked")

    def _erase(self, tenant_id: str) -> str | None:
        """What the store of series may not take away itself. The town's own row goes last: until
        then the command finds the town, however often it was killed."""
        for number in range(_PASSES):
            left = self._pass(tenant_id)
            # The first one leaves what a process had begun before it saw the mark.
            if number and self._end(tenant_id):
                return left
            self._slices.wait(SEEN_S)
        raise Conflict(
            f"Something goes on writing rows of '{tenant_id}'. Stop 'stadtsinn cloud run', then "
            "run this again: it goes on where it stopped.",
            f"Etwas schreibt weiter Zeilen von '{tenant_id}'. 'stadtsinn cloud run' beenden und "
            "dies noch einmal ausführen: es macht dort weiter, wo es aufgehört hat.",
        )

    def _pass(self, tenant_id: str) -> str | None:
        with self._slices.alone_with_history():
            self._log(tenant_id)
            self._slices.thin_archive(thinning.of_tenant(tenant_id))
        left = self._storage.series.erase_tenant(tenant_id)
        crash_point("erasure.series_gone")
        self._rows(tenant_id)
        self._slices.forget_names()
        return left

    def _log(self, tenant_id: str) -> None:
        self._slices.remove_uplinks(removal.of_tenant(tenant_id))
        with self._storage.database.write() as connection:
            removal.forget_read(connection)

    def _rows(self, tenant_id: str) -> None:
        with self._storage.database.write() as connection:
            repository.forget_former_owner(connection, tenant_id)
            repository.forget_claims(connection, tenant_id)
        for table in repository.owned_tables():
            self._slices.delete(table, repository.rows_of(table, tenant_id))

    def _end(self, tenant_id: str) -> bool:
        try:
            with self._storage.database.write() as connection:
                if repository.anything_left(connection, tenant_id) is not None:
                    return False
                overwriting(connection)
                repository.forget_claims(connection, tenant_id)
                repository.delete_tenant(connection, tenant_id)
                bump_revision(connection)
        except IntegrityError:
            return False  # PostgreSQL: a row of the town was committed a moment ago
        crash_point("erasure.ended")
        self._storage.database.tidy()
        return True
