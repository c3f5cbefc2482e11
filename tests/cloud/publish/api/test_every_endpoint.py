"""Calls every endpoint of the OpenAPI document without key and as stranger, reader and member.

The list comes from the document itself, so no new endpoint can be left out; the names of its
parameters have to be added to THEIR_OWN.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from httpx import Response
from sqlalchemy import select

from api_callers import AWAY, HOME, NOW, ApiWorld
from databases import fresh_database, fresh_postgres, shared_cluster
from every_endpoint import NOT_THERE, OF_EVERYBODY, THEIR_OWN, Call, call_of, furnish
from stadtsinn.cloud.alarms.notify.senders.repository import switch_phone
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.api.reference import operations
from stadtsinn.cloud.publish.application import DOMAIN_ROUTERS, REPORT_ROUTERS
from stadtsinn.cloud.schema import metadata

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Walk:
    """A town with everything in it, and all the calls there are."""

    world: ApiWorld
    calls: tuple[Call, ...]

    def each(self, judge: Callable[[Call], str]) -> None:
        """Fails with every call for which `judge` returns a text."""
        judged = {f"{call.method} {call.template}": judge(call) for call in self.calls}
        assert len(judged) > 30, "the document has lost its endpoints"
        assert {name: wrong for name, wrong in judged.items() if wrong} == {}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def walk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("walk")
    if request.param == "sqlite":
        yield _walk(ApiWorld(fresh_database(folder), folder))
        return
    with fresh_postgres(shared_cluster()) as database:
        yield _walk(ApiWorld(database, folder))


def _walk(world: ApiWorld) -> Walk:
    document = world.app.openapi()
    member = world.client(Role.ADMIN)
    furnish(world, HOME, THEIR_OWN)
    with world.database.write() as connection:
        switch_phone(connection, HOME, NOW)
    spare = member.post("/api/v1/keys", json={"name": "spare", "role": "reader"}).json()["id"]
    known = {**THEIR_OWN, **NOT_THERE, "key_id": spare, **OF_EVERYBODY}
    return Walk(
        world, tuple(call_of(document, known, *operation) for operation in operations(document))
    )


def _home_rows(world: ApiWorld) -> dict[str, list[Any]]:
    """Everything the member's town owns."""
    with world.database.read() as connection:
        return {
            name: sorted(
                connection.execute(select(table).where(table.c.tenant_id == HOME)).all(), key=repr
            )
            for name, table in metadata.tables.items()
            if "tenant_id" in table.c and name != "api_keys"
        }


def test_nobody_gets_in_but_where_it_says_so(walk: Walk) -> None:
    nobody = walk.world.nobody()
    walk.each(
        lambda call: (
            "" if (call.make(nobody).status_code == 401) == call.needs_key else "key or no key?"
        )
    )


def test_the_document_says_which_calls_need_a_key(walk: Walk) -> None:
    walk.each(
        lambda call: "" if (401 in call.documented) == call.needs_key else "401 is misdocumented"
    )


def test_a_stranger_finds_nothing_and_changes_nothing(walk: Walk) -> None:
    """An administrator of another town: 404 for what is named, empty lists, no side effects."""
    stranger = walk.world.client(Role.ADMIN, AWAY)
    before = _home_rows(walk.world)

    def judge(call: Call) -> str:
        if not call.needs_key:
            return ""
        answer = call.make(stranger)
        if call.names_something and answer.status_code != 404:
            return f"{answer.status_code}, not 404: {answer.text[:200]}"
        if call.method == "GET" and answer.is_success and call.template not in _SAME_FOR_ALL:
            return _leak(answer)
        return "" if answer.status_code < 500 else answer.text

    # What it creates comes last: from the same examples, it has the same names.
    calls = sorted(walk.calls, key=lambda call: call.method == "POST" and not call.names_something)
    Walk(walk.world, tuple(calls)).each(judge)
    assert _home_rows(walk.world) == before


# Answers that hold nothing of a town but the caller's own.
_SAME_FOR_ALL = {"/api/v1/device-types", "/api/v1/quantities", "/api/v1/me", "/api/v1/keys"}
_SAME_FOR_ALL |= {"/api/v1/audit", "/api/v1/retention", "/api/v1/tree-settings"}
_FOR_ADMINISTRATORS = {"/api/v1/keys", "/api/v1/audit"}


def _leak(answer: Response) -> str:
    seen = answer.json()
    items = seen.get("items", seen) if isinstance(seen, dict) else seen
    return f"sees {answer.text[:200]}" if items else ""


def test_a_reader_reads_and_writes_nothing(walk: Walk) -> None:
    reader = walk.world.client(Role.READER)
    before = _home_rows(walk.world)

    def judge(call: Call) -> str:
        if not call.needs_key:
            return ""
        status = call.make(reader).status_code
        forbidden = call.method != "GET" or call.template in _FOR_ADMINISTRATORS
        if forbidden:
            return "" if status == 403 else f"{status}, not 403"
        return "" if status in {200, 404} else f"{status}"

    walk.each(judge)
    assert _home_rows(walk.world) == before


def test_a_member_gets_an_answer_that_the_document_names(walk: Walk) -> None:
    """The last test of this file: it deletes the town at its end."""
    member = walk.world.client(Role.ADMIN)

    def judge(call: Call) -> str:
        answer = call.make(member)
        if answer.status_code not in call.documented:
            return f"{answer.status_code} is not documented: {answer.text[:300]}"
        exists = call.names_something and not any(
            f"{{{name}}}" in call.template for name in NOT_THERE
        )
        found_nothing = answer.status_code == 404 and call.needs_key
        if found_nothing and exists and call.method != "DELETE":
            return f"did not find its own: {answer.text[:200]}"
        return "" if answer.status_code < 500 else answer.text

    last = {"DELETE": 1}
    calls = sorted(walk.calls, key=lambda call: (last.get(call.method, 0), -len(call.path)))
    Walk(walk.world, tuple(calls)).each(judge)


def test_operation_ids_are_unique(tmp_path: Path) -> None:
    """Generated clients name their functions after them; FastAPI only warns of equal ones."""
    world = ApiWorld(fresh_database(tmp_path), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ids = [raw["operationId"] for _, _, raw in operations(world.app.openapi())]
    assert len(ids) == len(set(ids))


def test_no_endpoint_that_needs_a_key_hides_from_the_document() -> None:
    """Endpoints that are not in the document would not be tested."""
    hidden = [
        route.path
        for router in (*DOMAIN_ROUTERS, *REPORT_ROUTERS)
        for route in router.routes
        if isinstance(route, APIRoute) and not route.include_in_schema
    ]
    assert hidden == []


def test_every_operation_says_what_it_does_in_both_languages(tmp_path: Path) -> None:
    world = ApiWorld(fresh_database(tmp_path), tmp_path)
    document = world.app.openapi()
    known_tags = {tag["name"] for tag in document["tags"]}
    for path, method, raw in operations(document):
        assert " · " in raw["summary"], f"{method} {path}: 'English · Deutsch'"
        assert set(raw["tags"]) <= known_tags, f"{method} {path}: describe its tag in document.py"
