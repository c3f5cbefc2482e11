"""Counts the past of a line again: with reports that came late, or by other deployments."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sqlalchemy import Connection

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.crowd import gate_repository, zone_repository
from stadtsinn.cloud.domains.crowd.counting import Report, fold, merge
from stadtsinn.cloud.domains.crowd.gate_repository import LineKey
from stadtsinn.cloud.domains.crowd.history import clamps_of_epoch
from stadtsinn.cloud.domains.crowd.occupancy import POINTS_BEFORE, Line
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry

COUNTED_AGAIN = 7 * DAY
"""How far back a late report changes what its line counted, and zero clamps are recorded again."""


def fold_again(
    connection: Connection,
    line: Line,
    key: LineKey,
    reports: Sequence[Report],
    start: int,
    counted_until: int = 0,
) -> None:
    """Count a line from `start` on again, with these reports; those that were counted before
    `counted_until` are forgotten."""
    tail = gate_repository.points_from(connection, key, start)
    by_time = {point.time: point.report for point in tail if point.time >= counted_until}
    for report in reports:
        known = by_time.get(report.time)
        by_time[report.time] = merge(known, report) if known else report
    points = gate_repository.points_before(connection, key, start)
    known_count = len(points)
    for _, report in sorted(by_time.items()):
        point = fold(points[-POINTS_BEFORE:], report, line.rule_for(report))
        if point is not None:
            points.append(point)
    gate_repository.delete_points_from(connection, key, start)
    gate_repository.insert_points(connection, [(key, point) for point in points[known_count:]])


def record_clamps_again(
    connection: Connection, zone: ZoneEntry, start: int, current: int, now: Instant
) -> None:
    """The zero clamps of the finished periods before `current` that the past reaches into.

    Those from longer ago stay as they were recorded; the history is computed without them.
    """
    numbers = zone_repository.known_numbers(
        connection, zone.id, max(start, current - COUNTED_AGAIN)
    )
    for number, following in pairwise(numbers):
        if following.event_time > current:
            break
        end = following.event_time
        clamps = clamps_of_epoch(connection, zone, number, end)
        zone_repository.delete_clamps(connection, zone.id, number.event_time, end)
        zone_repository.insert_clamps(connection, zone.tenant_id, zone.id, clamps, now)
