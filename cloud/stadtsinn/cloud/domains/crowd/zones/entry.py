"""Zones and gates as followers have them: the models with their keys in the database."""

from __future__ import annotations

from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone


class GateEntry(Gate):
    """A registered gate, and the type of the device that counts there."""

    id: int
    device_type: str


class ZoneEntry(Zone):
    """A registered zone with its gates. Equal entries give equal numbers."""

    id: int
    tenant_id: str
    gates: tuple[GateEntry, ...]
