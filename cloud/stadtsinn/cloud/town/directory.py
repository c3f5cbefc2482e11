"""The registry as followers and the ingest read it: an immutable copy, renewed after changes."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar, cast

import msgspec
import structlog
from msgspec.structs import replace
from sqlalchemy import Connection, Select, select
from sqlalchemy.exc import SQLAlchemyError

from stadtsinn.base.instant import Instant
from stadtsinn.base.logs import one_line
from stadtsinn.cloud.platform.access.rows import rows_named
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.tenants.repository import erasing
from stadtsinn.cloud.town.stations.directory import (
    DeploymentEntry,
    StationEntry,
    Stations,
    read_stations,
)
from stadtsinn.cloud.town.stations.tables import stations
from stadtsinn.cloud.town.tables import devices, edges, former_owners, registry_revision

log = structlog.get_logger()

_CHECK_EVERY_S = 0.2
_READ_AT_ONCE = 1_000
"""Devices of a registry that is read in some hundredths of a second."""

Part = TypeVar("Part")
PartReader = Callable[[Connection, "Directory"], Part]
"""Reads a domain's part of the registry for this directory."""


class DeviceEntry(msgspec.Struct, frozen=True, gc=False):
    """A registered device. `interval_s` is the expected time between two uplinks."""

    dev_eui: str
    tenant_id: str
    device_type: str
    name: str
    interval_s: int


@dataclass(frozen=True)
class FormerOwner:
    """A tenant that had a device: since <= event time < until. None: it was erased there."""

    tenant_id: str | None
    since: Instant
    until: Instant


@dataclass(frozen=True)
class Directory:
    """What every follower needs to know of the registry, of all tenants.

    What only a domain needs of it, the domain reads itself: see `DirectoryCache.part`.
    """

    devices: Mapping[str, DeviceEntry]
    edges: Mapping[str, str]
    """Edge id → tenant id."""
    places: Stations = field(default_factory=Stations)
    revision: int = 0
    former_owners: Mapping[str, tuple[FormerOwner, ...]] = field(default_factory=dict)
    """By dev_eui."""

    def device_at(self, dev_eui: str, time: int) -> DeviceEntry | None:
        """A registered device as of the tenant that had it at this event time; None where that
        has erased it."""
        device = self.devices.get(dev_eui)
        if device is not None:
            for owner in self.former_owners.get(dev_eui, ()):
                if owner.since <= time < owner.until:
                    if owner.tenant_id is None:
                        return None
                    return replace(device, tenant_id=owner.tenant_id)
        return device

    def deployments_of(self, dev_eui: str) -> tuple[DeploymentEntry, ...]:
        """Where a device was, is and will be, of all tenants, in the order of time."""
        return self.places.deployments.get(dev_eui, ())

    def deployments_at(self, station_id: int) -> tuple[DeploymentEntry, ...]:
        """The devices of a station, in the order of time."""
        return self.places.deployments_at.get(station_id, ())

    def station(self, tenant_id: str, slug: str) -> StationEntry | None:
        return self.places.by_slug.get((tenant_id, slug))

    @property
    def stations(self) -> Mapping[int, StationEntry]:
        """All stations by id."""
        return self.places.by_id


def read_revision(connection: Connection) -> int:
    """The number that every change of the registry counts up; 0 before the first."""
    return connection.execute(select(registry_revision.c.revision)).scalar_one_or_none() or 0


def read_directory(connection: Connection) -> Directory:
    """Read the whole registry as it stands."""
    # The revision is read first: a change in between then causes one more reading, and a copy
    # never counts as newer than it is.
    revision = read_revision(connection)
    known = devices.c.tenant_id.not_in(erasing())
    by_eui = {row[0]: DeviceEntry(*row) for row in connection.execute(_DEVICES.where(known)).all()}
    known = edges.c.tenant_id.not_in(erasing())
    edge_rows = connection.execute(select(edges.c.id, edges.c.tenant_id).where(known))
    return Directory(
        devices=MappingProxyType(by_eui),
        edges=MappingProxyType({row.id: row.tenant_id for row in edge_rows}),
        places=read_stations(connection),
        revision=revision,
        former_owners=MappingProxyType(_former_owners(connection)),
    )


def read_places(connection: Connection, tenant_id: str, slugs: Collection[str]) -> Directory:
    """What the registry says of some stations of a town, and of the devices that are deployed
    there at any time; of nothing else."""
    named = select(stations.c.id).where(stations.c.tenant_id == tenant_id)
    ids = [row.id for row in rows_named(connection, named, stations.c.slug, slugs)]
    places = read_stations(connection, ids)
    rows: Iterator[Any] = rows_named(connection, _DEVICES, devices.c.dev_eui, places.deployments)
    return Directory(devices={row[0]: DeviceEntry(*row) for row in rows}, edges={}, places=places)


_DEVICES: Select[Any] = select(
    devices.c.dev_eui,
    devices.c.tenant_id,
    devices.c.device_type,
    devices.c.name,
    devices.c.interval_s,
)


def _former_owners(connection: Connection) -> dict[str, tuple[FormerOwner, ...]]:
    table = former_owners
    found: dict[str, list[FormerOwner]] = defaultdict(list)
    for row in connection.execute(select(table).order_by(table.c.until)):
        found[row.dev_eui].append(FormerOwner(row.tenant_id, row.since, row.until))
    return {dev_eui: tuple(owners) for dev_eui, owners in found.items()}


class DirectoryCache:
    """The current directory, read again when the registry changed. Safe for threads.

    A change is seen at most 0.2 s of real time later; between two checks `current` costs
    nothing. `monotonic` is replaced in tests.
    """

    def __init__(
        self, database: Database, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._directory: Directory | None = None
        self._checked_at = 0.0
        self._parts: dict[PartReader[Any], tuple[int, object]] = {}
        self._reader = threading.Thread()
        """Reads the registry beside whoever takes `recent`."""

    @property
    def database(self) -> Database:
        """Where the registry is read from."""
        return self._database

    def current(self) -> Directory:
        """The directory as of now; raises SQLAlchemy's errors while the database is away."""
        known = self._directory
        if known is not None and self._is_fresh:
            return known
        with self._lock:
            return self._renewed()

    def recent(self) -> Directory:
        """As `current`, but nobody waits while a large registry is read again: until then it is
        the copy from before. Raises as `current` does.

        For the ingest, whose senders wait for an answer. What it sets aside because a device is
        not registered yet is taken as soon as it is.
        """
        known = self._directory
        if known is None:
            return self.current()
        if self._is_fresh or self._reader.is_alive() or not self._lock.acquire(blocking=False):
            return known  # where the lock is taken, a follower reads it just now
        try:
            if len(known.devices) <= _READ_AT_ONCE:
                return self._renewed()
            if not self._has_changed(known):
                self._checked_at = self._monotonic()
                return known
        finally:
            self._lock.release()
        self._reader = threading.Thread(target=self._read_beside, name="registry", daemon=True)
        self._reader.start()
        return known

    @property
    def _is_fresh(self) -> bool:
        return self._monotonic() - self._checked_at < _CHECK_EVERY_S

    def _has_changed(self, known: Directory) -> bool:
        with self._database.read() as connection:
            return read_revision(connection) != known.revision

    def _read_beside(self) -> None:
        try:
            self.renew()
        except SQLAlchemyError as error:  # `recent` finds the change again
            log.warning("registry_not_read", reason=one_line(error))

    def as_of(self, connection: Connection) -> Directory:
        """A directory that holds every change this transaction sees.

        For followers whose results cannot be taken back, such as an alarm: one query for a batch.
        """
        directory = self.current()
        if read_revision(connection) != directory.revision:
            self.renew()
            directory = self.current()
        return directory

    def renew(self) -> None:
        """Read the registry again if it changed, however short ago it was looked at."""
        with self._lock:
            self._checked_at = float("-inf")
            self._renewed()

    def part(self, read: PartReader[Part]) -> Part:
        """A domain's part of the registry, read again whenever the directory is read again."""
        directory = self.current()
        with self._lock:
            known = self._parts.get(read)
            if known is None or known[0] != directory.revision:
                with self._database.read() as connection:
                    known = (directory.revision, read(connection, directory))
                self._parts[read] = known
        return cast(Part, known[1])

    def _renewed(self) -> Directory:
        known = self._directory
        if known is not None and self._is_fresh:
            return known  # another thread has read it meanwhile
        with self._database.read() as connection:
            if known is None or read_revision(connection) != known.revision:
                known = read_directory(connection)
        self._directory = known
        self._checked_at = self._monotonic()
        return known
