"""Zones and gates as followers have them: the models with their keys in the database."""

from __future__ import annotations

from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.permits import PlannedPermit
from stadtsinn.cloud.platform.api.model import Model


class Counter(Model):
    """A device that counts at a gate, counted there, or will: with its own channel.

    `device_type` is None for a device that is no longer registered.
    """

    dev_eui: str
    device_type: str | None
    channel: str


class GateEntry(Gate):
    """A registered gate, and the devices of its station that feed its channel."""

    id: int
    station_id: int
    counters: tuple[Counter, ...]


class ZoneEntry(Zone):
    """A registered zone with its gates. Equal entries give equal numbers."""

    id: int
    tenant_id: str
    gates: tuple[GateEntry, ...]
    planned: tuple[PlannedPermit, ...] = ()
