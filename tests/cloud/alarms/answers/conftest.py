from __future__ import annotations

from pathlib import Path

import pytest

from answered_town import AnsweredTown
from databases import fresh_database


@pytest.fixture
def town(tmp_path: Path) -> AnsweredTown:
    return AnsweredTown(fresh_database(tmp_path))
