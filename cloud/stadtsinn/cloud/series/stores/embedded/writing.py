"""What the embedded series store does inside a write transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.series.stores.store import Point
from stadtsinn.decoders.reading import Quality

_GRADES = {Quality.GOOD: 0, Quality.SUSPECT: 1, Quality.BAD: 2}

_UPSERT = """
INSERT INTO points VALUES (?, ?, ?, ?, ?)
ON CONFLICT (device, time, series) DO UPDATE SET value = excluded.value, quality = excluded.quality
"""
_STAGE = _UPSERT.replace("INTO points", "INTO staged")
_NEWER = """
UPDATE series SET latest_time = ?1, latest_value = ?2
WHERE id = ?3 AND (latest_time IS NULL OR latest_time <= ?1)
"""
_LATEST_OF_DEVICE = """
UPDATE series SET (latest_time, latest_value) = (
    SELECT time, value FROM points
    WHERE points.device = series.device AND points.series = series.id AND quality = 0
    ORDER BY time DESC LIMIT 1
) WHERE device = ?
"""
# A value that was good and the newest one, and is not good any more.
_LOOK_AGAIN = """
UPDATE series SET (latest_time, latest_value) = (
    SELECT time, value FROM points
    WHERE points.device = series.device AND points.series = series.id AND quality = 0
    ORDER BY time DESC LIMIT 1
) WHERE id = ? AND latest_time = ?
"""


_Row = tuple[int, int, int, float, int]
"""device, time, series, value, quality"""


class Writer:
    """Knows the ids of rows by heart. One per file and process; not safe for threads by itself."""

    def __init__(self) -> None:
        self._tenants: dict[str, tuple[int, int | None]] = {}  # name → id, days of retention
        self._devices: dict[tuple[int, str], int] = {}
        self._series: dict[tuple[int, str, str], int] = {}
        self._deletions = -1

    def write(self, connection: sqlite3.Connection, points: Sequence[Point], now: Instant) -> None:
        """Store points; those past their tenant's retention are left out."""
        rows = self._rows(connection, points, now)
        connection.executemany(_UPSERT, rows)
        self._keep_latest(connection, rows)
        connection.executemany(_STAGE, _of_parts(connection, rows))

    def stage(self, connection: sqlite3.Connection, points: Sequence[Point], now: Instant) -> None:
        """Store points for the replacements that were begun, and only for them."""
        rows = self._rows(connection, points, now)
        connection.executemany(_STAGE, _of_parts(connection, rows))

    def _rows(
        self, connection: sqlite3.Connection, points: Sequence[Point], now: Instant
    ) -> Collection[_Row]:
        self._look_for_deletions(connection)
        tenants = {name: self._tenant(connection, name) for name in {p.tenant_id for p in points}}
        oldest = {name: _oldest(days, now) for name, (_, days) in tenants.items()}
        rows: dict[tuple[int, int, int], _Row] = {}
        series_ids = self._series
        for point in points:
            key, time = point.key, point.time
            if time < oldest[point.tenant_id]:
                continue
            device_key = (tenants[point.tenant_id][0], key.dev_eui)
            device = self._devices.get(device_key)
            if device is None:
                device = self._add_device(connection, device_key)
            series = series_ids.get((device, key.quantity, key.channel))
            if series is None:
                series = self._add_series(connection, device, point)
            grade = _GRADES[point.quality]
            rows[series, time, device] = (device, time, series, float(point.value), grade)
        return rows.values()

    def _keep_latest(self, connection: sqlite3.Connection, rows: Collection[_Row]) -> None:
        newest: dict[int, tuple[int, float]] = {}
        doubtful: list[tuple[int, int]] = []
        for _, time, series, value, grade in rows:
            if grade:
                doubtful.append((series, time))
            elif series not in newest or newest[series][0] <= time:
                newest[series] = (time, value)
        connection.executemany(
            _NEWER, ((time, value, series) for series, (time, value) in newest.items())
        )
        connection.executemany(_LOOK_AGAIN, doubtful)

    def set_retention(self, connection: sqlite3.Connection, tenant: str, days: int | None) -> None:
        tenant_id, _ = self._tenant(connection, tenant)
        connection.execute("UPDATE tenants SET retention_days = ? WHERE id = ?", (days, tenant_id))
        self._count_deletion(connection)

    def devices_of(
        self, connection: sqlite3.Connection, tenant: str, dev_eui: str | None = None
    ) -> list[int]:
        rows = connection.execute(
            "SELECT devices.id FROM devices JOIN tenants ON tenants.id = tenant"
            " WHERE name = ?1 AND (?2 IS NULL OR dev_eui = ?2)",
            (tenant, dev_eui),
        )
        return [device for (device,) in rows]

    def begin_replacement(self, connection: sqlite3.Connection, part: SeriesPart) -> None:
        """Keep what is written into the part from now on; forget what was staged before."""
        self._look_for_deletions(connection)
        key = (self._tenant(connection, part.tenant_id)[0], part.dev_eui)
        device = self._devices.get(key) or self._add_device(connection, key)
        self._end_replacement(connection, device)
        connection.execute(
            "INSERT INTO replacements VALUES (?, ?, ?)", (device, part.start, part.end)
        )

    def finish_replacement(self, connection: sqlite3.Connection, device: int) -> None:
        """Put the staged points in the place of the old ones."""
        part = connection.execute(
            "SELECT start, stop FROM replacements WHERE device = ?", (device,)
        ).fetchone()
        if part is None:
            return
        connection.execute(
            "DELETE FROM points WHERE device = ? AND time >= ? AND time < ?", (device, *part)
        )
        connection.execute("INSERT INTO points SELECT * FROM staged WHERE device = ?", (device,))
        connection.execute(_LATEST_OF_DEVICE, (device,))
        self._end_replacement(connection, device)

    def _end_replacement(self, connection: sqlite3.Connection, device: int) -> None:
        connection.execute("DELETE FROM staged WHERE device = ?", (device,))
        connection.execute("DELETE FROM replacements WHERE device = ?", (device,))

    def drop(self, connection: sqlite3.Connection, device: int) -> None:
        """Delete a device's series and points."""
        self._end_replacement(connection, device)
        connection.execute("DELETE FROM points WHERE device = ?", (device,))
        connection.execute("DELETE FROM series WHERE device = ?", (device,))
        self._count_deletion(connection)

    def forget_before(self, connection: sqlite3.Connection, device: int, oldest: int) -> None:
        """Delete a device's points before `oldest`."""
        connection.execute("DELETE FROM points WHERE device = ? AND time < ?", (device, oldest))
        connection.execute(
            "UPDATE series SET latest_time = NULL, latest_value = NULL"
            " WHERE device = ? AND latest_time < ?",
            (device, oldest),
        )

    def _look_for_deletions(self, connection: sqlite3.Connection) -> None:
        (number,) = connection.execute("SELECT number FROM deletions").fetchone()
        if number != self._deletions:
            self.forget_ids()
            self._deletions = number

    def _count_deletion(self, connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE deletions SET number = number + 1")

    def forget_ids(self) -> None:
        """After a transaction that failed: what it added is not there."""
        self._tenants.clear()
        self._devices.clear()
        self._series.clear()

    def _tenant(self, connection: sqlite3.Connection, name: str) -> tuple[int, int | None]:
        known = self._tenants.get(name)
        if known is None:
            connection.execute("INSERT OR IGNORE INTO tenants (name) VALUES (?)", (name,))
            known = connection.execute(
                "SELECT id, retention_days FROM tenants WHERE name = ?", (name,)
            ).fetchone()
            assert known is not None
            self._tenants[name] = known
        return known

    def _add_device(self, connection: sqlite3.Connection, key: tuple[int, str]) -> int:
        connection.execute("INSERT OR IGNORE INTO devices (tenant, dev_eui) VALUES (?, ?)", key)
        (device,) = connection.execute(
            "SELECT id FROM devices WHERE tenant = ? AND dev_eui = ?", key
        ).fetchone()
        self._devices[key] = int(device)
        return int(device)

    def _add_series(self, connection: sqlite3.Connection, device: int, point: Point) -> int:
        names = (device, point.key.quantity, point.key.channel)
        connection.execute(
            "INSERT OR IGNORE INTO series (device, quantity, channel, family) VALUES (?, ?, ?, ?)",
            (*names, point.family),
        )
        (series,) = connection.execute(
            "SELECT id FROM series WHERE device = ? AND quantity = ? AND channel = ?", names
        ).fetchone()
        self._series[names] = int(series)
        return int(series)


def _of_parts(connection: sqlite3.Connection, rows: Collection[_Row]) -> list[_Row]:
    """Those of the rows that fall into a part that is being replaced."""
    parts = {
        device: (start, stop)
        for device, start, stop in connection.execute("SELECT * FROM replacements")
    }
    if not parts:
        return []
    nowhere = (0, 0)
    found: list[_Row] = []
    for row in rows:
        start, stop = parts.get(row[0], nowhere)
        if start <= row[1] < stop:
            found.append(row)
    return found


def _oldest(days: int | None, now: int) -> int:
    return 0 if days is None else now - days * DAY
