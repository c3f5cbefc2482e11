"""The series store in InfluxDB 1.8, 2 or 3: line protocol in, InfluxQL out.

A bucket (1.8 and 3: database) per tenant; measurement = sensor family; tags = station, channel
and device; fields = quantities, doubtful values in fields with a suffix. See docs/influxdb.md.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TypeVar

from stadtsinn.base.batches import batched
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.series.stores.columns import column_of_samples
from stadtsinn.cloud.series.stores.counters import growth_per_window, in_pages
from stadtsinn.cloud.series.stores.influxdb import queries as ask
from stadtsinn.cloud.series.stores.influxdb.answer_tables import (
    device_of,
    keep_newest,
    one_page,
    time_and_device,
)
from stadtsinn.cloud.series.stores.influxdb.examining import InfluxExaminer
from stadtsinn.cloud.series.stores.influxdb.expiring import InfluxExpirer, Stored
from stadtsinn.cloud.series.stores.influxdb.generations import Generation, generation_of
from stadtsinn.cloud.series.stores.influxdb.http import DatabaseMissing, InfluxServer, Series
from stadtsinn.cloud.series.stores.influxdb.names import (
    from_field,
    from_influx,
    to_bucket,
    to_field,
    to_influx,
)
from stadtsinn.cloud.series.stores.influxdb.replacing import (
    InfluxReplacer,
    aside,
    is_aside,
    steady,
    stretches,
)
from stadtsinn.cloud.series.stores.influxdb.writing import InfluxWriter, Sending
from stadtsinn.cloud.series.stores.replacing import Replacement, SeriesPart
from stadtsinn.cloud.series.stores.repository import ReplacementTable
from stadtsinn.cloud.series.stores.store import (
    Aggregate,
    Finding,
    Point,
    Refused,
    Sample,
    SeriesKey,
    SeriesRejected,
    SeriesUnavailable,
    Span,
    Window,
    checked_days,
    only_storable,
)
from stadtsinn.cloud.series.stores.windows import Part, part_of, step_of, summarise
from stadtsinn.decoders.reading import Quality
from stadtsinn.rules.history.column import Column

T = TypeVar("T")

_EVER = (Instant(0), Instant(2**63 // 1000 - 1))
_PAGE = 20_000
"""Rows asked for at once: servers cut an answer that is too long for them."""

_AT_ONCE = 8_000
"""Points in one request: some 300 kB. While the server takes one, the next is made."""

_NAMED_STATIONS = 1_000
"""Above this number of stations, asking for all and selecting here is faster."""


class InfluxStore:
    """A `SeriesStore` in an InfluxDB. Nothing is asked of the server before the first call."""

    expiry_interval = DAY

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        org: str | None,
        prefix: str,
        replacements: ReplacementTable | None = None,
    ) -> None:
        self._server = InfluxServer(url, token, org)
        self._prefix = prefix
        self._writer = InfluxWriter(self._server, lambda: self._generation)
        self._table = replacements
        self._expirer = InfluxExpirer(
            replacements, lambda: self._generation, self._stored, self._bucket
        )
        self._examiner = InfluxExaminer(self._server, lambda: self._generation, self._bucket)
        self._replacer: InfluxReplacer | None = None
        if replacements is not None:
            self._replacer = InfluxReplacer(
                self._server, self._writer, replacements, lambda: self._generation, self._bucket
            )

    @cached_property
    def _generation(self) -> Generation:
        return generation_of(self._server)

    def write(self, points: Iterable[Point]) -> list[Refused]:
        with self._writer.sending() as sending:
            for chunk in batched(points, _AT_ONCE):
                good, never = only_storable(chunk)
                sending.refused += never
                if self._replacer is not None:
                    # Before the points themselves: what the replacement deletes in their place
                    # must be aside by then. What is refused there is refused here as well.
                    self._send(sending, self._replacer.copies_aside(good))
                self._send(sending, good)
        return sending.refused

    def _send(self, sending: Sending, points: Sequence[Point]) -> None:
        tenants: dict[str, list[Point]] = defaultdict(list)
        for point in points:
            tenants[point.tenant_id].append(point)
        for tenant_id, own in tenants.items():
            sending.send(self._bucket(tenant_id), own)

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
        qualities = tuple(Quality) if include_doubtful else (Quality.GOOD,)
        return self._steady(
            tenant_id,
            key.station,
            lambda seen: self._samples(tenant_id, key, seen, start, end, qualities, limit),
        )

    def column(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        *,
        limit: int | None = None,
    ) -> Column:
        def page(begin: Instant, most: int) -> list[Sample]:
            return self.read(tenant_id, key, begin, end, limit=most)

        return column_of_samples(islice(in_pages(page, start), limit))

    def _samples(
        self,
        tenant_id: str,
        key: SeriesKey,
        seen: Replacement | None,
        start: Instant,
        end: Instant,
        qualities: Sequence[Quality] = (Quality.GOOD,),
        limit: int | None = None,
    ) -> list[Sample]:
        samples: list[Sample] = []
        for place, since, until in _places(key, seen, start, end):
            begin: Instant | None = since
            while begin is not None and begin < until and len(samples) < _or_all(limit):
                page = min(_PAGE, _or_all(limit) - len(samples))
                query = ask.samples(place, qualities, begin, until, page)
                found, begin = one_page(self._query(tenant_id, query), qualities, page)
                samples += found
        return samples[:limit]

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

        def growth(seen: Replacement | None) -> list[Sample]:
            samples = in_pages(
                lambda begin, limit: self._samples(tenant_id, key, seen, begin, end, limit=limit),
                start,
            )
            base = self._last_before(tenant_id, key, seen, Instant(since), start)
            return growth_per_window(samples, base, window, counter_modulus)

        def summary(seen: Replacement | None) -> list[Sample]:
            parts = self._parts(tenant_id, key, seen, start, end, window, aggregate)
            return summarise(parts, window, aggregate)

        counted = aggregate is Aggregate.COUNTER_DELTA
        return self._steady(tenant_id, key.station, growth if counted else summary)

    def _parts(
        self,
        tenant_id: str,
        key: SeriesKey,
        seen: Replacement | None,
        start: Instant,
        end: Instant,
        window: Window,
        aggregate: Aggregate,
    ) -> list[Part]:
        """What the server put together per step. Where a step has values of two devices or
        families, as at a swap, it is put together here: both may have one at the same time,
        and which is the last one is to be seen from all of them."""
        step = step_of(window)
        found: dict[int, list[Part]] = defaultdict(list)
        for place, since, until in _places(key, seen, start, end):
            for table in self._query(tenant_id, ask.parts(place, aggregate, since, until, step)):
                for row in table.values:
                    count = row[2] if aggregate is Aggregate.MEAN else 1
                    found[row[0]].append(Part(row[0], row[1], count))
        parts: list[Part] = []
        for begin, several in found.items():
            if len(several) > 1:
                bounds = Instant(max(begin, start)), Instant(min(begin + step, end))
                samples = self._samples(tenant_id, key, seen, *bounds)
                parts.append(part_of(samples, begin, aggregate))
            else:
                parts += several
        return parts

    def _last_before(
        self,
        tenant_id: str,
        key: SeriesKey,
        seen: Replacement | None,
        oldest: Instant,
        moment: Instant,
    ) -> Sample | None:
        found = [
            Sample(Instant(row[0]), row[1], dev_eui=device_of(table))
            for place, since, until in _places(key, seen, oldest, moment)
            for table in self._query(tenant_id, ask.last_between(place, since, until))
            for row in table.values
        ]
        return max(found, key=time_and_device, default=None)

    def latest(
        self, tenant_id: str, stations: Sequence[str] | None, *, quantity: str | None = None
    ) -> dict[SeriesKey, Sample]:
        if stations is not None and not stations:
            return {}
        fields = self._good_fields(tenant_id, quantity)
        if self._table is None:
            return self._latest(tenant_id, fields, stations)
        revision = self._table.revision()
        moving = self._table.switched_of(tenant_id)
        newest = self._latest(tenant_id, fields, stations)
        moving += self._table.changed_since(tenant_id, revision)
        wanted = None if stations is None else set(stations)
        for station in {one.part.station for one in moving}:
            if wanted is None or station in wanted:
                newest = {key: value for key, value in newest.items() if key.station != station}
                newest |= self._latest_of_one(tenant_id, station, quantity)
        return newest

    def _latest(
        self, tenant_id: str, fields: list[tuple[str, str]], stations: Sequence[str] | None
    ) -> dict[SeriesKey, Sample]:
        named = None if stations is None or len(stations) > _NAMED_STATIONS else stations
        wanted = None if stations is None else set(stations)
        newest: dict[SeriesKey, Sample] = {}
        for measurement, field in fields:
            name, _ = from_field(field)
            for table in self._query(tenant_id, ask.latest(measurement, field, named)):
                station = from_influx(table.tags["station"])
                if is_aside(station) or (wanted is not None and station not in wanted):
                    continue
                key = SeriesKey(station, name, from_influx(table.tags["channel"]))
                keep_newest(newest, key, table)
        return newest

    def _latest_of_one(
        self, tenant_id: str, station: str, quantity: str | None
    ) -> dict[SeriesKey, Sample]:
        """The newest values of a station whose part is being replaced just now."""

        def read(seen: Replacement | None) -> dict[SeriesKey, Sample]:
            newest: dict[SeriesKey, Sample] = {}
            for measurement, field in self._good_fields(tenant_id, quantity):
                name, _ = from_field(field)
                for place, since, until in stretches(seen, station, *_EVER):
                    query = ask.latest_of_station(measurement, field, place, since, until)
                    for table in self._query(tenant_id, query):
                        key = SeriesKey(station, name, from_influx(table.tags["channel"]))
                        keep_newest(newest, key, table)
            return newest

        return self._steady(tenant_id, station, read)

    def series(self, tenant_id: str, station: str) -> list[SeriesKey]:
        found = self._steady(
            tenant_id, station, lambda seen: self._series(tenant_id, station, seen)
        )
        return sorted(found, key=lambda key: (key.quantity, key.channel))

    def _series(self, tenant_id: str, station: str, seen: Replacement | None) -> set[SeriesKey]:
        return {
            SeriesKey(station, quantity, from_influx(channel))
            for place, since, until in stretches(seen, station, *_EVER)
            for _, channel, quantities in self._stored(tenant_id, place, since, until)
            for quantity in quantities
        }

    def _stored(
        self, tenant_id: str, place: str, since: Instant, until: Instant
    ) -> Iterator[Stored]:
        """What lies under a station's name."""
        measurements: dict[str, list[str]] = defaultdict(list)
        for measurement, field in self._fields(tenant_id):
            measurements[measurement].append(field)
        for measurement, fields in measurements.items():
            query = ask.fields_of_station(measurement, fields, place, since, until)
            for table in self._query(tenant_id, query):
                values = zip(fields, table.values[0][1:], strict=True)
                found = {from_field(field)[0] for field, value in values if value is not None}
                yield measurement, table.tags["channel"], found

    def check_replaceable(self) -> None:
        self._replacing()
        self._generation.check_can_delete()

    def begin_replacement(self, part: SeriesPart) -> None:
        self._replacing().begin(part)

    def stage(self, points: Sequence[Point]) -> list[Refused]:
        good, refused = only_storable(points)
        with self._writer.sending() as sending:
            self._send(sending, self._replacing().copies_aside(good))
        return refused + sending.refused

    def finish_replacement(self, tenant_id: str, station: str) -> None:
        self._replacing().finish(tenant_id, station)

    def _replacing(self) -> InfluxReplacer:
        if self._replacer is None:
            raise SeriesRejected(
                "this store was opened without the installation's database, in which "
                "replacements are agreed upon: give it to open_store()",
                "diese Ablage wurde ohne die Datenbank der Zentrale geöffnet, in der "
                "Ersetzungen vereinbart werden: sie open_store() mitgeben",
            )
        return self._replacer

    def _steady(self, tenant_id: str, station: str, read: Callable[[Replacement | None], T]) -> T:
        """`read` of a state of the station's series that no replacement changed meanwhile."""
        if self._table is None:
            return read(None)
        return steady(self._table, tenant_id, station, read)

    def set_retention(self, tenant_id: str, days: int | None) -> None:
        checked_days(days)
        bucket = self._bucket(tenant_id)
        self._generation.create(bucket)
        self._generation.set_retention(bucket, days)

    def expire(self, tenant_id: str, past: Mapping[SeriesKey, Span]) -> None:
        self._expirer.expire(tenant_id, past)

    def drop_station(self, tenant_id: str, station: str) -> None:
        self._drop(tenant_id, "station", station)
        if self._table is not None:
            self._drop(tenant_id, "station", aside(station))

    def drop_device(self, tenant_id: str, dev_eui: str) -> None:
        self._drop(tenant_id, "device", dev_eui)

    def _drop(self, tenant_id: str, tag: str, name: str) -> None:
        try:
            self._generation.drop(self._bucket(tenant_id), tag, to_influx(name))
        except DatabaseMissing:
            return

    def drop_tenant(self, tenant_id: str) -> None:
        try:
            self._generation.empty(self._bucket(tenant_id))
        except DatabaseMissing:
            return

    def erase_tenant(self, tenant_id: str) -> str | None:
        bucket = self._bucket(tenant_id)
        try:
            self._generation.remove(bucket)
        except (SeriesRejected, SeriesUnavailable):
            self.drop_tenant(tenant_id)  # a token that may write need not be one that may remove
            return f"the empty bucket '{bucket}' of InfluxDB: remove it as its administrator"
        return None

    def forget_devices(self, known: Callable[[], Collection[str]]) -> None:
        """Their names stand at their points alone."""

    def ping(self) -> None:
        # /ping would answer without a valid token.
        self._server.query("SHOW DATABASES")

    def examine(self, tenant_id: str) -> list[Finding]:
        return self._examiner.examine(tenant_id)

    def time(self) -> Instant | None:
        return self._server.time()

    def close(self) -> None:
        self._server.close()

    def _bucket(self, tenant_id: str) -> str:
        return to_bucket(self._prefix, tenant_id)

    def _query(self, tenant_id: str, statement: str) -> list[Series]:
        """The tables of one statement's answer; none where the bucket does not exist."""
        return self._tables(tenant_id, statement) or []

    def _tables(self, tenant_id: str, statement: str) -> list[Series] | None:
        """The same; None where the bucket does not exist."""
        bucket = self._bucket(tenant_id)
        try:
            answers = self._server.query(statement, bucket)
        except DatabaseMissing:
            self._generation.check_not_hidden(bucket)
            return None
        return answers[0] if answers else []

    def _good_fields(self, tenant_id: str, quantity: str | None) -> list[tuple[str, str]]:
        """As `_fields`, without those of doubtful values."""
        fields = self._fields(tenant_id, quantity)
        return [one for one in fields if from_field(one[1])[1] is Quality.GOOD]

    def _fields(self, tenant_id: str, quantity: str | None = None) -> list[tuple[str, str]]:
        """Measurement and field of everything that was ever stored, of one quantity or all."""
        wanted = None if quantity is None else to_field(quantity)
        tables = self._tables(tenant_id, "SHOW FIELD KEYS")
        if tables == []:
            self._generation.check_not_hidden(self._bucket(tenant_id))
        return [
            (table.name, row[0])
            for table in tables or []
            for row in table.values
            if wanted is None or row[0] == wanted
        ]


def _places(
    key: SeriesKey, seen: Replacement | None, start: Instant, end: Instant
) -> list[tuple[SeriesKey, Instant, Instant]]:
    """Under which names a range of a series is to be read, in the order of time."""
    return [
        (SeriesKey(station, key.quantity, key.channel), since, until)
        for station, since, until in stretches(seen, key.station, start, end)
    ]


def _or_all(limit: int | None) -> int:
    return sys.maxsize if limit is None else limit
