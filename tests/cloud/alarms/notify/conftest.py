from __future__ import annotations

import pytest

from databases import database, empty, nightly_database
from fake_senders import FakeSender, Outbox
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["box", "database", "empty", "nightly_database", "sender", "small_box"]


@pytest.fixture
def box(database: Database) -> Outbox:
    """On SQLite and on PostgreSQL."""
    return Outbox(database)


@pytest.fixture
def small_box(nightly_database: Database) -> Outbox:
    """On PostgreSQL by night only: where the database makes no difference."""
    return Outbox(nightly_database)


@pytest.fixture
def sender() -> FakeSender:
    return FakeSender()
