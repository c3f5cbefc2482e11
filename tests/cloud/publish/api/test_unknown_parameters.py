"""A parameter that an address does not know is refused by name, wherever a key is asked for.

The addresses come from the OpenAPI document, so no new endpoint can be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api_callers import HOME, ApiWorld
from databases import fresh_database
from stadtsinn.cloud.publish.api.reference import operations

NAMES = dict.fromkeys(
    ("site", "station", "edge", "zone", "gate", "recipient", "rule", "quantity"), "x"
)
NAMES |= {"dev_eui": "70b3d57ed0001234", "incident": "1-1"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    folder = tmp_path_factory.mktemp("parameters")
    made = ApiWorld(fresh_database(folder), folder)
    yield made
    made.series.close()


@pytest.fixture(scope="module")
def caller(world: ApiWorld) -> TestClient:
    return world.client()


def _address(path: str, raw: Mapping[str, Any]) -> str:
    names = [one["name"] for one in raw.get("parameters", ()) if one["in"] == "path"]
    return path.format(**{name: NAMES.get(name, "1") for name in names})


def _known(raw: Mapping[str, Any]) -> list[str]:
    return sorted(one["name"] for one in raw.get("parameters", ()) if one["in"] == "query")


@pytest.mark.slow
def test_every_address_with_a_key_refuses_what_it_does_not_know_and_says_what_it_knows(
    world: ApiWorld, caller: TestClient
) -> None:
    tried = 0
    for path, method, raw in operations(world.app.openapi()):
        if not raw.get("security"):
            continue
        url = f"{_address(path, raw)}?nonsense=secret-value"
        answer = caller.request(method.upper(), url, json={})
        assert answer.status_code == 422, (method, path, answer.text)
        errors = [one for one in answer.json()["errors"] if one["where"] == "query.nonsense"]
        known = _known(raw)
        has = f"It has: {', '.join(known)}." if known else "It has none."
        assert errors[0]["message"].endswith(has), (method, path)
        assert "secret-value" not in answer.text
        tried += 1
    assert tried > 60


def test_who_has_no_key_hears_that_first(world: ApiWorld) -> None:
    assert world.nobody().get("/api/v1/zones?nonsense=1").status_code == 401


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("messages?limt=5", "'limit'"),
        ("devices?Site=park", "'site'"),
        ("zones?curser=x", "'cursor'"),
    ],
)
def test_a_misspelt_one_is_answered_with_what_was_meant(
    caller: TestClient, asked: str, near: str
) -> None:
    answer = caller.get(f"/api/v1/{asked}")
    assert answer.status_code == 422
    assert f"Did you mean {near}" in answer.json()["detail"]


@pytest.mark.parametrize("asked", ["messages", "incidents"])
def test_a_table_where_there_is_none_is_refused(caller: TestClient, asked: str) -> None:
    answer = caller.get(f"/api/v1/{asked}?format=csv")
    assert answer.status_code == 422
    assert "query.format: this address has no such parameter" in answer.json()["detail"]


def test_what_is_unknown_is_shown_safely_and_in_bounds(caller: TestClient) -> None:
    asked = "&".join(f"x%E2%80%AE{n}{'y' * 2000}=1" for n in range(20))
    answer = caller.get(f"/api/v1/zones?{asked}")
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 10
    assert "\u202e" not in answer.text
    assert len(answer.content) < 5_000


@pytest.mark.parametrize(
    "page", ["/", f"/{HOME}/zaehler", "/api/v1/docs", "/api/v1/openapi.json", "/healthz"]
)
def test_pages_for_everybody_take_any(world: ApiWorld, page: str) -> None:
    plain, tracked = (world.nobody().get(page + more) for more in ("", "?utm_source=x&fbclid=y"))
    assert plain.status_code != 422
    assert tracked.status_code == plain.status_code


def test_a_provider_may_send_any_with_its_report(world: ApiWorld) -> None:
    address = f"/api/v1/notify/delivery-reports/kannel/{'t' * 43}"
    plain, more = (world.nobody().get(address + one) for one in ("", "?smsc=x&anything=y"))
    assert more.status_code == plain.status_code
