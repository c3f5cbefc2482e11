"""The series store in InfluxDB 1.8, 2 or 3: line protocol in, InfluxQL out.

A bucket (1.8 and 3: database) per tenant; measurement = sensor family; tags = device, channel;
fields = quantities, doubtful values in fields with a suffix. See docs/influxdb.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

from stadtsinn.cloud.series import influx_queries as ask
from stadtsinn.cloud.series.counters import growth_per_window, in_pages
from stadtsinn.cloud.series.influx_generations import Generation, generation_of
from stadtsinn.cloud.series.influx_http import DatabaseMissing, InfluxServer, Series
from stadtsinn.cloud.series.influx_writing import InfluxWriter
from stadtsinn.cloud.series.names import from_field, from_influx, to_bucket, to_field, to_influx
from stadtsinn.cloud.series.store import (
    Aggregate,
    Point,
    Refused,
    Sample,
    SeriesKey,
    Window,
    checked_days,
    only_storable,
)
from stadtsinn.cloud.series.windows import Part, step_of, summarise
from stadtsinn.decoders.instant import Instant
from stadtsinn.decoders.reading import Quality

_PAGE = 20_000
"""Rows asked for at once: servers cut an answer that is too long for them."""

_NAMED_DEVICES = 1_000
"""From more devices than this on, asking for all and choosing here is faster."""


class InfluxStore:
    """A `SeriesStore` in an InfluxDB. Nothing is asked of the server before the first call."""

    def __init__(self, url: str, *, token: str | None, org: str | None, prefix: str) -> None:
        self._server = InfluxServer(url, token, org)
        self._prefix = prefix
        self._writer = InfluxWriter(self._server, lambda: self._generation)

    @cached_property
    def _generation(self) -> Generation:
        return generation_of(self._server)

    def write(self, points: Sequence[Point]) -> list[Refused]:
        good, refused = only_storable(points)
        tenants: dict[str, list[Point]] = defaultdict(list)
        for point in good:
            tenants[point.tenant_id].append(point)
        for tenant_id, own in tenants.items():
            refused += self._writer.write(self._bucket(tenant_id), own)
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
        qualities = tuple(Quality) if include_doubtful else (Quality.GOOD,)
        samples: list[Sample] = []
        while start < end and (limit is None or len(samples) < limit):
            page = _PAGE if limit is None else min(_PAGE, limit - len(samples))
            tables = self._query(tenant_id, ask.samples(key, qualities, start, end, page))
            found, more_from = _one_page(tables, qualities, page)
            samples += found
            if more_from is None:
                break
            start = more_from
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
    ) -> list[Sample]:
        if aggregate is Aggregate.COUNTER_DELTA:
            samples = in_pages(
                lambda begin, limit: self.read(tenant_id, key, begin, end, limit=limit), start
            )
            base = self._last_before(tenant_id, key, start)
            return growth_per_window(samples, base, window, counter_modulus)
        query = ask.parts(key, aggregate, start, end, step_of(window))
        parts = [
            Part(row[0], row[1], row[2] if aggregate is Aggregate.MEAN else 1)
            for table in self._query(tenant_id, query)
            for row in table.values
        ]
        return summarise(parts, window, aggregate)

    def _last_before(self, tenant_id: str, key: SeriesKey, moment: Instant) -> Sample | None:
        tables = self._query(tenant_id, ask.last_before(key, moment))
        found = [Sample(Instant(row[0]), row[1]) for table in tables for row in table.values]
        return max(found, key=lambda sample: sample.time, default=None)

    def latest(
        self, tenant_id: str, dev_euis: Sequence[str] | None, *, quantity: str | None = None
    ) -> dict[SeriesKey, Sample]:
        if dev_euis is not None and not dev_euis:
            return {}
        fields = self._fields(tenant_id, quantity)
        named = None if dev_euis is None or len(dev_euis) > _NAMED_DEVICES else dev_euis
        wanted = None if dev_euis is None else set(dev_euis)
        newest: dict[SeriesKey, Sample] = {}
        for measurement, field in fields:
            name, quality = from_field(field)
            if quality is not Quality.GOOD:
                continue
            for table in self._query(tenant_id, ask.latest(measurement, field, named)):
                device = from_influx(table.tags["device"])
                if wanted is None or device in wanted:
                    time, value = table.values[0]
                    key = SeriesKey(device, name, from_influx(table.tags["channel"]))
                    if key not in newest or newest[key].time < time:
                        newest[key] = Sample(Instant(time), value)
        return newest

    def series(self, tenant_id: str, dev_eui: str) -> list[SeriesKey]:
        measurements: dict[str, list[str]] = defaultdict(list)
        for measurement, field in self._fields(tenant_id):
            measurements[measurement].append(field)
        found: set[SeriesKey] = set()
        for measurement, fields in measurements.items():
            query = ask.fields_of_device(measurement, fields, dev_eui)
            for table in self._query(tenant_id, query):
                channel = from_influx(table.tags["channel"])
                for field, value in zip(fields, table.values[0][1:], strict=True):
                    if value is not None:
                        found.add(SeriesKey(dev_eui, from_field(field)[0], channel))
        return sorted(found, key=lambda key: (key.quantity, key.channel))

    def set_retention(self, tenant_id: str, days: int | None) -> None:
        checked_days(days)
        bucket = self._bucket(tenant_id)
        self._generation.create(bucket)
        self._generation.set_retention(bucket, days)

    def drop_device(self, tenant_id: str, dev_eui: str) -> None:
        try:
            self._generation.drop_device(self._bucket(tenant_id), to_influx(dev_eui))
        except DatabaseMissing:
            return

    def drop_tenant(self, tenant_id: str) -> None:
        try:
            self._generation.empty(self._bucket(tenant_id))
        except DatabaseMissing:
            return

    def ping(self) -> None:
        # /ping would answer without a valid token.
        self._server.query("SHOW DATABASES")

    def close(self) -> None:
        self._server.close()

    def _bucket(self, tenant_id: str) -> str:
        return to_bucket(self._prefix, tenant_id)

    def _query(self, tenant_id: str, statement: str) -> list[Series]:
        """The tables of one statement's answer; none where the bucket does not exist."""
        try:
            answers = self._server.query(statement, self._bucket(tenant_id))
        except DatabaseMissing:
            return []
        return answers[0] if answers else []

    def _fields(self, tenant_id: str, quantity: str | None = None) -> list[tuple[str, str]]:
        """Measurement and field of everything that was ever stored, of one quantity or all."""
        wanted = None if quantity is None else to_field(quantity)
        return [
            (table.name, row[0])
            for table in self._query(tenant_id, "SHOW FIELD KEYS")
            for row in table.values
            if wanted is None or row[0] == wanted
        ]


def _one_page(
    tables: list[Series], qualities: Sequence[Quality], page: int
) -> tuple[list[Sample], Instant | None]:
    """Samples in order, and where the next page begins (None: there is none).

    There are several tables where a device changed its family. Each is cut by itself, so only
    what lies before the first cut is complete.
    """
    cuts = [t.values[-1][0] for t in tables if t.partial or len(t.values) >= page]
    cut = min(cuts, default=None)
    worst: dict[int, Sample] = {}
    for table in tables:
        for row in table.values:
            time = row[0]
            if cut is not None and time > cut:
                break
            for quality, value in zip(qualities, row[1:], strict=True):
                if value is not None:  # the last of good, suspect, bad stays
                    worst[time] = Sample(Instant(time), value, quality)
    samples = [worst[time] for time in sorted(worst)]
    return samples, None if cut is None else Instant(cut + 1)
