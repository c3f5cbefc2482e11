"""Erases what a town keeps of one device. Killed anywhere, the next run goes on.

The device is struck off first: nothing more of it is taken. A note of who had it (`former_owners`)
stays until the end and tells the next run that there is something to do. Then go its uplinks in log
and archive, the points of series that it measured, its quarantine, claims, and its deployments.
What gates counted with it stays as the zone's history, without its name: numbers of persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from stadtsinn.base.crash_points import crash_point
from stadtsinn.cloud.erasure import device_repository, repository
from stadtsinn.cloud.erasure.slices import Slices, Storage, said
from stadtsinn.cloud.log.archive_files import thinning
from stadtsinn.cloud.log.uplinks import removal_repository as removal
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line
from stadtsinn.cloud.platform.audit.recording import record
from stadtsinn.cloud.platform.database.engine import overwriting
from stadtsinn.cloud.series import repository as series
from stadtsinn.cloud.town import repository as town
from stadtsinn.cloud.town.repository import bump_revision

log = structlog.get_logger()

SEEN_S = 1.0
"""As for a town."""


@dataclass(frozen=True)
class Inventory:
    """What would go."""

    tenant_id: str
    dev_eui: str
    registered: bool
    uplinks: int
    archived_days: int
    quarantined: int
    stations: tuple[str, ...]
    """Where it was deployed: its points go there."""


def inventory(storage: Storage, scope: Scope, dev_eui: str) -> Inventory:
    """What is kept of a device. Raises NotFound, ArchiveUnreadable."""
    tenant_id = scope.tenant_id
    with storage.database.read() as connection:
        device_repository.require_known(connection, scope, dev_eui)
        logged = removal.count(connection, removal.of_device(tenant_id, dev_eui))
        quarantined = device_repository.count_quarantined(connection, tenant_id, dev_eui)
        stations = device_repository.stations_of(connection, tenant_id, dev_eui)
        registered = town.tenant_of_device(connection, dev_eui) == tenant_id
    gone = thinning.of_device(tenant_id, dev_eui)
    found = thinning.days_that_hold(storage.database, storage.archive, gone, dev_eui)
    days = [count for _, count in found]
    return Inventory(
        tenant_id, dev_eui, registered, logged + sum(days), len(days), quarantined, tuple(stations)
    )


class DeviceErasure:
    """One erasure. Raises ArchiveUnreadable, HistoryBusy, SeriesUnavailable, and SeriesRejected
    where the store can delete no single points; running it again goes on."""

    def __init__(self, storage: Storage, slices: Slices | None = None) -> None:
        self._storage = storage
        self._slices = slices or Slices(storage)

    def run(self, scope: Scope, dev_eui: str) -> Mapping[str, int]:
        """What went, by what it was. Raises NotFound."""
        tenant_id = scope.tenant_id
        self._storage.series.check_replaceable()
        self._strike_off(scope, dev_eui)
        self._slices.wait(SEEN_S)
        self._measured(tenant_id, dev_eui)
        self._slices.wait(SEEN_S)
        self._measured(tenant_id, dev_eui)  # what was under way
        self._rows(tenant_id, dev_eui)
        self._end(scope, dev_eui)
        log.info("device_erased", tenant=tenant_id, dev_eui=dev_eui, gone=said(self._slices.gone))
        return dict(self._slices.gone)

    def _strike_off(self, scope: Scope, dev_eui: str) -> None:
        now = self._storage.clock.now()
        with self._storage.database.write() as connection:
            device_repository.require_known(connection, scope, dev_eui)
            if town.tenant_of_device(connection, dev_eui) == scope.tenant_id:
                town.end_ownership(connection, scope, dev_eui, now, from_beginning=False)
                town.delete_device(connection, scope, dev_eui)
            bump_revision(connection)
        crash_point("erasure.struck_off")

    def _measured(self, tenant_id: str, dev_eui: str) -> None:
        with self._slices.alone_with_history():
            self._slices.remove_uplinks(removal.of_device(tenant_id, dev_eui))
            self._slices.thin_archive(thinning.of_device(tenant_id, dev_eui), dev_eui)
        self._storage.series.drop_device(tenant_id, dev_eui)
        crash_point("erasure.series_gone")

    def _rows(self, tenant_id: str, dev_eui: str) -> None:
        for table, rows in device_repository.rows_of(tenant_id, dev_eui):
            self._slices.delete(table, rows)
        with self._storage.database.read() as connection:
            lines = device_repository.lines_of(connection, tenant_id, dev_eui)
        for line in lines:
            self._slices.run("", device_repository.Unnaming(line, dev_eui))
        with self._storage.database.read() as connection:
            stations = device_repository.stations_of(connection, tenant_id, dev_eui)
        for station in stations:
            left = self._storage.series.series(tenant_id, station)
            with self._storage.database.write() as connection:
                series.forget_empty(connection, tenant_id, station, left)

    def _end(self, scope: Scope, dev_eui: str) -> None:
        """Until the town's last rows go, the command finds the device, however often it was
        killed: so its name goes from the series before."""
        now, tenant_id = self._storage.clock.now(), scope.tenant_id
        with self._storage.database.read() as connection:
            elsewhere = set(device_repository.towns_that_know(connection, dev_eui)) - {tenant_id}
            registered = town.tenant_of_device(connection, dev_eui) is not None
        self._slices.forget_names(None if elsewhere or registered else dev_eui)
        with self._storage.database.write() as connection:
            overwriting(connection)
            device_repository.delete_deployments(connection, tenant_id, dev_eui)
            repository.forget_former_owner(connection, tenant_id, dev_eui)
            if town.tenant_of_device(connection, dev_eui) is None:  # else they are of its owner
                repository.forget_in_redecodings(connection, {dev_eui})
                repository.forget_told(connection, {dev_eui})
            bump_revision(connection)
            record(connection, scope, now, [_line(tenant_id, dev_eui, self._slices.gone)])
        crash_point("erasure.ended")
        self._storage.database.tidy()


def _line(tenant_id: str, dev_eui: str, gone: Mapping[str, int]) -> Line:
    """For the audit; the device's name is not in it."""
    what = said(gone) or "nothing stored"
    return Line(tenant_id, Action.DELETED, Kind.DEVICE, dev_eui, f"erased; {what}")
