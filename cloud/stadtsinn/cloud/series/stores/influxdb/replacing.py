"""Replacing part of a device's series in InfluxDB, which knows no transactions.

New points gather under another device name (`aside`), while every writer that comes writes into
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
"""No device is called so; as a tag it reads ``%00aside%00a840…``."""


def aside(dev_eui: str) -> str:
    """The name under which a device's new points gather."""
    return _ASIDE + dev_eui


def is_aside(dev_eui: str) -> bool:
    return dev_eui.startswith(_ASIDE)


Stretch = tuple[str, Instant, Instant]
"""A device's name and the times for which its points are to be read there."""


def stretches(
    replacement: Replacement | None, dev_eui: str, start: Instant, end: Instant
) -> list[Stretch]:
    """Where the points of a device lie for a range of time, in the order of time."""
    if replacement is None or replacement.phase is not Phase.SWITCHED:
        return [(dev_eui, start, end)]
    part = replacement.part
    found = [
        (dev_eui, start, min(end, part.start)),
        (aside(dev_eui), max(start, part.start), min(end, part.end)),
        (dev_eui, max(start, part.end), end),
    ]
    return [stretch for stretch in found if stretch[1] < stretch[2]]


def steady(
    table: ReplacementTable, tenant_id: str, dev_eui: str, read: Callable[[Replacement | None], T]
) -> T:
    """What `read` answers for a state that held from its beginning to its end."""
    seen = table.of_device(tenant_id, dev_eui)
    while True:
        answer = read(seen)
        now = table.of_device(tenant_id, dev_eui)
        if now == seen:
            return answer
        seen = now


class InfluxReplacer:
    """Carries out replacements, one device at a time; only one process does at a time."""

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
        self.finish_interrupted(part.tenant_id, part.dev_eui)
        # First the row: whoever writes from here on writes aside, too. Who began before it is
        # in the log already, and whoever stages reads the log after this.
        self._table.put(part, Phase.STAGING)
        self._forget_aside(part)

    def copies_aside(self, points: Sequence[Point]) -> list[Point]:
        """Those of the points that fall into parts under way, under their names aside."""
        begun = self._table.open_of({point.tenant_id for point in points})
        if not begun:
            return []
        return [
            structs.replace(point, key=structs.replace(point.key, dev_eui=aside(point.key.dev_eui)))
            for point in points
            if (one := begun.get((point.tenant_id, point.key.dev_eui))) is not None
            and one.part.holds(point.time)
        ]

    def finish(self, tenant_id: str, dev_eui: str) -> None:
        found = self._table.of_device(tenant_id, dev_eui)
        if found is not None and found.phase is Phase.STAGING:
            self._table.put(found.part, Phase.SWITCHED)
            crash_point("series.switched")
        self.finish_interrupted(tenant_id, dev_eui)

    def finish_interrupted(self, tenant_id: str, dev_eui: str) -> None:
        """Go on after the switch, wherever a killed process stood."""
        found = self._table.of_device(tenant_id, dev_eui)
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
            self._table.put(part, Phase.DONE)

    def _delete_old(self, part: SeriesPart) -> None:
        try:
            self._generation().drop_range(
                self._bucket(part.tenant_id), to_influx(part.dev_eui), part.start, part.end
            )
        except DatabaseMissing:
            return

    def _forget_aside(self, part: SeriesPart) -> None:
        try:
            self._generation().drop_device(
                self._bucket(part.tenant_id), to_influx(aside(part.dev_eui))
            )
        except DatabaseMissing:
            return

    def _write_in_place(self, part: SeriesPart) -> None:
        bucket, device = self._bucket(part.tenant_id), to_influx(part.dev_eui)
        for page in self._pages_aside(part):
            self._writer.write_stored(bucket, list(_lines(page, device)))

    def _pages_aside(self, part: SeriesPart) -> Iterator[Series]:
        """What lies aside, in tables of one measurement and channel, few rows at a time."""
        bucket, device = self._bucket(part.tenant_id), aside(part.dev_eui)
        try:
            found = self._server.query(ask.stored_tables(device), bucket)[0]
        except DatabaseMissing:
            return
        for table in found:
            start, channel = part.start, table.tags["channel"]
            while True:
                query = ask.stored(table.name, device, channel, start, part.end, _PAGE)
                pages = self._server.query(query, bucket)[0]
                if not pages or not pages[0].values:
                    break
                yield structs.replace(pages[0], tags=table.tags)
                start = Instant(pages[0].values[-1][0] + 1)


def _lines(table: Series, device: str) -> Iterator[str]:
    """The rows of `SELECT *` as they were written, for another device."""
    fields = [
        (name, column)
        for column, name in enumerate(table.columns)
        if name not in ("time", "device", "channel")
    ]
    channel = table.tags["channel"]
    for row in table.values:
        values = {name: row[column] for name, column in fields if row[column] is not None}
        if values:
            yield stored_line(table.name, device, channel, values, row[0])
