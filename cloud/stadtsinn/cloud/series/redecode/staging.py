"""Gathers the points of devices whose series are replaced: one pass over the log for many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, days
from stadtsinn.cloud.log.archive_files.batches import table_batches
from stadtsinn.cloud.log.archive_files.parquet import integers
from stadtsinn.cloud.log.uplinks.tables import archived_days, uplinks
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.points import PointMaker
from stadtsinn.cloud.series.redecode import repository
from stadtsinn.cloud.series.redecode.repository import Pending
from stadtsinn.cloud.series.stores.store import Point, Refused, SeriesStore
from stadtsinn.decoders.reading import Outcome

_COLUMNS = ("tenant_id", "dev_eui", "event_time", "outcome")
_AT_ONCE = 20_000
_AHEAD = DAY
"""How far a sensor's own clock may be ahead of the frame that brought its value."""
_FOR_EVER = Instant(2**62)

_decode_outcome = msgspec.msgpack.Decoder(Outcome).decode


class Staging:
    """Stages what the log says now of some devices' parts. Their replacements were begun."""

    def __init__(self, store: SeriesStore, maker: PointMaker, devices: Sequence[Pending]) -> None:
        self._store = store
        self._maker = maker
        self._devices = devices
        self._wanted = {(one.tenant_id, one.dev_eui) for one in devices}
        self._ranges: dict[str, tuple[Instant, Instant]] = {}
        for one in devices:
            start, end = uplinks_of(one)
            low, high = self._ranges.get(one.dev_eui, (start, end))
            self._ranges[one.dev_eui] = (min(low, start), max(high, end))
        self._waiting: list[Point] = []
        self.refused: list[Refused] = []

    def run(self, database: Database, archive: Archive) -> None:
        """Go through archive and table; whatever is appended meanwhile its follower writes."""
        for day in self._days(database):
            for batch in archive.columns(day, _COLUMNS):
                self._add(batch)
        for one in self._devices:
            start, end = uplinks_of(one)
            own = repository.of_device(one.tenant_id, one.dev_eui)
            times = (uplinks.c.event_time >= start, uplinks.c.event_time < end)
            for batch in table_batches(database, _COLUMNS, *own, *times):
                self._add(batch)
        self._send()

    def _days(self, database: Database) -> list[ArchivedDay]:
        start = min(low for low, _ in self._ranges.values())
        end = max(high for _, high in self._ranges.values())
        day = archived_days.c.day
        with database.read() as connection:
            return days(connection, day > start - DAY, day < end)

    def _add(self, batch: Any) -> None:
        rows = self._rows(batch)
        if not len(rows):
            return
        part = batch.take(pa.array(rows))
        tenants, dev_euis, outcomes = (
            part.column(name).to_pylist() for name in ("tenant_id", "dev_eui", "outcome")
        )
        times: Iterable[int] = integers(part, "event_time").tolist()
        for tenant_id, dev_eui, time, outcome in zip(
            tenants, dev_euis, times, outcomes, strict=True
        ):
            if (tenant_id, dev_eui) in self._wanted:
                decoded = _decode_outcome(outcome)
                self._waiting += self._maker.points(tenant_id, dev_eui, Instant(time), decoded)
        if len(self._waiting) >= _AT_ONCE:
            self._send()

    def _rows(self, batch: Any) -> Any:
        """Rows whose device and time may have points in a part."""
        names = batch.column("dev_eui")
        ranges = [self._ranges.get(name, (0, 0)) for name in names.dictionary.to_pylist()]
        bounds = np.array(ranges or [(0, 0)], np.int64)
        codes = names.indices.to_numpy(zero_copy_only=False)
        times = integers(batch, "event_time")
        return np.flatnonzero((times >= bounds[codes, 0]) & (times < bounds[codes, 1]))

    def _send(self) -> None:
        if self._waiting:
            self.refused += self._store.stage(self._waiting)
            self._waiting = []


def uplinks_of(device: Pending) -> tuple[Instant, Instant]:
    """Event times of the uplinks that can have points in the device's part."""
    assert device.first is not None
    assert device.last is not None
    if device.delayed:  # values of that part may have come, or come again, any time later
        return Instant(device.first - _AHEAD), _FOR_EVER
    return device.first, Instant(device.last + 1)
