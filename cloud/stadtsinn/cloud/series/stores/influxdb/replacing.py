"""Replacing part of a station's series in InfluxDB, which knows no transactions.

New points gather under another station name (`aside`), while every writer that comes writes into
the part twice. Then, each step only after the one before:

1. the row of the replacement says *switched*: readers take the part from aside
2. the old points of the part are deleted
3. what lies aside is written in their place
4. the row says *settled*: readers take everything from its own place again
5. what lies aside is deleted; the row says *done*

Killed anywhere, readers see what the row says, which is whole, and the next run goes on from
there. A reader looks at the row before and after it asked, and asks again where it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from msgspec import structs

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.influxdb import queries as ask
from stadtsinn.cloud.series.stores.influxdb.generations import Generation
from stadtsinn.cloud.series.stores.influxdb.http import DatabaseMissing, InfluxServer, Series
from stadtsinn.cloud.series.stores.influxdb.line_protocol import stored_line
from stadtsinn.cloud.series.stores.influxdb.names import to_influx
from stadtsinn.cloud.series.stores.influxdb.writing import InfluxWriter
from stadtsinn.cloud.series.stores.replacing import Phase, Replacement, SeriesPart
from stadtsinn.cloud.series.stores.repository import ReplacementTable
from stadtsinn.cloud.series.stores.store import Point

T = TypeVar("T")

_PAGE = 10_000
_ASIDE = "\0aside\0"
"""No station is called so; as a tag it reads ``%00aside%00linde-am-markt``."""


def aside(station: str) -> str:
    """The name under which a station's new points gather."""
    return _ASIDE + station


def is_aside(station: str) -> bool:
    return station.startswith(_ASIDE)


Stretch = tuple[str, Instant, Instant]
"""A station's name and the times for which its points are to be read there."""


def stretches(
    replacement: Replacement | None, station: str, start: Instant, end: Instant
) -> list[Stretch]:
    """Where the points of a station lie for a range of time, in the order of time."""
    if replacement is None or replacement.phase is not Phase.SWITCHED:
        return [(station, start, end)]
    part = replacement.part
    found = [
        (station, start, min(end, part.start)),
        (aside(station), max(start, part.start), min(end, part.end)),
        (station, max(start, part.end), end),
    ]
    return [stretch for stretch in found if stretch[1] < stretch[2]]


def steady(
    table: ReplacementTable, tenant_id: str, station: str, read: Callable[[Replacement | None], T]
) -> T:
    """What `read` answers for a state that held from its beginning to its end."""
    seen = table.of_station(tenant_id, station)
    while True:
        answer = read(seen)
        now = table.of_station(tenant_id, station)
        if now == seen:
            return answer
        seen = now


class InfluxReplacer:
    """Carries out replacements, one station at a time; only one process does at a time."""

    def __init__(
        self,
        server: InfluxServer,
        writer: InfluxWriter,
        table: ReplacementTable,
        generation: Callable[[], Generation],
        bucket: Callable[[str], str],
    ) -> None:
        self._server = server
        self._writer = writer
        self._table = table
        self._generation = generation
        self._bucket = bucket

    def begin(self, part: SeriesPart) -> None:
        self._generation().check_can_delete()
        self.finish_interrupted(part.tenant_id, part.station)
        # First the row: whoever writes from here on writes aside, too. Who began before it is
        # in the log already, and whoever stages reads the log after this.
        self._table.put(part, Phase.STAGING)
        crash_point("series.begun")
        self._forget_aside(part)

    def copies_aside(self, points: Sequence[Point]) -> list[Point]:
        """Those of the points that fall into parts under way, under their names aside."""
        begun = self._table.open_of({point.tenant_id for point in points})
        if not begun:
            return []
        return [
            structs.replace(point, key=structs.replace(point.key, station=aside(point.key.station)))
            for point in points
            if (one := begun.get((point.tenant_id, point.key.station))) is not None
            and one.part.holds(point.time)
        ]

    def finish(self, tenant_id: str, station: str) -> None:
        found = self._table.of_station(tenant_id, station)
        if found is not None and found.phase is Phase.STAGING:
            self._table.put(found.part, Phase.SWITCHED)
            crash_point("series.switched")
        self.finish_interrupted(tenant_id, station)

    def finish_interrupted(self, tenant_id: str, station: str) -> None:
        """Go on after the switch, wherever a killed process stood."""
        found = self._table.of_station(tenant_id, station)
        if found is None:
            return
        part = found.part
        if found.phase is Phase.SWITCHED:
            self._delete_old(part)
            crash_point("series.old_deleted")
            self._write_in_place(part)
            crash_point("series.in_place")
            self._table.put(part, Phase.SETTLED)
            crash_point("series.settled")
        if found.phase in (Phase.SWITCHED, Phase.SETTLED):
            self._forget_aside(part)
            crash_point("series.aside_forgotten")
            self._table.put(part, Phase.DONE)

    def _delete_old(self, part: SeriesPart) -> None:
        try:
            self._generation().drop_range(
                self._bucket(part.tenant_id), to_influx(part.station), part.start, part.end
            )
        except DatabaseMissing:
            return

    def _forget_aside(self, part: SeriesPart) -> None:
        try:
            self._generation().drop(
                self._bucket(part.tenant_id), "station", to_influx(aside(part.station))
            )
        except DatabaseMissing:
            return

    def _write_in_place(self, part: SeriesPart) -> None:
        bucket, station = self._bucket(part.tenant_id), to_influx(part.station)
        for page in self._pages_aside(part):
            self._writer.write_stored(bucket, list(_lines(page, station)))
            crash_point("series.page_in_place")

    def _pages_aside(self, part: SeriesPart) -> Iterator[Series]:
        """What lies aside, in tables of one measurement, channel and device, few rows at a
        time."""
        bucket, station = self._bucket(part.tenant_id), aside(part.station)
        try:
            found = self._server.query(ask.stored_tables(station), bucket)[0]
        except DatabaseMissing:
            return
        for table in found:
            start = part.start
            while True:
                query = ask.stored(table.name, station, table.tags, start, part.end, _PAGE)
                pages = self._server.query(query, bucket)[0]
                if not pages or not pages[0].values:
                    break
                yield structs.replace(pages[0], tags=table.tags)
                start = Instant(pages[0].values[-1][0] + 1)


def _lines(table: Series, station: str) -> Iterator[str]:
    """The rows of `SELECT *` as they were written, for another station."""
    tags = {**table.tags, "station": station}
    fields = [
        (name, column)
        for column, name in enumerate(table.columns)
        if name != "time" and name not in tags
    ]
    for row in table.values:
        values = {name: row[column] for name, column in fields if row[column] is not None}
        if values:
            yield stored_line(table.name, tags, values, row[0])
