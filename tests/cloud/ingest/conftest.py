"""A town with a device and an edge, and an ingest without a broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import fresh_database, fresh_postgres
from fake_uplinks import at, furnish
from real_parts import postgres_cluster
from stadtsinn.cloud.database.engine import Database
from stadtsinn.cloud.ingest.service import Ingestor
from stadtsinn.cloud.registry.directory import DirectoryCache
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.edge.service.clock import ManualClock


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_cluster(tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        opened = fresh_database(tmp_path)
        furnish(opened)
        yield opened
        opened.dispose()
    else:
        with fresh_postgres(request.getfixturevalue("cluster")) as opened:
            furnish(opened)
            yield opened


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
def ingestor(database: Database, directory: DirectoryCache, clock: ManualClock) -> Ingestor:
    return Ingestor(database, directory, clock, catalogue())
