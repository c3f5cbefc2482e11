"""What earlier versions stored is shown safely: in every JSON answer, as the same document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response
from fastapi.testclient import TestClient
from sqlalchemy import insert

from api_callers import HOME, NOW, ApiWorld
from databases import fresh_database
from stadtsinn.base.foreign_text import visible
from stadtsinn.cloud.alarms.alerts.tables import incidents
from stadtsinn.cloud.publish.api.visible_answers import VisibleAnswers

HOSTILE = "Linde\x1b[2J\x7f\x9b31m\u202eedniL\u2066\u2028\u200b\U000e0041 Köln"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    yield made
    made.series.close()


def test_an_old_row_steers_no_terminal_and_is_the_same_text(world: ApiWorld) -> None:
    row = {"id": "1-1", "tenant_id": HOME, "rule_id": 1, "member": 0, "level": 1}
    row |= {"rule_name": HOSTILE, "station_name": HOSTILE, "opened_at": NOW, "opening_value": 1.0}
    with world.database.write() as connection:
        connection.execute(insert(incidents).values(**row, late=False))
    answer = world.client().get("/api/v1/incidents")
    assert answer.status_code == 200
    assert visible(answer.text) == answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    (item,) = json.loads(answer.content)["items"]
    assert item["rule_name"] == HOSTILE


@pytest.fixture
def echo() -> TestClient:
    app = FastAPI()
    app.add_middleware(VisibleAnswers)
    document = json.dumps({"name": HOSTILE}, ensure_ascii=False).encode()
    kinds = ("application/json", "application/problem+json", "application/json; charset=utf-8")

    @app.get("/json/{number}")
    def as_json(number: int) -> Response:
        return Response(document, media_type=kinds[number])

    @app.get("/model")
    def model() -> dict[str, Any]:
        return {"name": HOSTILE}

    @app.get("/text")
    def text() -> Response:
        return PlainTextResponse("\u202e")

    @app.get("/nothing", status_code=204)
    def nothing() -> Response:
        return Response(status_code=204, media_type="application/json")

    return TestClient(app)


@pytest.mark.parametrize("path", ["json/0", "json/1", "json/2", "model"])
def test_each_way_of_answering_json_is_covered(echo: TestClient, path: str) -> None:
    answer = echo.get(path)
    assert visible(answer.content.decode()) == answer.content.decode()
    assert answer.json() == {"name": HOSTILE}


def test_other_answers_stay_as_they_are(echo: TestClient) -> None:
    assert echo.get("/text").content == "\u202e".encode()
    assert echo.get("/nothing").status_code == 204


def test_an_answer_begins_once_with_its_length() -> None:
    """Whatever comes: start, body, no second start."""
    sent: list[Any] = []
    body = json.dumps(HOSTILE, ensure_ascii=False).encode()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"9")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    anyio.run(VisibleAnswers(app), {"type": "http"}, receive, send)
    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(sent[1]["body"])).encode()
