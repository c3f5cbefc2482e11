from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api_callers import ApiWorld
from databases import fresh_database


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    """Two towns and the API over them, on SQLite."""
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    yield made
    made.series.close()
