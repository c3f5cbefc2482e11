"""The part of the directory that belongs to counting: all zones of all tenants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import Connection

from stadtsinn.base.instant import LATEST
from stadtsinn.cloud.domains.crowd.zones import repository
from stadtsinn.cloud.domains.crowd.zones.entry import GateEntry, ZoneEntry
from stadtsinn.cloud.town.directory import Directory

GateOfZone = tuple[ZoneEntry, GateEntry]


@dataclass(frozen=True)
class Zones:
    """All zones, found by their key and by the station of one of their gates."""

    by_id: Mapping[int, ZoneEntry]
    next_permit: int = field(init=False, repr=False, compare=False)
    """When the next planned permit is due."""
    _at_station: Mapping[int, tuple[GateOfZone, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[int, list[GateOfZone]] = defaultdict(list)
        for zone in self.by_id.values():
            for entry in zone.gates:
                found[entry.station_id].append((zone, entry))
        at_station = {station_id: tuple(pairs) for station_id, pairs in found.items()}
        object.__setattr__(self, "_at_station", at_station)
        planned = [plan.since for zone in self.by_id.values() for plan in zone.planned]
        object.__setattr__(self, "next_permit", min(planned, default=LATEST))

    def at_station(self, station_id: int) -> tuple[GateOfZone, ...]:
        """The zones that count with this station, each with its gate; () for most stations."""
        return self._at_station.get(station_id, ())


def read_zones(connection: Connection, _directory: Directory) -> Zones:
    """For `DirectoryCache.part`."""
    entries = repository.zone_entries(connection)
    return Zones(MappingProxyType({entry.id: entry for entry in entries}))
