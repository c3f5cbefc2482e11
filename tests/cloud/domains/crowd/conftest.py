from __future__ import annotations

from pathlib import Path

import pytest

from databases import database, fresh_database
from fake_market import Market
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["database", "market", "small_market"]


@pytest.fixture
def market(database: Database) -> Market:
    return Market(database)


@pytest.fixture
def small_market(tmp_path: Path) -> Market:
    """On SQLite, where the database makes no difference."""
    return Market(fresh_database(tmp_path))
