from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api_callers import ApiWorld
from databases import database
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["database", "world"]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[ApiWorld]:
    """Two towns and the API over them."""
    made = ApiWorld(database, tmp_path)
    yield made
    made.series.close()
