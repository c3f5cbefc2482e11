"""Followers on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import add_tenant, fresh_database, fresh_postgres
from real_parts import postgres_cluster
from stadtsinn.cloud.database.engine import Database


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_cluster(tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        opened = fresh_database(tmp_path)
        add_tenant(opened)
        yield opened
        opened.dispose()
    else:
        with fresh_postgres(request.getfixturevalue("cluster")) as opened:
            add_tenant(opened)
            yield opened
