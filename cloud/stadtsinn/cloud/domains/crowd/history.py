"""The past of a zone, minute by minute, computed from the counts of its gates when asked for."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.crowd.day_repository import ratio_of
from stadtsinn.cloud.domains.crowd.gate_repository import points_of, time_span
from stadtsinn.cloud.domains.crowd.occupancy import Clamp, Estimate, ZoneTally, minutes_between
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.setup import Lines, line_keys, make_lines, make_tally
from stadtsinn.cloud.domains.crowd.zone_repository import Correction, known_numbers
from stadtsinn.cloud.domains.crowd.zones.agenda import Agenda
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.domains.crowd.zones.repository import zone_entry


def occupancy_history(
    connection: Connection, zone_id: int, start: int, end: int
) -> list[ZoneSample]:
    """One sample per full minute with start <= minute < end that the gates have reported on.

    Samples have position 0: they are not part of the stream that followers read.
    """
    zone = zone_entry(connection, zone_id)
    span = time_span(connection, line_keys(zone)) if zone else None
    if zone is None or span is None:
        return []
    first, newest = span
    return [
        ZoneSample(
            0,
            zone.tenant_id,
            zone.id,
            estimate.time,
            estimate.occupancy,
            estimate.low,
            estimate.high,
            estimate.degraded,
        )
        for estimate in _estimates(connection, zone, max(start, first), min(end, newest + 1))
    ]


def _estimates(connection: Connection, zone: ZoneEntry, start: int, end: int) -> Iterator[Estimate]:
    agenda = Agenda(zone.events)
    for number, until in _epochs(connection, zone.id, start, end):
        lines = make_lines(zone, points_of(connection, line_keys(zone), number.event_time, until))
        tally = _tally(connection, zone, lines, number)
        horizon = tally.horizon(tally.newest or 0) or 0
        for minute in minutes_between(max(start, number.event_time), until):
            tally.settle(min(minute, horizon))
            if agenda.is_open(minute):
                yield tally.estimate(minute)


def clamps_of_epoch(
    connection: Connection, zone: ZoneEntry, number: Correction, until: int
) -> list[Clamp]:
    """The zero clamps between a known number and the next one at `until`."""
    lines = make_lines(zone, points_of(connection, line_keys(zone), number.event_time, until))
    tally = _tally(connection, zone, lines, number)
    horizon = tally.horizon(tally.newest or 0) or 0
    return tally.settle(min(until - 1, horizon))


def estimate_at(connection: Connection, zone: ZoneEntry, moment: Instant) -> Estimate | None:
    """Persons inside at a moment, by all that is entered and counted; None before the first
    report."""
    numbers = known_numbers(connection, zone.id, moment, moment + 1)
    if not numbers or numbers[-1].event_time > moment:
        return None
    number = numbers[-1]
    lines = make_lines(zone, points_of(connection, line_keys(zone), number.event_time, moment))
    tally = _tally(connection, zone, lines, number)
    tally.settle(min(moment, tally.horizon(tally.newest or 0) or 0))
    return tally.estimate(moment)


def _tally(connection: Connection, zone: ZoneEntry, lines: Lines, number: Correction) -> ZoneTally:
    start = number.event_time
    ratio = ratio_of(connection, zone, start)
    return make_tally(zone, lines, start, number.value or 0, ratio)


def _epochs(
    connection: Connection, zone_id: int, start: int, end: int
) -> Iterator[tuple[Correction, Instant]]:
    """Known numbers, each with the moment that the next one takes over or `end`."""
    numbers = known_numbers(connection, zone_id, start, end)
    for index, number in enumerate(numbers):
        following = numbers[index + 1].event_time if index + 1 < len(numbers) else end
        yield number, Instant(following)
