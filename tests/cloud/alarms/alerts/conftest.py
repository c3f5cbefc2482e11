from __future__ import annotations

import pytest

from databases import database
from fake_alert_town import AlertTown
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["database", "town"]


@pytest.fixture
def town(database: Database) -> AlertTown:
    return AlertTown(database)
