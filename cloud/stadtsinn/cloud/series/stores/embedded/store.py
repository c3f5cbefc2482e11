"""The embedded series store: one SQLite file, nothing to install."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.cloud.series.stores.columns import column_of_rows
from stadtsinn.cloud.series.stores.counters import growth_per_window, in_pages
from stadtsinn.cloud.series.stores.embedded.file import SeriesFile
from stadtsinn.cloud.series.stores.embedded.packed import read_column
from stadtsinn.cloud.series.stores.embedded.writing import Writer
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.series.stores.store import (
    Aggregate,
    Finding,
    Point,
    Refused,
    Sample,
    SeriesKey,
    Span,
    Window,
    checked_days,
    kept_since,
    only_storable,
)
from stadtsinn.cloud.series.stores.windows import Part, step_of, summarise
from stadtsinn.decoders.reading import Quality
from stadtsinn.rules.history.column import Column

_QUALITIES = (Quality.GOOD, Quality.SUSPECT, Quality.BAD)

_IDS = """
SELECT stations.id, series.id FROM tenants
JOIN stations ON stations.tenant = tenants.id
JOIN series ON series.station = stations.id
WHERE tenants.name = ? AND slug = ? AND quantity = ? AND channel = ?
"""
_LATEST = """
SELECT slug, quantity, channel, latest_time, latest_value, dev_eui FROM tenants
JOIN stations ON stations.tenant = tenants.id
JOIN series ON series.station = stations.id
JOIN devices ON devices.id = latest_device
WHERE tenants.name = ?
"""
_SERIES = """
SELECT slug, quantity, channel FROM tenants
JOIN stations ON stations.tenant = tenants.id
JOIN series ON series.station = stations.id
WHERE tenants.name = ? AND slug = ? AND (
    latest_time IS NOT NULL OR series.id IN (SELECT DISTINCT series FROM points WHERE station = (
        SELECT stations.id FROM tenants JOIN stations ON stations.tenant = tenants.id
        WHERE tenants.name = ? AND slug = ?
    ))
)
"""
# Points are ordered by time: to look for each series alone would read all of them each time.
# SQLite gives the other columns of the row that max() or min() took, if there is just one.
_PARTS = {
    Aggregate.MEAN: "sum(value), count(*)",
    Aggregate.SUM: "sum(value), count(*)",
    Aggregate.MIN: "min(value), count(*)",
    Aggregate.MAX: "max(value), count(*)",
    Aggregate.LAST: "value, max(time)",
}

_EVERY = 2**62
"""More samples than there are."""
_NAMED_STATIONS = 1_000
"""Above this number of stations, all are read and selected here."""


class EmbeddedStore:
    """A `SeriesStore` in a file of its own. Several processes may read while one writes.

    Points past their retention are deleted when it is set and about once an hour of `clock`.
    Whatever SQLite fails with is `SeriesUnavailable`: the uplink log can fill the file again.
    """

    expiry_interval = HOUR

    def __init__(self, path: Path, clock: Clock) -> None:
        self._file = SeriesFile(path)
        self._clock = clock
        self._writer = Writer()
        self._purged_at = clock.now()

    def write(self, points: Iterable[Point]) -> list[Refused]:
        good, refused = only_storable(points)
        if good:
            with self._change() as connection:
                self._writer.write(connection, good, self._clock.now())
        self._purge_hourly()
        return refused

    def read(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        *,
        include_doubtful: bool = False,
        limit: int | None = None,
    ) -> list[Sample]:
        with self._file.read() as connection:
            ids = _find(connection, tenant_id, key)
            if ids is None:
                return []
            rows = connection.execute(
                "SELECT time, value, quality, dev_eui FROM points"
                " CROSS JOIN devices ON devices.id = device"
                " WHERE station = ? AND time >= ? AND time < ? AND series = ? AND quality <= ?"
                " ORDER BY time LIMIT ?",
                (ids[0], start, end, ids[1], 2 if include_doubtful else 0, _no_more_than(limit)),
            )
            return [
                Sample(time, value, _QUALITIES[grade], dev_eui)
                for time, value, grade, dev_eui in rows
            ]

    def column(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        *,
        limit: int | None = None,
    ) -> Column:
        most = _EVERY if limit is None else limit
        with self._file.snapshot(), self._file.read() as connection:
            ids = _find(connection, tenant_id, key)
            if ids is None:
                return column_of_rows(())
            return read_column(connection, ids, start, end, most)

    def aggregate(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        window: Window,
        aggregate: Aggregate,
        *,
        counter_modulus: float | None = None,
        since: int = 0,
    ) -> list[Sample]:
        start = Instant(max(start, since))
        if aggregate is Aggregate.COUNTER_DELTA:
            with self._file.snapshot():  # several pages, one history
                samples = in_pages(
                    lambda begin, limit: self.read(tenant_id, key, begin, end, limit=limit), start
                )
                base = self._last_before(tenant_id, key, start, since)
                return growth_per_window(samples, base, window, counter_modulus)
        with self._file.read() as connection:
            ids = _find(connection, tenant_id, key)
            if ids is None:
                return []
            step = step_of(window)
            rows = connection.execute(
                f"SELECT time - time % ?, {_PARTS[aggregate]} FROM points"  # noqa: S608 (constants)
                " WHERE station = ? AND time >= ? AND time < ? AND series = ? AND quality = 0"
                " GROUP BY 1",
                (step, ids[0], start, end, ids[1]),
            )
            return summarise([Part(*row) for row in rows], window, aggregate)

    def _last_before(
        self, tenant_id: str, key: SeriesKey, moment: Instant, since: int
    ) -> Sample | None:
        with self._file.read() as connection:
            ids = _find(connection, tenant_id, key)
            row = (
                ids
                and connection.execute(
                    "SELECT time, value, dev_eui FROM points"
                    " CROSS JOIN devices ON devices.id = device"
                    " WHERE station = ? AND time >= ? AND time < ? AND series = ? AND quality = 0"
                    " ORDER BY time DESC LIMIT 1",
                    (ids[0], since, moment, ids[1]),
                ).fetchone()
            )
            return Sample(row[0], row[1], dev_eui=row[2]) if row else None

    def latest(
        self, tenant_id: str, stations: Sequence[str] | None, *, quantity: str | None = None
    ) -> dict[SeriesKey, Sample]:
        query, values = _LATEST, [tenant_id]
        if stations is not None and len(stations) <= _NAMED_STATIONS:
            query += f" AND slug IN ({','.join('?' * len(stations))})"
            values += stations
        if quantity is not None:
            query += " AND quantity = ?"
            values.append(quantity)
        wanted = None if stations is None else set(stations)
        with self._file.read() as connection:
            return {
                SeriesKey(station, name, channel): Sample(time, value, Quality.GOOD, dev_eui)
                for station, name, channel, time, value, dev_eui in connection.execute(
                    query, values
                )
                if wanted is None or station in wanted
            }

    def series(self, tenant_id: str, station: str) -> list[SeriesKey]:
        with self._file.read() as connection:
            keys = [
                SeriesKey(*row) for row in connection.execute(_SERIES, (tenant_id, station) * 2)
            ]
        return sorted(keys, key=lambda key: (key.quantity, key.channel))

    def check_replaceable(self) -> None:
        """It can replace parts."""

    def begin_replacement(self, part: SeriesPart) -> None:
        with self._change() as connection:
            self._writer.begin_replacement(connection, part)

    def stage(self, points: Sequence[Point]) -> list[Refused]:
        good, refused = only_storable(points)
        if good:
            with self._change() as connection:
                self._writer.stage(connection, good, self._clock.now())
        return refused

    def finish_replacement(self, tenant_id: str, station: str) -> None:
        with self._change() as connection:
            for number in self._writer.stations_of(connection, tenant_id, station):
                self._writer.finish_replacement(connection, number)

    def set_retention(self, tenant_id: str, days: int | None) -> None:
        checked_days(days)
        with self._change() as connection:
            self._writer.set_retention(connection, tenant_id, days)
        self._purge()

    def expire(self, tenant_id: str, past: Mapping[SeriesKey, Span]) -> None:
        with self._change() as connection:
            for key, span in past.items():
                ids = _find(connection, tenant_id, key)
                if ids is not None:
                    self._writer.forget_span(connection, *ids, span)

    def drop_station(self, tenant_id: str, station: str) -> None:
        self._drop(tenant_id, station)

    def drop_device(self, tenant_id: str, dev_eui: str) -> None:
        for number in self._stations_of(tenant_id, None):
            since: int | None = 0
            while since is not None:
                with self._change() as connection:
                    since = self._writer.drop_measured_by(connection, number, dev_eui, since)

    def drop_tenant(self, tenant_id: str) -> None:
        self._drop(tenant_id, None)

    def erase_tenant(self, tenant_id: str) -> str | None:
        self._drop(tenant_id, None)
        with self._change() as connection:
            self._writer.forget_tenant(connection, tenant_id)
        self._file.tidy()
        return None

    def forget_devices(self, known: Callable[[], Collection[str]]) -> None:
        with self._file.read() as connection:
            found = [row[0] for row in connection.execute("SELECT dev_eui FROM devices")]
        still_known = known()
        # The empty name is that of values which no device measured.
        gone = [dev_eui for dev_eui in found if dev_eui and dev_eui not in still_known]
        if gone:
            with self._change() as connection:
                self._writer.forget_devices(connection, gone)
            self._file.tidy()

    def _drop(self, tenant_id: str, station: str | None) -> None:
        # In short transactions: a long history goes without keeping others waiting.
        for number in self._stations_of(tenant_id, station):
            more = True
            while more:
                with self._change() as connection:
                    more = self._writer.drop_some(connection, number)

    def _stations_of(self, tenant_id: str, station: str | None) -> list[int]:
        with self._file.read() as connection:
            return self._writer.stations_of(connection, tenant_id, station)

    def ping(self) -> None:
        with self._file.read() as connection:
            connection.execute("SELECT number FROM deletions").fetchone()

    def examine(self, tenant_id: str) -> list[Finding]:  # noqa: ARG002 (a file is all or nothing)
        return []

    def time(self) -> Instant | None:
        return None

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction; when it fails, the writer forgets the ids it read there."""
        try:
            with self._file.write() as connection:
                yield connection
        except BaseException:
            self._writer.forget_ids()
            raise

    def _purge_hourly(self) -> None:
        if self._clock.now() - self._purged_at >= HOUR:
            self._purge()

    def _purge(self) -> None:
        now = self._purged_at = self._clock.now()
        with self._file.read() as connection:
            limited = connection.execute(
                "SELECT stations.id, retention_days FROM tenants"
                " JOIN stations ON stations.tenant = tenants.id WHERE retention_days IS NOT NULL"
            ).fetchall()
        for station, days in limited:
            with self._change() as connection:
                self._writer.forget_before(connection, station, kept_since(days, now))


def _find(connection: sqlite3.Connection, tenant_id: str, key: SeriesKey) -> tuple[int, int] | None:
    """Ids of station and series, None while nothing was stored for it."""
    found: tuple[int, int] | None = connection.execute(
        _IDS, (tenant_id, key.station, key.quantity, key.channel)
    ).fetchone()
    return found


def _no_more_than(limit: int | None) -> int:
    return -1 if limit is None else limit
