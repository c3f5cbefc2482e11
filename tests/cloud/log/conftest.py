"""The log on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from databases import add_tenant
from databases import database as empty_database  # noqa: F401 (a fixture)
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.platform.database.engine import Database


@pytest.fixture
def database(empty_database: Database) -> Database:  # noqa: F811
    """With one town."""
    add_tenant(empty_database)
    return empty_database


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Files in a folder that is not there yet."""
    return Archive(tmp_path / "archive")
