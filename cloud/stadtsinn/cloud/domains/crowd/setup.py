"""The lines of a zone's gates and the tally made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.crowd.counting import CountKind, CountPoint, CountRule
from stadtsinn.cloud.domains.crowd.gate_repository import IN, OUT, LineKey
from stadtsinn.cloud.domains.crowd.occupancy import GateLines, Line, ZoneTally
from stadtsinn.cloud.domains.crowd.zones.entry import GateEntry, ZoneEntry
from stadtsinn.decoders.catalogue import catalogue

CLICKERS_SIGN_OF_LIFE = 10 * MINUTE
"""A hand counter sends when it is pressed, and at least so often."""

TOTALS = {IN: "people_in_total", OUT: "people_out_total"}
COUNTS = {IN: "people_in", OUT: "people_out"}


def line_keys(zone: ZoneEntry) -> list[LineKey]:
    return [(gate.id, direction) for gate in zone.gates for direction in (IN, OUT)]


Lines = dict[LineKey, Line]


def make_lines(zone: ZoneEntry, points: Mapping[LineKey, Sequence[CountPoint]]) -> Lines:
    """The lines of a zone's gates, each with the rules its devices are counted by."""
    return {
        (gate.id, direction): _line(zone, gate, direction, points.get((gate.id, direction), ()))
        for gate in zone.gates
        for direction in (IN, OUT)
    }


def _line(zone: ZoneEntry, gate: GateEntry, direction: int, points: Sequence[CountPoint]) -> Line:
    interval = zone.interval_s * SECOND
    if gate.counts is CountKind.CLICKER:
        interval = max(interval, CLICKERS_SIGN_OF_LIFE)
    rule = CountRule(None, zone.max_rate, interval, gate.counts)
    by_device = {
        counter.dev_eui: replace(
            rule, modulus=_modulus(counter.device_type, TOTALS[direction], counter.channel)
        )
        for counter in gate.counters
        if counter.device_type is not None
    }
    return Line(rule, points, by_device)


def make_tally(
    zone: ZoneEntry, lines: Lines, start: Instant, base: int, out_ratio: float = 1.0
) -> ZoneTally:
    """A tally over these lines from a known number on."""
    return ZoneTally(
        [_gate_lines(gate, lines) for gate in zone.gates],
        zone.error_in,
        zone.error_out,
        start,
        base,
        out_ratio,
    )


def _gate_lines(gate: GateEntry, lines: Lines) -> GateLines:
    inward, outward = lines[gate.id, IN], lines[gate.id, OUT]
    if gate.swapped:
        inward, outward = outward, inward
    return GateLines(gate.id, inward, outward)


@lru_cache(maxsize=4096)
def _modulus(device_type: str, quantity: str, channel: str) -> float | None:
    known = catalogue().find(device_type)
    return known.counter_modulus(quantity, channel) if known else None
