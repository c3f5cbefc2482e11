"""What a change of deployments would change in series, without changing anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.corrections import repository
from stadtsinn.cloud.series.points import PointMaker
from stadtsinn.cloud.series.rewriting.parts import delays_by, feeds_of, meeting
from stadtsinn.cloud.series.rewriting.staging import Staging
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.series.stores.store import Point, Refused, SeriesKey, SeriesReader
from stadtsinn.cloud.town.directory import Directory, read_places
from stadtsinn.cloud.town.service import DryRunEnded, change_or_dry_run
from stadtsinn.decoders.catalogue import catalogue


class Change(Protocol):
    """Changes deployments in a transaction."""

    def __call__(self, connection: Connection) -> object: ...


@dataclass(frozen=True)
class Difference:
    """Points of one datastream that would go, come or change, and the times between which."""

    key: SeriesKey
    removed: int
    added: int
    changed: int
    first: Instant
    last: Instant


def preview(
    database: Database,
    archive: Archive | None,
    series: SeriesReader,
    clock: Clock,
    tenant_id: str,
    change: Change,
) -> list[Difference]:
    """What `change` would change in the series of a tenant; it is carried out and rolled back.

    Raises what `change` raises, SeriesUnavailable and ArchiveUnreadable.
    """
    directory, parts = _tried(database, tenant_id, change)
    found: list[Difference] = []
    for part in parts:
        collector = _Collector(part)
        feeds = feeds_of(directory, [part], delays_by(directory, catalogue()))
        if feeds:
            staging = Staging(collector, PointMaker(_Fixed(directory), clock), feeds)
            staging.run(database, archive)
        found += _differences(series, part, collector.points)
    return found


def _tried(
    database: Database, tenant_id: str, change: Change
) -> tuple[Directory, list[SeriesPart]]:
    """The parts of the tenant's series that would be made anew, and what would be deployed at
    their stations: everybody waits while that is read."""
    directory: Directory | None = None
    parts: list[SeriesPart] = []
    try:
        with change_or_dry_run(database, True) as connection:
            before = repository.newest_id(connection)
            change(connection)
            asked = repository.waiting_after(connection, before)
            parts = meeting(one.part for one in asked if one.part.tenant_id == tenant_id)
            directory = read_places(connection, tenant_id, {part.station for part in parts})
    except DryRunEnded:
        pass
    assert directory is not None
    return directory, parts


@dataclass(frozen=True)
class _Fixed:
    """A directory that stays as it is."""

    directory: Directory

    def current(self) -> Directory:
        return self.directory


class _Collector:
    """Keeps a part's points instead of a store; of equal ones the one that a store would keep."""

    def __init__(self, part: SeriesPart) -> None:
        self._part = part
        self.points: dict[SeriesKey, dict[Instant, Point]] = defaultdict(dict)

    def stage(self, points: Sequence[Point]) -> list[Refused]:
        for point in points:
            if point.key.station != self._part.station or not self._part.holds(point.time):
                continue
            own = self.points[point.key]
            if point.time not in own or own[point.time].dev_eui <= point.dev_eui:
                own[point.time] = point
        return []


def _differences(
    series: SeriesReader, part: SeriesPart, new: dict[SeriesKey, dict[Instant, Point]]
) -> list[Difference]:
    found = []
    keys = {*series.series(part.tenant_id, part.station), *new}
    for key in sorted(keys, key=lambda key: (key.quantity, key.channel)):
        old = {
            sample.time: (sample.value, sample.quality, sample.dev_eui)
            for sample in series.read(
                part.tenant_id, key, part.start, part.end, include_doubtful=True
            )
        }
        now = {
            time: (point.value, point.quality, point.dev_eui)
            for time, point in new.get(key, {}).items()
        }
        removed, added = old.keys() - now.keys(), now.keys() - old.keys()
        changed = {time for time in old.keys() & now.keys() if old[time] != now[time]}
        if moments := removed | added | changed:
            counts = len(removed), len(added), len(changed)
            found.append(Difference(key, *counts, min(moments), max(moments)))
    return found
