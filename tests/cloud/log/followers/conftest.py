"""Followers on both databases."""

from __future__ import annotations

import pytest

from databases import add_tenant
from databases import database as empty_database  # noqa: F401 (a fixture)
from stadtsinn.cloud.platform.database.engine import Database


@pytest.fixture
def database(empty_database: Database) -> Database:  # noqa: F811
    """With one town."""
    add_tenant(empty_database)
    return empty_database
