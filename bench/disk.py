"""Bytes that one uplink takes on disk: in the log, in the archive, in the stores of series.

    .venv/bin/python bench/disk.py

The simulated day of a town is logged as its ingest does, followed into the series, and archived;
then more such days are logged and archived in the space that the first one left. Only bytes are
counted, so that any machine gives like numbers. What an empty database has is taken off.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from sqlalchemy import text

import real_parts
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.crowd.follower import LiveFollower
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.archive_files.day_files import day_files
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
from stadtsinn.simulator.market_day.calendar import MARKET_DATE, DayPlan
from stadtsinn.simulator.market_day.day import MarketDay

YEARLY = 10_000 * 144 * 365
"""Uplinks of a year: of 10,000 devices that send every ten minutes."""
_BATCH = 500
_LATER = [date.fromordinal(MARKET_DATE.toordinal() + 7 * week) for week in (1, 2, 3)]


@dataclass(frozen=True)
class Grown:
    """What a day takes in one database, and in the archive."""

    uplinks: int
    log: int
    crowd: int
    """Samples and counts of zones, which the database keeps for a limited time."""
    archive: int
    later_day: int
    """What the database grows by one more such day, all before it being in the archive."""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with real_parts.postgres_cluster(folder / "server") as postgres:
            _show("SQLite", measure(str(folder / "cloud.sqlite"), folder / "archive"))
            _show("PostgreSQL", measure(postgres, folder / "second archive"))
        _line("series (embedded)", *measure_series(folder))


def _show(kind: str, grown: Grown) -> None:
    _line(f"log ({kind})", grown.uplinks, grown.log)
    _line(f"occupancy of zones ({kind})", grown.uplinks, grown.crowd)
    _line(f"one more day, others archived ({kind})", grown.uplinks, grown.later_day)
    _line("archive (Parquet)", grown.uplinks, grown.archive)


def _line(what: str, uplinks: int, size: int) -> None:
    one = size / uplinks
    year = one * YEARLY / 1e9
    print(f"{what:45} {one:6.0f} bytes per uplink, {year:6.0f} GB a year of 10,000 devices")


def measure(url: str, archive_folder: Path) -> Grown:
    """Log, count and archive a day in this database, and log others."""
    day = MarketDay()
    database, archive = _prepared(url, day), Archive(archive_folder)
    empty = _size(database)
    uplinks = _log(database, day)
    logged = _size(database)
    clock = ManualClock(Instant(day.span.start + 2 * DAY))
    _follow(database, LiveFollower(DirectoryCache(database), clock), clock)
    counted = _size(database)
    _archive(database, archive, day)
    archived = sum(file.stat().st_size for file in day_files(archive))
    later_day = 0
    for later in (MarketDay(plan=DayPlan(one)) for one in _LATER):
        before = _size(database)
        _log(database, later)
        later_day = _size(database) - before
        _archive(database, archive, later)
    database.dispose()
    return Grown(uplinks, logged - empty, counted - logged, archived, later_day)


def _archive(database: Database, archive: Archive, day: MarketDay) -> None:
    after = Instant(day.span.start + 2 * DAY)
    moved = list(archive_before(database, archive, after, (), ManualClock(after)))
    assert moved, "no day was archived"


def measure_series(folder: Path) -> tuple[int, int]:
    """Uplinks of a day, and the bytes of its series in the embedded store."""
    day = MarketDay()
    database = _prepared(str(folder / "followed.sqlite"), day)
    uplinks = _log(database, day)
    clock, url = ManualClock(day.span.end), f"sqlite:///{folder / 'series.sqlite'}"
    store = open_store(url)
    follower = SeriesFollower(store, DirectoryCache(database), clock)
    follower.load(database)
    _follow(database, follower, clock)
    store.close()
    database.dispose()
    series = open_database(url)
    size = _size(series)
    series.dispose()
    return uplinks, size


def _prepared(url: str, day: MarketDay) -> Database:
    database = open_database(url)
    upgrade(database)
    apply_town(database, day.town, day.span.start)
    return database


def _log(database: Database, day: MarketDay) -> int:
    """As the ingest does, in batches; how many uplinks."""
    arrival = Instant(day.span.start + 2 * DAY)
    entries = list(_entries(day))
    for batch in range(0, len(entries), _BATCH):
        with database.write() as connection:
            append(connection, entries[batch : batch + _BATCH], arrival)
    return len(entries)


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
    """With what stands beside the file written back, and what was deleted free for others."""
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as now:
            now.execute(text("VACUUM"))
            return int(now.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    database.tidy()
    path = database.engine.url.database
    assert path is not None
    return Path(path).stat().st_size


if __name__ == "__main__":
    main()
