from __future__ import annotations

from pathlib import Path

import pytest

from databases import database, empty, fresh_database
from fake_senders import FakeSender, Outbox
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["box", "database", "empty", "sender", "small_box"]


@pytest.fixture
def box(database: Database) -> Outbox:
    """On SQLite and on PostgreSQL."""
    return Outbox(database)


@pytest.fixture
def small_box(tmp_path: Path) -> Outbox:
    """On SQLite, where the database makes no difference."""
    return Outbox(fresh_database(tmp_path))


@pytest.fixture
def sender() -> FakeSender:
    return FakeSender()
