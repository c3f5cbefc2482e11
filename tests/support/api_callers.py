"""An application with two towns, and callers with their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from databases import add_tenant
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import parse
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.access.service import authenticate, create_key
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.publish.application import create_app
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.stations.kinds import KINDS as STATION_KINDS
from stadtsinn.rules.kinds.registry import KINDS as RULE_KINDS

NOW = parse("2026-09-26T10:00:00+00:00")
HOME = "musterstadt"
AWAY = "nebenan"
_documents: dict[tuple[str, ...], dict[str, Any]] = {}


@dataclass
class ApiWorld:
    """A running API; `client(...)` makes a caller."""

    database: Database
    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    series: SeriesStore = field(init=False)
    archive: Archive = field(init=False)
    app: FastAPI = field(init=False)
    new: bool = True
    """Whether its towns are still to be made."""

    def __post_init__(self) -> None:
        for tenant in (HOME, AWAY) if self.new else ():
            add_tenant(self.database, tenant)
        self.series = open_store(f"sqlite:///{self.folder / 'series.sqlite'}")
        self.archive = Archive(self.folder / "archive")
        self.app = create_app(Services(self.database, self.clock), self.series, self.archive)
        self._share_document()

    def _share_document(self) -> None:
        """The document is made once for all that have the same kinds: it takes a second."""
        make, kinds = self.app.openapi, (*RULE_KINDS, *STATION_KINDS)

        def openapi() -> dict[str, Any]:
            if kinds not in _documents:
                _documents[kinds] = make()
            return _documents[kinds]

        self.app.openapi = openapi  # type: ignore[method-assign]

    def token(self, role: Role = Role.ADMIN, tenant: str = HOME) -> str:
        return create_key(self.database, tenant, f"test {role}", role, self.clock.now())[1]

    def scope(self, role: Role = Role.ADMIN, tenant: str = HOME) -> Scope:
        return authenticate(self.database, self.token(role, tenant), self.clock.now())

    def client(self, role: Role = Role.ADMIN, tenant: str = HOME) -> TestClient:
        """A caller with a key of this role and town."""
        return self._client({"Authorization": f"Bearer {self.token(role, tenant)}"})

    def nobody(self) -> TestClient:
        return self._client({})

    def _client(self, headers: dict[str, str]) -> TestClient:
        return TestClient(self.app, raise_server_exceptions=False, headers=headers)


def refused(caller: TestClient, path: str, body: dict[str, Any], status: int) -> str:
    """The text with which a POST is refused."""
    answer = caller.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def each_counts_the_revision_up(
    world: ApiWorld, caller: TestClient, calls: Iterable[tuple[str, str, object]]
) -> None:
    """Carry out the calls (method, path, body): caches must see each of the changes."""
    revision = DirectoryCache(world.database).current().revision
    for method, path, body in calls:
        answer = caller.request(method, f"/api/v1/{path}", json=body)
        assert answer.is_success, (method, path, answer.text)
        now = DirectoryCache(world.database).current().revision
        assert now > revision, (method, path)
        revision = now


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[ApiWorld]:
    """Import it in a conftest.py beside the fixture `database`."""
    made = ApiWorld(database, tmp_path)
    yield made
    made.series.close()
