"""Every parameter and every field of every endpoint gets what breaks programs: no 500, ever.

The list comes from the OpenAPI document, so a new endpoint is tried as well.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from api_callers import ApiWorld
from by_night import InTurn, others_by_night
from databases import fresh_database
from stadtsinn.base.foreign_text import visible
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.api.reference import body_example, operations

pytestmark = pytest.mark.slow

INTEGERS = ("9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" * 5_000)
TIMES = (
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31",
    "0001-01-01",
    "1970-01-01",
    "1970-01-01T00:00:00+00:00",
    "2255-03-14T00:00:00+00:00",
    "2026-10-25T02:30:00",
)
TEXTS = ("a\x00b", "\ud800", "\u202e'%", "x" * 10_000)
IN_ADDRESSES = (*INTEGERS[1:3], *TIMES[:3], "1" * 5_000, "a\x00b", "NaN", "")
IN_BODIES: tuple[object, ...] = (
    *TEXTS,
    *TIMES[:3],
    int(INTEGERS[1]),
    int(INTEGERS[2]),
    10**400,
    -1e308,
    float("nan"),
    None,
    [[]],
    {"\ud800": 1},
)
STEERING = ("\x1b[2J", "\x9b", "\x7f", "\n", "\u202e", "\u2066", "\u200f", "\u2028", "\u200b")
BROKEN = {
    "deep": b"[" * 500_000,
    "deep objects": b'{"a":' * 100_000,
    "long number": b'{"slug": ' + b"9" * 5_000 + b"}",
    "no text": b'{"slug": "\xff\xfe"}',
    "surrogate key": b'{"\\ud800": 1}',
    "bare NaN": b"NaN",
    "empty": b"",
    "no JSON": b"{",
}
FILLED: dict[str, Any] = {
    "dev_eui": "70b3d57ed0001234",
    "quantity": "temperature",
    "provider": "kannel",
    "token": "x" * 32,
    "deployment": 1,
    "key_id": 999,
    "row_id": 1,
    "incident": "1-1",
}
"""Parameters of paths that are no short name."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ApiWorld:
    folder = tmp_path_factory.mktemp("hostile")
    return _town(ApiWorld(fresh_database(folder), folder))


def _town(world: ApiWorld) -> ApiWorld:
    """Things for the endpoints to work on; all are called `a`."""
    editor = world.client(Role.EDITOR)
    document = world.app.openapi()
    for path in ("sites", "stations", "zones", "recipients"):
        template = f"/api/v1/{path}"
        body = body_example(document, document["paths"][template]["post"])
        body = {key: value for key, value in body.items() if key != "site"} | {"slug": "a"}
        answer = editor.post(template, json=body)
        assert answer.status_code == 201, answer.text
    return world


@pytest.fixture(params=others_by_night([Role.READER, Role.EDITOR], [Role.EDITOR]))
def caller(world: ApiWorld, request: pytest.FixtureRequest) -> TestClient:
    return world.client(request.param)


def wrong(answer: Response) -> str:
    """Why an answer is not a clean one; empty if it is."""
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    kind = answer.headers.get("content-type", "")
    if answer.is_client_error and kind.startswith("application/") and "problem" not in kind:
        return f"{answer.status_code} without a problem document: {kind}"
    return ""


@pytest.fixture
def in_turn(request: pytest.FixtureRequest) -> InTurn:
    return InTurn(request.config)


def test_no_parameter_breaks_an_endpoint(
    world: ApiWorld, caller: TestClient, in_turn: InTurn
) -> None:
    found = {}
    for path, method, raw in operations(world.app.openapi()):
        if method != "get" and "requestBody" in raw:
            continue
        for parameter in raw.get("parameters", ()):
            for value in in_turn(IN_ADDRESSES):
                names = {p["name"]: FILLED.get(p["name"], "a") for p in raw["parameters"]}
                names[parameter["name"]] = quote(value, safe="")
                url = path.format(**names)
                if parameter["in"] == "query":
                    url = f"{url}?{parameter['name']}={names[parameter['name']]}"
                answer = caller.request(method.upper(), url)
                if fault := wrong(answer):
                    found[f"{method} {path} {parameter['name']}={value[:40]!r}"] = fault
    assert found == {}


def _with_one_changed(body: Any, in_turn: InTurn) -> Iterator[tuple[str, Any]]:
    """The body with one of its values replaced by hostile ones."""
    if isinstance(body, dict):
        for key in body:
            for value in in_turn(IN_BODIES):
                yield f"{key}={value!r:.40}", {**copy.deepcopy(body), key: value}
            for name, inner in _with_one_changed(body[key], in_turn):
                yield f"{key}.{name}", {**copy.deepcopy(body), key: inner}
    elif isinstance(body, list) and body:
        for name, inner in _with_one_changed(body[0], in_turn):
            yield f"0.{name}", [inner, *body[1:]]


def _filled(path: str, raw: Any) -> str:
    names = {p["name"]: FILLED.get(p["name"], "a") for p in raw.get("parameters", ())}
    return path.format(**names)


def test_no_field_of_a_body_breaks_an_endpoint(world: ApiWorld, in_turn: InTurn) -> None:
    caller = world.client(Role.EDITOR)
    document = world.app.openapi()
    found = {}
    for path, method, raw in operations(document):
        if "requestBody" not in raw:
            continue
        example = body_example(document, raw)
        for name, body in _with_one_changed(example, in_turn):
            answer = caller.request(
                method.upper(),
                _filled(path, raw),
                content=json.dumps(body).encode(),
                headers={"Content-Type": "application/json"},
            )
            if fault := wrong(answer):
                found[f"{method} {path} {name}"] = fault
    assert found == {}


def _with_steering_text(body: Any, in_turn: InTurn) -> Iterator[tuple[str, Any]]:
    """The body with unsafe characters inside each of its texts, and of its keys."""
    if isinstance(body, str):
        for sign in in_turn(STEERING):
            yield repr(sign), body[:1] + sign + body[1:]
    elif isinstance(body, dict):
        for key, value in body.items():
            for name, inner in _with_steering_text(value, in_turn):
                yield f"{key}.{name}", {**body, key: inner}
            yield f"key {key}", {**body, f"{key}\u202e": value}
    elif isinstance(body, list):
        for at, value in enumerate(body):
            for name, inner in _with_steering_text(value, in_turn):
                yield f"{at}.{name}", [*body[:at], inner, *body[at + 1 :]]


def _with_more_text(document: Any, raw: Any, example: Any) -> Iterator[tuple[str, Any]]:
    """The example with each text that it lacks, which steers."""
    schema = raw["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for key, field in schema.get("properties", {}).items():
        kinds = [field, *field.get("anyOf", ())]
        if key not in example and any(kind.get("type") == "string" for kind in kinds):
            yield f"more {key}", {**example, key: "a\u202eb"}


def test_no_text_that_steers_a_terminal_or_a_page_is_taken(
    world: ApiWorld, in_turn: InTurn
) -> None:
    """It is refused; of a telephone number only the digits are kept."""
    caller = world.client(Role.ADMIN)
    document = world.app.openapi()
    taken, raw_in_answer, tried = [], [], 0
    for path, method, raw in operations(document):
        if "requestBody" not in raw or "delivery-reports" in path:
            continue
        example = body_example(document, raw)
        bodies = (*_with_steering_text(example, in_turn), *_with_more_text(document, raw, example))
        for name, body in bodies:
            tried += 1
            answer = caller.request(method.upper(), _filled(path, raw), json=body)
            if answer.status_code not in {404, 422} and not name.startswith("address"):
                taken.append(f"{method} {path} {name}: {answer.status_code}")
            text = json.dumps(answer.json(), ensure_ascii=False)
            if visible(text, lines=True) != text:
                raw_in_answer.append(f"{method} {path} {name}")
    assert tried > 300
    assert (taken, raw_in_answer) == ([], [])


def test_a_refused_text_is_told_its_character_and_place(world: ApiWorld) -> None:
    answer = world.client(Role.EDITOR).post("/api/v1/sites", json={"slug": "b", "name": "a\u202e"})
    assert answer.status_code == 422
    assert "character 2 is U+202E (right-to-left override)" in answer.json()["detail"]


@pytest.mark.parametrize("kind", BROKEN)
def test_no_body_breaks_an_endpoint(world: ApiWorld, kind: str) -> None:
    caller = world.client(Role.EDITOR)
    found = {}
    for path, method, raw in operations(world.app.openapi()):
        if method == "get":
            continue
        answer = caller.request(
            method.upper(),
            _filled(path, raw),
            content=BROKEN[kind],
            headers={"Content-Type": "application/json"},
        )
        if fault := wrong(answer):
            found[f"{method} {path}"] = fault
    assert found == {}


def test_the_world_is_still_there(world: ApiWorld, tmp_path: Path) -> None:
    """After all of it the town can be read."""
    assert world.client(Role.READER).get("/api/v1/zones").status_code == 200
