from __future__ import annotations

import pytest

from databases import database, empty
from fake_senders import FakeSender, Outbox
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["box", "database", "empty", "sender"]


@pytest.fixture
def box(database: Database) -> Outbox:
    return Outbox(database)


@pytest.fixture
def sender() -> FakeSender:
    return FakeSender()
