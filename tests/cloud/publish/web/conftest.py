from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api_callers import HOME, ApiWorld
from databases import fresh_database
from fake_market import Market


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    database = fresh_database(tmp_path)
    yield ApiWorld(database, tmp_path)
    database.dispose()


@pytest.fixture
def market(world: ApiWorld) -> Market:
    """The public zone ``marktplatz``; its clock is the application's."""
    return Market(world.database, tenant=HOME, new_tenant=False, clock=world.clock)
