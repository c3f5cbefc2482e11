from __future__ import annotations

import pytest

from answered_town import AnsweredTown
from databases import nightly_database
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["nightly_database", "town"]


@pytest.fixture
def town(nightly_database: Database) -> AnsweredTown:
    return AnsweredTown(nightly_database)
