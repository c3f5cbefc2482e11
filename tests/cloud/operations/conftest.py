"""A town with devices and an edge, whose log is written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from databases import database, fresh_database  # noqa: F401 (the first is a fixture)
from fake_uplinks import furnish
from operated_town import Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    fresh = fresh_database(tmp_path)
    furnish(fresh)
    return Town(fresh)
