from __future__ import annotations

import pytest

from answered_town import AnsweredTown
from databases import database
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["database", "town"]


@pytest.fixture
def town(database: Database) -> AnsweredTown:
    return AnsweredTown(database)
