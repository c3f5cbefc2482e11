"""Gathers the points of parts that are replaced: one pass over the log for many devices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
from sqlalchemy import select

from stadtsinn.base.batches import batched
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.log.archive_files.archive import (
    Archive,
    ArchivedDay,
    ArchiveUnreadable,
    days,
)
from stadtsinn.cloud.log.archive_files.batches import table_batches
from stadtsinn.cloud.log.archive_files.parquet import integers
from stadtsinn.cloud.log.uplinks.tables import archived_days, archived_sessions, uplinks
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.points import PointMaker
from stadtsinn.cloud.series.stores.store import Point, Refused
from stadtsinn.decoders.reading import Outcome

_COLUMNS = ("tenant_id", "dev_eui", "event_time", "outcome")
_AT_ONCE = 20_000
_NAMED_DEVICES = 500
_decode_outcome = msgspec.msgpack.Decoder(Outcome).decode


class Feed(msgspec.Struct, frozen=True):
    """The uplinks of a device that can have points in a part: start <= event time < end."""

    tenant_id: str
    dev_eui: str
    start: Instant
    end: Instant


class Stage(Protocol):
    """Takes staged points: a series store, or the preview, which only compares them."""

    def stage(self, points: Sequence[Point]) -> list[Refused]: ...


class Staging:
    """Stages the points that the log now gives for some devices. Replacements were begun; the
    store passes over points that lie in none of them."""

    def __init__(self, store: Stage, maker: PointMaker, feeds: Sequence[Feed]) -> None:
        self._store = store
        self._maker = maker
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._ranges: dict[str, tuple[Instant, Instant]] = {}
        for one in feeds:
            known = self._feeds.setdefault((one.tenant_id, one.dev_eui), one)
            wide = Feed(*_names(one), min(one.start, known.start), max(one.end, known.end))
            self._feeds[_names(one)] = wide
            low, high = self._ranges.get(one.dev_eui, (one.start, one.end))
            self._ranges[one.dev_eui] = (min(low, one.start), max(high, one.end))
        self._waiting: list[Point] = []
        self.refused: list[Refused] = []

    def run(self, database: Database, archive: Archive | None) -> None:
        """Go through archive and table; the follower writes what is appended meanwhile."""
        for day in self._days(database):
            if archive is None:
                raise ArchiveUnreadable(
                    "old days are archived, and this process has no archive",
                    "alte Tage sind verlagert, und dieser Prozess hat kein Archiv",
                )
            for batch in archive.columns(day, _COLUMNS):
                self._add(batch)
        for one in self._feeds.values():
            own = (uplinks.c.tenant_id == one.tenant_id, uplinks.c.dev_eui == one.dev_eui)
            times = (uplinks.c.event_time >= one.start, uplinks.c.event_time < one.end)
            for batch in table_batches(database, _COLUMNS, *own, *times):
                self._add(batch)
        self._send()

    def _days(self, database: Database) -> list[ArchivedDay]:
        """Archived days that hold uplinks of these devices."""
        found: dict[str, ArchivedDay] = {}
        day = archived_days.c.day
        with database.read() as connection:
            for dev_euis in batched(self._ranges, _NAMED_DEVICES):
                start = min(self._ranges[one][0] for one in dev_euis)
                end = max(self._ranges[one][1] for one in dev_euis)
                theirs = select(archived_sessions.c.day).where(
                    archived_sessions.c.dev_eui.in_(dev_euis)
                )
                for one in days(connection, day > start - DAY, day < end, day.in_(theirs)):
                    found[one.file] = one
        return sorted(found.values(), key=lambda one: one.day)

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
            if (tenant_id, dev_eui) in self._feeds:
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
            crash_point("rewriting.some_staged")


def _names(feed: Feed) -> tuple[str, str]:
    return feed.tenant_id, feed.dev_eui
