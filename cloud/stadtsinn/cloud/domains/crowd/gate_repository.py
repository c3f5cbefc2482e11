"""SQL of the counts of gates: points of lines, in order of event time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, ScalarSelect, delete, func, insert, select

from stadtsinn.cloud.domains.crowd.counting import CountPoint, Flag, Report
from stadtsinn.cloud.domains.crowd.occupancy import POINTS_BEFORE
from stadtsinn.cloud.domains.crowd.tables import gate_counts

IN, OUT = 0, 1
"""A line's two directions, as the device names them."""

LineKey = tuple[int, int]
"""Gate id and direction."""

_POINT_COLUMNS = (
    gate_counts.c.event_time,
    gate_counts.c.dev_eui,
    gate_counts.c.dev_addr,
    gate_counts.c.generation,
    gate_counts.c.f_cnt,
    gate_counts.c.total,
    gate_counts.c.interval_count,
    gate_counts.c.delta,
    gate_counts.c.counted,
    gate_counts.c.doubt,
    gate_counts.c.flag,
    gate_counts.c.variance,
)


def _point(row: Sequence[Any]) -> CountPoint:
    return CountPoint(Report(*row[:7]), row[7], row[8], row[9], Flag(row[10]), row[11])


def points_of(
    connection: Connection, keys: Sequence[LineKey], start: int, end: int | None
) -> dict[LineKey, list[CountPoint]]:
    """The points of lines from `start` to `end`, in order, with those around that are needed.

    That is a few before (to interpolate from and to know the recent pace) and one after.
    """
    found = {key: points_before(connection, key, start + 1) for key in keys}
    query = (
        select(gate_counts.c.gate_id, gate_counts.c.direction, *_POINT_COLUMNS)
        .where(gate_counts.c.gate_id.in_({gate_id for gate_id, _ in keys}))
        .where(gate_counts.c.event_time > start)
        .order_by(gate_counts.c.event_time)
    )
    if end is not None:
        query = query.where(gate_counts.c.event_time <= end)
    for row in connection.execute(query):
        found[row[0], row[1]].append(_point(row[2:]))
    if end is not None:
        for key in keys:
            found[key] += _one_after(connection, key, end)
    return found


def points_before(connection: Connection, key: LineKey, moment: int) -> list[CountPoint]:
    """The newest few points of a line before a moment, in order."""
    query = (
        _points(key)
        .where(gate_counts.c.event_time < moment)
        .order_by(gate_counts.c.event_time.desc())
        .limit(POINTS_BEFORE)
    )
    return [_point(row) for row in connection.execute(query)][::-1]


def points_from(connection: Connection, key: LineKey, moment: int) -> list[CountPoint]:
    """All points of a line from a moment on, in order."""
    query = _points(key).where(gate_counts.c.event_time >= moment)
    return [_point(row) for row in connection.execute(query.order_by(gate_counts.c.event_time))]


def _one_after(connection: Connection, key: LineKey, moment: int) -> list[CountPoint]:
    query = _points(key).where(gate_counts.c.event_time > moment)
    query = query.order_by(gate_counts.c.event_time).limit(1)
    return [_point(row) for row in connection.execute(query)]


def _points(key: LineKey) -> Any:
    gate_id, direction = key
    return select(*_POINT_COLUMNS).where(
        gate_counts.c.gate_id == gate_id, gate_counts.c.direction == direction
    )


def insert_points(connection: Connection, points: Sequence[tuple[LineKey, CountPoint]]) -> None:
    rows = [_row(key, point) for key, point in points]
    if rows:
        connection.execute(insert(gate_counts), rows)


def delete_points_from(connection: Connection, key: LineKey, moment: int) -> None:
    connection.execute(
        delete(gate_counts).where(
            gate_counts.c.gate_id == key[0],
            gate_counts.c.direction == key[1],
            gate_counts.c.event_time >= moment,
        )
    )


def delete_oldest(connection: Connection, key: LineKey, limit: int) -> int:
    """Delete the oldest points of a line, so many at most; how many."""
    line = (gate_counts.c.gate_id == key[0], gate_counts.c.direction == key[1])
    time = gate_counts.c.event_time
    oldest = select(time).where(*line).order_by(time).limit(limit).subquery()
    last = connection.scalar(select(func.max(oldest.c.event_time)))
    if last is None:
        return 0
    return connection.execute(delete(gate_counts).where(*line, time <= last)).rowcount


_A_LINE = 20
"""Finding a line costs as much as deleting so many of its points."""


def delete_some(connection: Connection, limit: int) -> bool:
    """Delete points of any lines, some `limit`; True: there are more."""
    first = select(gate_counts.c.gate_id, gate_counts.c.direction).limit(1)
    while limit > 0:
        line = connection.execute(first).one_or_none()
        if line is None:
            return False
        limit -= max(_A_LINE, delete_oldest(connection, (line[0], line[1]), limit))
    return True


def _row(key: LineKey, point: CountPoint) -> dict[str, object]:
    report = point.report
    return {
        "gate_id": key[0],
        "direction": key[1],
        "event_time": report.time,
        "dev_eui": report.dev_eui,
        "dev_addr": report.dev_addr,
        "generation": report.generation,
        "f_cnt": report.f_cnt,
        "total": report.total,
        "interval_count": report.count,
        "delta": point.delta,
        "counted": point.counted,
        "doubt": point.doubt,
        "flag": point.flag.value,
        "variance": point.variance,
    }


def time_span(connection: Connection, keys: Sequence[LineKey]) -> tuple[int, int] | None:
    """Event times of the first and the newest report of these lines."""
    if not keys:
        return None
    # One look-up in the index per line and end; a common MIN over all would read every row.
    ends = [_end(key, extreme) for key in keys for extreme in (func.min, func.max)]
    found = connection.execute(select(*ends)).one()
    known = [moment for moment in found if moment is not None]
    return (min(known), max(known)) if known else None


def _end(key: LineKey, extreme: Callable[[Any], Any]) -> ScalarSelect[Any]:
    query = select(extreme(gate_counts.c.event_time)).where(
        gate_counts.c.gate_id == key[0], gate_counts.c.direction == key[1]
    )
    return query.scalar_subquery()
