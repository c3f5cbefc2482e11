"""What the embedded series store does inside a write transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.series.stores.store import Point, Span, kept_since
from stadtsinn.decoders.reading import Quality

_GRADES = {Quality.GOOD: 0, Quality.SUSPECT: 1, Quality.BAD: 2}

# Of two devices' points at one time the one of the greater DevEUI stays, whichever came first.
_UPSERT = """
INSERT INTO points VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (station, time, series) DO UPDATE
SET value = excluded.value, quality = excluded.quality, device = excluded.device
WHERE excluded.device = points.device OR (SELECT dev_eui FROM devices WHERE id = excluded.device)
    > (SELECT dev_eui FROM devices WHERE id = points.device)
"""
_STAGE = _UPSERT.replace("INTO points", "INTO staged").replace("points.device", "staged.device")
_NEWER = """
UPDATE series SET latest_time = ?1, latest_value = ?2, latest_device = ?3
WHERE id = ?4 AND (
    latest_time IS NULL OR latest_time < ?1
    OR (latest_time = ?1 AND (
        latest_device = ?3 OR (SELECT dev_eui FROM devices WHERE id = ?3)
            > (SELECT dev_eui FROM devices WHERE id = latest_device)
    ))
)
"""
_FIND_LATEST = """
UPDATE series SET (latest_time, latest_value, latest_device) = (
    SELECT time, value, device FROM points
    WHERE points.station = series.station AND points.series = series.id AND quality = 0
    ORDER BY time DESC LIMIT 1
)
"""
_LATEST_OF_STATION = f"{_FIND_LATEST} WHERE station = ?"
# A value that was good and the newest one, and is not good any more.
_LOOK_AGAIN = f"{_FIND_LATEST} WHERE id = ? AND latest_time = ?"

_DROP_MEASURED = """
DELETE FROM points WHERE station = ?1 AND device = (SELECT id FROM devices WHERE dev_eui = ?2)
    AND time >= ?3 AND (?4 IS NULL OR time < ?4)
"""
_DROP_STAGED = _DROP_MEASURED.replace("FROM points", "FROM staged")
_AT_ONCE = 20_000
"""Points that one transaction deletes or looks at: others wait meanwhile."""

_Row = tuple[int, int, int, float, int, int]
"""station, time, series, value, quality, device"""


class Writer:
    """Keeps the ids of rows in memory. One per file and process; not safe for threads by itself."""

    def __init__(self) -> None:
        self._tenants: dict[str, tuple[int, int | None]] = {}  # name → id, days of retention
        self._stations: dict[tuple[int, str], int] = {}
        self._devices: dict[str, int] = {}
        self._dev_euis: dict[int, str] = {}
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
        oldest = {name: kept_since(days, now) for name, (_, days) in tenants.items()}
        rows: dict[tuple[int, int], _Row] = {}
        series_ids, device_ids = self._series, self._devices
        for point in points:
            key, time = point.key, point.time
            if time < oldest[point.tenant_id]:
                continue
            station_key = (tenants[point.tenant_id][0], key.station)
            station = self._stations.get(station_key)
            if station is None:
                station = self._add_station(connection, station_key)
            series = series_ids.get((station, key.quantity, key.channel))
            if series is None:
                series = self._add_series(connection, station, point)
            device = device_ids.get(point.dev_eui)
            if device is None:
                device = self._add_device(connection, point.dev_eui)
            other = rows.get((series, time))
            if other is not None and self._dev_euis[other[5]] > point.dev_eui:
                continue
            grade = _GRADES[point.quality]
            rows[series, time] = (station, time, series, float(point.value), grade, device)
        return rows.values()

    def _keep_latest(self, connection: sqlite3.Connection, rows: Collection[_Row]) -> None:
        newest: dict[int, tuple[int, float, int]] = {}
        doubtful: list[tuple[int, int]] = []
        for _, time, series, value, grade, device in rows:
            if grade:
                doubtful.append((series, time))
            elif series not in newest or newest[series][0] <= time:
                newest[series] = (time, value, device)
        connection.executemany(_NEWER, ((*found, series) for series, found in newest.items()))
        connection.executemany(_LOOK_AGAIN, doubtful)

    def set_retention(self, connection: sqlite3.Connection, tenant: str, days: int | None) -> None:
        tenant_id, _ = self._tenant(connection, tenant)
        connection.execute("UPDATE tenants SET retention_days = ? WHERE id = ?", (days, tenant_id))
        self._count_deletion(connection)

    def stations_of(
        self, connection: sqlite3.Connection, tenant: str, station: str | None = None
    ) -> list[int]:
        rows = connection.execute(
            "SELECT stations.id FROM stations JOIN tenants ON tenants.id = tenant"
            " WHERE name = ?1 AND (?2 IS NULL OR slug = ?2)",
            (tenant, station),
        )
        return [number for (number,) in rows]

    def begin_replacement(self, connection: sqlite3.Connection, part: SeriesPart) -> None:
        """Keep what is written into the part from now on; forget what was staged before."""
        self._look_for_deletions(connection)
        key = (self._tenant(connection, part.tenant_id)[0], part.station)
        station = self._stations.get(key) or self._add_station(connection, key)
        self._end_replacement(connection, station)
        connection.execute(
            "INSERT INTO replacements VALUES (?, ?, ?)", (station, part.start, part.end)
        )

    def finish_replacement(self, connection: sqlite3.Connection, station: int) -> None:
        """Put the staged points in the place of the old ones."""
        part = connection.execute(
            "SELECT start, stop FROM replacements WHERE station = ?", (station,)
        ).fetchone()
        if part is None:
            return
        connection.execute(
            "DELETE FROM points WHERE station = ? AND time >= ? AND time < ?", (station, *part)
        )
        crash_point("series.exchanging")
        connection.execute("INSERT INTO points SELECT * FROM staged WHERE station = ?", (station,))
        connection.execute(_LATEST_OF_STATION, (station,))
        self._end_replacement(connection, station)

    def _end_replacement(self, connection: sqlite3.Connection, station: int) -> None:
        connection.execute("DELETE FROM staged WHERE station = ?", (station,))
        connection.execute("DELETE FROM replacements WHERE station = ?", (station,))

    def drop_some(self, connection: sqlite3.Connection, station: int) -> bool:
        """Delete a station's oldest points, and with the last ones its series; True: there are
        more."""
        connection.execute("PRAGMA secure_delete=ON")
        self._end_replacement(connection, station)
        if (until := _time_behind(connection, station, 0)) is not None:
            rows = "DELETE FROM points WHERE station = ? AND time <= ?"
            connection.execute(rows, (station, until))
            return True
        connection.execute("DELETE FROM points WHERE station = ?", (station,))
        connection.execute("DELETE FROM series WHERE station = ?", (station,))
        self._count_deletion(connection)
        return False

    def forget_tenant(self, connection: sqlite3.Connection, tenant: str) -> None:
        """Delete its name and those of its stations, which have no points."""
        own = "(SELECT id FROM tenants WHERE name = ?)"
        connection.execute(f"DELETE FROM stations WHERE tenant = {own}", (tenant,))  # noqa: S608
        connection.execute("DELETE FROM tenants WHERE name = ?", (tenant,))
        self._count_deletion(connection)

    def forget_devices(self, connection: sqlite3.Connection, dev_euis: Sequence[str]) -> None:
        """Delete the names of devices without points."""
        connection.execute("PRAGMA secure_delete=ON")
        connection.executemany(
            "DELETE FROM devices WHERE dev_eui = ?", [(dev_eui,) for dev_eui in dev_euis]
        )
        self._count_deletion(connection)

    def drop_measured_by(
        self, connection: sqlite3.Connection, station: int, dev_eui: str, since: int
    ) -> int | None:
        """Delete points of a station that a device measured, looking at some from `since` on;
        from where on there are more."""
        connection.execute("PRAGMA secure_delete=ON")
        last = _time_behind(connection, station, since)
        until = None if last is None else last + 1
        for statement in (_DROP_MEASURED, _DROP_STAGED):
            connection.execute(statement, (station, dev_eui, since, until))
        if until is None:
            connection.execute(_LATEST_OF_STATION, (station,))
        return until

    def forget_before(self, connection: sqlite3.Connection, station: int, oldest: int) -> None:
        """Delete a station's points before `oldest`."""
        connection.execute("DELETE FROM points WHERE station = ? AND time < ?", (station, oldest))
        connection.execute(
            "UPDATE series SET latest_time = NULL, latest_value = NULL, latest_device = NULL"
            " WHERE station = ? AND latest_time < ?",
            (station, oldest),
        )

    def forget_span(
        self, connection: sqlite3.Connection, station: int, series: int, span: Span
    ) -> None:
        """Delete a series' points of a span that nothing of the series lies before."""
        connection.execute(
            "DELETE FROM points WHERE station = ? AND time >= ? AND time < ? AND series = ?",
            (station, *span, series),
        )
        connection.execute(
            "UPDATE series SET latest_time = NULL, latest_value = NULL, latest_device = NULL"
            " WHERE id = ? AND latest_time < ?",
            (series, span[1]),
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
        self._stations.clear()
        self._devices.clear()
        self._dev_euis.clear()
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

    def _add_station(self, connection: sqlite3.Connection, key: tuple[int, str]) -> int:
        connection.execute("INSERT OR IGNORE INTO stations (tenant, slug) VALUES (?, ?)", key)
        (station,) = connection.execute(
            "SELECT id FROM stations WHERE tenant = ? AND slug = ?", key
        ).fetchone()
        self._stations[key] = int(station)
        return int(station)

    def _add_device(self, connection: sqlite3.Connection, dev_eui: str) -> int:
        connection.execute("INSERT OR IGNORE INTO devices (dev_eui) VALUES (?)", (dev_eui,))
        (device,) = connection.execute(
            "SELECT id FROM devices WHERE dev_eui = ?", (dev_eui,)
        ).fetchone()
        self._devices[dev_eui] = int(device)
        self._dev_euis[int(device)] = dev_eui
        return int(device)

    def _add_series(self, connection: sqlite3.Connection, station: int, point: Point) -> int:
        names = (station, point.key.quantity, point.key.channel)
        connection.execute(
            "INSERT OR IGNORE INTO series (station, quantity, channel, family) VALUES (?, ?, ?, ?)",
            (*names, point.family),
        )
        (series,) = connection.execute(
            "SELECT id FROM series WHERE station = ? AND quantity = ? AND channel = ?", names
        ).fetchone()
        self._series[names] = int(series)
        return int(series)


def _time_behind(connection: sqlite3.Connection, station: int, since: int) -> int | None:
    """The time of the last of `_AT_ONCE` points from `since` on; None where there are fewer."""
    row = connection.execute(
        "SELECT time FROM points WHERE station = ? AND time >= ? ORDER BY time LIMIT 1 OFFSET ?",
        (station, since, _AT_ONCE - 1),
    ).fetchone()
    return None if row is None else int(row[0])


def _of_parts(connection: sqlite3.Connection, rows: Collection[_Row]) -> list[_Row]:
    """Those of the rows that fall into a part that is being replaced."""
    parts = {
        station: (start, stop)
        for station, start, stop in connection.execute("SELECT * FROM replacements")
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
