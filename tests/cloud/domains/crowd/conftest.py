from __future__ import annotations

import pytest

from databases import database
from fake_market import Market
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["database", "market"]


@pytest.fixture
def market(database: Database) -> Market:
    return Market(database)
