"""How a zone counts: its settings and gates, and the tally made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, select

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.domains.crowd.counting import CountPoint, CountRule
from stadtsinn.cloud.domains.crowd.gate_repository import IN, OUT, LineKey
from stadtsinn.cloud.domains.crowd.occupancy import GateLines, Line, ZoneTally
from stadtsinn.cloud.town.directory import ZoneEntry
from stadtsinn.cloud.town.tables import devices, gates, zones
from stadtsinn.decoders.catalogue import catalogue

TOTALS = {IN: "people_in_total", OUT: "people_out_total"}
COUNTS = {IN: "people_in", OUT: "people_out"}


@dataclass(frozen=True)
class CountedGate:
    """A gate: which line of which device, and whether it is mounted back to front."""

    id: int
    dev_eui: str
    channel: str
    swapped: bool
    device_type: str


@dataclass(frozen=True)
class CountedZone:
    """What of a zone matters for counting. Equal settings give equal numbers."""

    id: int
    tenant_id: str
    reset_at: str
    interval_s: int
    error_in: float
    error_out: float
    max_rate: int
    gates: tuple[CountedGate, ...]

    @property
    def line_keys(self) -> list[LineKey]:
        return [(gate.id, direction) for gate in self.gates for direction in (IN, OUT)]

    @property
    def interval(self) -> int:
        """Expected microseconds between two reports of a gate."""
        return self.interval_s * SECOND


def counted_zone(entry: ZoneEntry) -> CountedZone:
    """The settings of a zone of the directory."""
    return CountedZone(
        entry.id,
        entry.tenant_id,
        entry.reset_at,
        entry.interval_s,
        entry.error_in,
        entry.error_out,
        entry.max_rate,
        tuple(
            CountedGate(gate.id, gate.dev_eui, gate.channel, gate.swapped, gate.device_type)
            for gate in entry.gates
        ),
    )


def read_counted_zone(connection: Connection, zone_id: int) -> CountedZone | None:
    """The settings of one zone, straight from the registry's tables."""
    columns = (
        zones.c.id,
        zones.c.tenant_id,
        zones.c.reset_at,
        zones.c.interval_s,
        zones.c.error_in,
        zones.c.error_out,
        zones.c.max_rate,
    )
    row = connection.execute(select(*columns).where(zones.c.id == zone_id)).one_or_none()
    if row is None:
        return None
    gate_rows = connection.execute(
        select(gates.c.id, gates.c.dev_eui, gates.c.channel, gates.c.swapped, devices.c.device_type)
        .join_from(gates, devices, gates.c.dev_eui == devices.c.dev_eui)
        .where(gates.c.zone_id == zone_id)
        .order_by(gates.c.id)
    )
    return CountedZone(*row, tuple(CountedGate(*gate_row) for gate_row in gate_rows))


Lines = dict[LineKey, Line]


def make_lines(zone: CountedZone, points: Mapping[LineKey, Sequence[CountPoint]]) -> Lines:
    """The lines of a zone's gates, each with the rule it is counted by."""
    return {
        (gate.id, direction): Line(
            CountRule(
                _modulus(gate.device_type, TOTALS[direction], gate.channel),
                zone.max_rate,
                zone.interval,
            ),
            points.get((gate.id, direction), ()),
        )
        for gate in zone.gates
        for direction in (IN, OUT)
    }


def make_tally(zone: CountedZone, lines: Lines, start: Instant, base: int) -> ZoneTally:
    """A tally over these lines from a known number on."""
    return ZoneTally(
        [_gate_lines(gate, lines) for gate in zone.gates],
        zone.error_in,
        zone.error_out,
        start,
        base,
    )


def _gate_lines(gate: CountedGate, lines: Lines) -> GateLines:
    inward, outward = lines[gate.id, IN], lines[gate.id, OUT]
    if gate.swapped:
        inward, outward = outward, inward
    return GateLines(gate.id, inward, outward)


@lru_cache(maxsize=4096)
def _modulus(device_type: str, quantity: str, channel: str) -> float | None:
    known = catalogue().find(device_type)
    return known.counter_modulus(quantity, channel) if known else None
