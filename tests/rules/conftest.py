"""A town whose rules can be judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from databases import fresh_database
from fake_alert_town import AlertTown


@pytest.fixture
def town(tmp_path: Path) -> AlertTown:
    return AlertTown(fresh_database(tmp_path))
