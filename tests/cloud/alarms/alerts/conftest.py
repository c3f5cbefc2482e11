from __future__ import annotations

import pytest

from databases import database, nightly_database
from fake_alert_town import AlertTown
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["database", "nightly_database", "small_town", "town"]


@pytest.fixture
def town(database: Database) -> AlertTown:
    """On SQLite and on PostgreSQL."""
    return AlertTown(database)


@pytest.fixture
def small_town(nightly_database: Database) -> AlertTown:
    """On PostgreSQL by night only: where the database makes no difference."""
    return AlertTown(nightly_database)
