from __future__ import annotations

from pathlib import Path

import pytest

from databases import database, fresh_database
from fake_alert_town import AlertTown
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["database", "small_town", "town"]


@pytest.fixture
def town(database: Database) -> AlertTown:
    """On SQLite and on PostgreSQL."""
    return AlertTown(database)


@pytest.fixture
def small_town(tmp_path: Path) -> AlertTown:
    """On SQLite, where the database makes no difference."""
    return AlertTown(fresh_database(tmp_path))
