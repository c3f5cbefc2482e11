"""Where erasures work: a database, an archive and a series store that hold next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import database, fresh_database
from filled_towns import NOW
from stadtsinn.base.clock import ManualClock
from stadtsinn.cloud.erasure.slices import Storage
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.opening import open_store

__all__ = ["database"]


def storage_with(database: Database, folder: Path) -> Storage:
    series = open_store(str(folder / "series.sqlite"), clock=ManualClock(NOW))
    return Storage(database, Archive(folder / "archive"), series, ManualClock(NOW))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """On SQLite."""
    made = storage_with(fresh_database(tmp_path), tmp_path)
    yield made
    made.series.close()
    made.database.dispose()


@pytest.fixture
def everywhere(database: Database, tmp_path: Path) -> Iterator[Storage]:
    """On both kinds of database."""
    made = storage_with(database, tmp_path)
    yield made
    made.series.close()
