"""The part of the directory that belongs to counting: all zones of all tenants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import Connection

from stadtsinn.cloud.domains.crowd.zones import repository
from stadtsinn.cloud.domains.crowd.zones.entry import GateEntry, ZoneEntry
from stadtsinn.cloud.town.directory import Directory

GateOfZone = tuple[ZoneEntry, GateEntry]


@dataclass(frozen=True)
class Zones:
    """All zones, found by their key and by the device that counts at one of their gates."""

    by_id: Mapping[int, ZoneEntry]
    _of_device: Mapping[str, tuple[GateOfZone, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[GateOfZone]] = defaultdict(list)
        for zone in self.by_id.values():
            for entry in zone.gates:
                found[entry.dev_eui].append((zone, entry))
        of_device = {dev_eui: tuple(pairs) for dev_eui, pairs in found.items()}
        object.__setattr__(self, "_of_device", of_device)

    def of_device(self, dev_eui: str) -> tuple[GateOfZone, ...]:
        """The zones that count with this device, with the gate it is there; () for most."""
        return self._of_device.get(dev_eui, ())


def read_zones(connection: Connection, _directory: Directory) -> Zones:
    """For `DirectoryCache.part`."""
    entries = repository.zone_entries(connection)
    return Zones(MappingProxyType({entry.id: entry for entry in entries}))
