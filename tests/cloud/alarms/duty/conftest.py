from __future__ import annotations

from pathlib import Path

import pytest

from databases import fresh_database
from fake_alert_town import AlertTown


@pytest.fixture
def town(tmp_path: Path) -> AlertTown:
    """On SQLite: no statement here is written for one of the two databases."""
    return AlertTown(fresh_database(tmp_path))
