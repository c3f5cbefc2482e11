"""Bytes that one uplink takes on disk: in the log, in the archive, in the embedded series store.

    .venv/bin/python bench/disk.py

The simulated day of a town is logged as its ingest does, followed into the series, and archived.
Only bytes are counted, so that any machine gives the same numbers. A table's share grows with
whole pages: what an empty database has is taken off.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.crowd.follower import LiveFollower
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before, day_files
from stadtsinn.cloud.log.followers.follower import Follower
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.migrations.upgrade import upgrade
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import encode_outcome
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.simulator.market_day.day import MarketDay

YEARLY = 10_000 * 144 * 365
"""Uplinks of a year: of 10,000 devices that send every ten minutes."""


@dataclass(frozen=True)
class Bytes:
    """What a day takes, for its number of uplinks."""

    uplinks: int
    log: int
    crowd: int
    """Samples and counts of zones, which the database keeps for a limited time."""
    series: int
    archive: int

    def per_uplink(self, total: int) -> float:
        return total / self.uplinks


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    print(f"{found.uplinks} uplinks of a simulated day")
    for name, total in (
        ("log (SQLite)", found.log),
        ("occupancy of zones (SQLite)", found.crowd),
        ("series (embedded)", found.series),
        ("archive (Parquet)", found.archive),
    ):
        one = found.per_uplink(total)
        year = one * YEARLY / 1e9
        print(f"{name:28} {one:6.0f} bytes per uplink, {year:6.0f} GB a year of 10,000 devices")


def measure(folder: Path) -> Bytes:
    """Log, follow and archive a day in this folder."""
    day = MarketDay()
    database = open_database(str(folder / "cloud.sqlite"))
    upgrade(database)
    apply_town(database, day.town, day.span.start)
    empty = _size(database)
    end = Instant(day.span.start + 2 * DAY)
    entries = list(_entries(day))
    with database.write() as connection:
        append(connection, entries, end)
    logged = _size(database)
    clock, directory = ManualClock(end), DirectoryCache(database)
    _follow(database, LiveFollower(directory, clock), clock)
    counted = _size(database)
    url = f"sqlite:///{folder / 'series.sqlite'}"
    store = open_store(url)
    follower = SeriesFollower(store, directory, clock)
    follower.load(database)
    _follow(database, follower, clock)
    store.close()
    series = open_database(url)
    series_bytes = _size(series)
    series.dispose()
    archive = Archive(folder / "archive")
    moved = list(archive_before(database, archive, end, (), clock))
    assert moved, "no day was archived"
    archived = sum(file.stat().st_size for file in day_files(archive))
    database.dispose()
    return Bytes(len(entries), logged - empty, counted - logged, series_bytes, archived)


def _entries(day: MarketDay) -> Iterator[Entry]:
    read = ChirpStack().read
    types = {device.dev_eui: device.device_type for device in day.town.devices}
    for simulated in day.uplinks():
        event = simulated.event
        uplink = read(event.topic, event.payload, event.time)
        assert isinstance(uplink, Uplink)
        kind = types[uplink.dev_eui]
        outcome = encode_outcome(catalogue().decode(*uplink.frame(kind)))
        yield Entry(day.town.tenant, "chirpstack:town", kind, uplink, outcome)


def _follow(database: Database, follower: Follower, clock: ManualClock) -> None:
    loop = FollowerLoop(database, follower, clock)
    while loop.run_once():
        pass


def _size(database: Database) -> int:
    """Of the file, with what stands beside it written back."""
    database.tidy()
    path = database.engine.url.database
    assert path is not None
    return Path(path).stat().st_size


if __name__ == "__main__":
    main()
