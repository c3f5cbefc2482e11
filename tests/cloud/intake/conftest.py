"""A town with a device and an edge, and an ingest without a broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from databases import database as empty_database  # noqa: F401 (a fixture)
from fake_uplinks import at, furnish
from stadtsinn.base.clock import ManualClock
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.intake.service import Ingestor
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache


@pytest.fixture
def database(empty_database: Database) -> Database:  # noqa: F811
    """With a town, a device and an edge."""
    furnish(empty_database)
    return empty_database


@pytest.fixture
def clock() -> ManualClock:
    """An hour after nine: everything that tests send lies in the past."""
    return ManualClock(at(3600))


@pytest.fixture
def directory(database: Database) -> DirectoryCache:
    """Looks at the registry's revision at every call."""
    ticks = iter(range(10**9))
    return DirectoryCache(database, monotonic=lambda: float(next(ticks)))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def ingestor(
    database: Database, directory: DirectoryCache, clock: ManualClock, archive: Archive
) -> Ingestor:
    return open_ingestor(database, directory, clock, archive)
