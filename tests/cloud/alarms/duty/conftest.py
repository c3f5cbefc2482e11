from __future__ import annotations

import pytest

from databases import nightly_database
from fake_alert_town import AlertTown
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["nightly_database", "town"]


@pytest.fixture
def town(nightly_database: Database) -> AlertTown:
    return AlertTown(nightly_database)
