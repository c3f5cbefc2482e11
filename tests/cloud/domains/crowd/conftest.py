from __future__ import annotations

import pytest

from databases import database, nightly_database
from fake_market import Market
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["database", "market", "nightly_database", "small_market"]


@pytest.fixture
def market(database: Database) -> Market:
    return Market(database)


@pytest.fixture
def small_market(nightly_database: Database) -> Market:
    """On PostgreSQL by night only: where the database makes no difference."""
    return Market(nightly_database)
