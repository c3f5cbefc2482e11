"""The registry as followers and the ingest read it: one frozen picture, renewed on change."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import Connection, Row, select

from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.stations.directory import (
    DeploymentEntry,
    StationEntry,
    Stations,
    read_stations,
)
from stadtsinn.cloud.town.tables import devices, edges, gates, registry_revision, zones

_CHECK_EVERY_S = 0.2


@dataclass(frozen=True)
class DeviceEntry:
    """A registered device. `interval_s` is the expected time between two uplinks."""

    dev_eui: str
    tenant_id: str
    device_type: str
    name: str
    interval_s: int


@dataclass(frozen=True)
class GateEntry:
    """One counting line of a device, as an entrance of a zone.

    `swapped` means that the device was mounted back to front: its "in" is our "out".
    """

    id: int
    zone_id: int
    slug: str
    name: str
    dev_eui: str
    channel: str
    swapped: bool
    device_type: str


@dataclass(frozen=True)
class ZoneEntry:
    """An area whose persons are counted.

    `reset_at` is "HH:MM" local time, when the area is empty. `error_in` and `error_out` are
    shares of miscounted persons, `max_rate` is persons per minute and gate.
    """

    id: int
    tenant_id: str
    slug: str
    name: str
    name_en: str
    permitted: int | None
    reset_at: str
    interval_s: int
    error_in: float
    error_out: float
    max_rate: int
    public: bool
    gates: tuple[GateEntry, ...]


@dataclass(frozen=True)
class Directory:
    """Everything a follower needs to know of the registry, of all tenants."""

    devices: Mapping[str, DeviceEntry]
    edges: Mapping[str, str]
    """Edge id → tenant id."""
    zones: Mapping[int, ZoneEntry]
    places: Stations = field(default_factory=Stations)
    revision: int = 0
    _zones_of: Mapping[str, tuple[tuple[ZoneEntry, GateEntry], ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zones_of", _zones_by_device(self.zones.values()))

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

    def zones_of_device(self, dev_eui: str) -> tuple[tuple[ZoneEntry, GateEntry], ...]:
        """The zones that count with this device, with the gate it is there; () for most."""
        return self._zones_of.get(dev_eui, ())


def _zones_by_device(
    entries: Iterable[ZoneEntry],
) -> Mapping[str, tuple[tuple[ZoneEntry, GateEntry], ...]]:
    found: dict[str, list[tuple[ZoneEntry, GateEntry]]] = defaultdict(list)
    for zone in entries:
        for gate in zone.gates:
            found[gate.dev_eui].append((zone, gate))
    return {dev_eui: tuple(pairs) for dev_eui, pairs in found.items()}


def read_revision(connection: Connection) -> int:
    """The number that every change of the registry counts up; 0 before the first."""
    return connection.execute(select(registry_revision.c.revision)).scalar_one_or_none() or 0


def read_directory(connection: Connection) -> Directory:
    """Read the whole registry as it stands."""
    # The revision is read first: a change that slips in between costs one more reading,
    # never a picture that is taken for newer than it is.
    revision = read_revision(connection)
    device_rows = connection.execute(
        select(
            devices.c.dev_eui,
            devices.c.tenant_id,
            devices.c.device_type,
            devices.c.name,
            devices.c.interval_s,
        )
    )
    by_eui = {row.dev_eui: DeviceEntry(*row) for row in device_rows}
    edge_rows = connection.execute(select(edges.c.id, edges.c.tenant_id))
    return Directory(
        devices=MappingProxyType(by_eui),
        edges=MappingProxyType({row.id: row.tenant_id for row in edge_rows}),
        zones=MappingProxyType(_read_zones(connection, by_eui)),
        places=read_stations(connection),
        revision=revision,
    )


def _read_zones(connection: Connection, by_eui: Mapping[str, DeviceEntry]) -> dict[int, ZoneEntry]:
    gates_of: dict[int, list[GateEntry]] = defaultdict(list)
    for row in connection.execute(select(gates).order_by(gates.c.id)):
        if device := by_eui.get(row.dev_eui):
            gates_of[row.zone_id].append(_gate_entry(row, device.device_type))
    return {
        row.id: _zone_entry(row, tuple(gates_of[row.id]))
        for row in connection.execute(select(zones).order_by(zones.c.id))
    }


def _gate_entry(row: Row[tuple[object, ...]], device_type: str) -> GateEntry:
    return GateEntry(
        id=row.id,
        zone_id=row.zone_id,
        slug=row.slug,
        name=row.name,
        dev_eui=row.dev_eui,
        channel=row.channel,
        swapped=row.swapped,
        device_type=device_type,
    )


def _zone_entry(row: Row[tuple[object, ...]], entries: tuple[GateEntry, ...]) -> ZoneEntry:
    return ZoneEntry(
        id=row.id,
        tenant_id=row.tenant_id,
        slug=row.slug,
        name=row.name,
        name_en=row.name_en,
        permitted=row.permitted,
        reset_at=row.reset_at,
        interval_s=row.interval_s,
        error_in=row.error_in,
        error_out=row.error_out,
        max_rate=row.max_rate,
        public=row.public,
        gates=entries,
    )


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

    def current(self) -> Directory:
        """The directory as of now; raises SQLAlchemy's errors while the database is away."""
        known = self._directory
        if known is not None and self._monotonic() - self._checked_at < _CHECK_EVERY_S:
            return known
        with self._lock:
            return self._renewed()

    def _renewed(self) -> Directory:
        known = self._directory
        if known is not None and self._monotonic() - self._checked_at < _CHECK_EVERY_S:
            return known  # another thread was quicker
        with self._database.read() as connection:
            if known is None or read_revision(connection) != known.revision:
                known = read_directory(connection)
        self._directory = known
        self._checked_at = self._monotonic()
        return known
