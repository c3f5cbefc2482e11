"""A rule editor tries a rule over the past."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from api_callers import AWAY, HOME, NOW, ApiWorld, refused
from databases import database
from stadtsinn.base.berlin import isoformat
from stadtsinn.base.instant import DAY, MINUTE, Instant
from stadtsinn.cloud.alarms.backtest import endpoints
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import Point, SeriesKey

__all__ = ["database"]

DEVICE = "a84041b42182fec7"
START = Instant(NOW - DAY)
RULE: dict[str, Any] = {
    "slug": "trocken",
    "name": "Trocken",
    "station": "linde",
    "quantity": "soil_moisture",
    "direction": "below",
    "on": 15,
    "off": 20,
    "recipients": ["amt"],
}
VALUES = [30.0, 10, 30, 30, 10, 10, 30]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(database, tmp_path)
    editor = made.client(Role.EDITOR)
    device = {"dev_eui": DEVICE, "device_type": "dragino/lse01", "name": "x"}
    amt = {"slug": "amt", "name": "Amt", "address": "+49 170 1234567"}
    assert editor.post("/api/v1/stations", json={"slug": "linde", "name": "Linde"}).is_success
    assert editor.post("/api/v1/devices", json=device).is_success
    assert editor.post("/api/v1/recipients", json=amt).is_success
    key = SeriesKey("linde", "soil_moisture")
    made.series.write(
        Point(HOME, "soil", key, Instant(START + number * 10 * MINUTE), value, dev_eui=DEVICE)
        for number, value in enumerate(VALUES)
    )
    yield made
    made.series.close()


def body(**other: Any) -> dict[str, Any]:
    return {"rule": RULE, "start": isoformat(START), "end": isoformat(NOW), **other}


@pytest.mark.slow
def test_a_rule_is_tried_and_nothing_is_changed(world: ApiWorld) -> None:
    caller = world.client(Role.EDITOR)
    event = {"start": isoformat(START), "end": isoformat(START + 15 * MINUTE), "label": "trocken"}
    answer = caller.post(
        "/api/v1/rules/backtest",
        json=body(labels=[event], grid={"limits": [5], "holds": [900]}, svg=True),
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["alarms"] == 2
    assert [one["kind"] for one in found["messages"]] == ["ALARM", "ALL_CLEAR"] * 2
    assert found["messages"][0]["to"] == [{"recipient": "amt", "group": None, "waits_until": None}]
    assert found["score"] == {"events": 1, "met": 1, "missed": [], "false_alarms": 1}
    assert len(found["cells"]) == 4
    assert found["svg"].startswith("<svg")
    assert caller.get("/api/v1/rules").json()["items"] == []
    assert caller.get("/api/v1/incidents").json()["items"] == []
    # What is no longer right is said as for a rule that is made.
    assert "linda" in refused(
        caller, "rules/backtest", body(rule={**RULE, "station": "linda"}), 422
    )
    assert "amd" in refused(
        caller, "rules/backtest", body(rule={**RULE, "recipients": ["amd"]}), 422
    )
    joined = {**RULE, "kind": "difference", "direction": "above", "on": 30, "off": 20}
    joined["minus"] = {"channel": "60"}
    answer = caller.post("/api/v1/rules/backtest", json=body(rule=joined))
    assert (answer.status_code, answer.json()["incidents"]) == (200, [])
    # Another town sees nothing of it, and a reader may not let the server compute.
    stranger = world.client(Role.EDITOR, AWAY)
    assert "linde" in refused(stranger, "rules/backtest", body(), 422)
    refused(world.client(Role.READER), "rules/backtest", body(), 403)
    assert world.nobody().post("/api/v1/rules/backtest", json=body()).status_code == 401


@pytest.mark.slow
def test_it_is_bounded_and_one_at_a_time(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = world.client(Role.EDITOR)
    grid = {"limits": list(range(6)), "holds": list(range(0, 600, 100))}
    assert "fewer" in refused(caller, "rules/backtest", body(grid=grid), 422)
    long_ago = isoformat(NOW - 20_000 * DAY)
    assert "query_days" in refused(caller, "rules/backtest", body(start=long_ago), 422)
    with endpoints.turns.one(HOME):
        assert "running" in refused(caller, "rules/backtest", body(), 429)
    monkeypatch.setattr(endpoints, "MOST_JUDGED", 2)
    assert "too much" in refused(caller, "rules/backtest", body(), 422)
    monkeypatch.setattr(endpoints, "MOST_JUDGED", 100)
    monkeypatch.setattr(endpoints, "MOST_HAPPENED", 5)  # two alarms: begun, told, ended
    assert "too much" in refused(caller, "rules/backtest", body(), 422)
    monkeypatch.setattr(endpoints, "MOST_HAPPENED", 6)
    endless = json.dumps(body(grid={"limits": [inf, nan]}))
    assert caller.post("/api/v1/rules/backtest", content=endless).status_code == 422
    monkeypatch.setattr(endpoints, "MOST_VALUES", 3)
    found = caller.post("/api/v1/rules/backtest", json=body(language="en")).json()
    assert found["values"] == 3
    assert found["notes"] == ["of linde more is there than is judged here; judged values: 3", NOTE]


NOTE = "nearly every value might have changed something, so each was judged by itself"
