"""Which zones and gates the registry accepts, and what it refuses with which text."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api_callers import AWAY, ApiWorld
from stadtsinn.cloud.platform.access.scope import Role

EUI = "24e124600c124993"
COUNTER = {"dev_eui": EUI, "device_type": "milesight/vs133", "name": "Tor", "interval_s": 60}


@pytest.fixture
def editor(world: ApiWorld) -> TestClient:
    return world.client(Role.EDITOR)


def _refused(caller: TestClient, path: str, body: dict[str, Any], status: int) -> str:
    answer = caller.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def test_a_gate_needs_a_people_counter_of_the_same_town(world: ApiWorld) -> None:
    home, away = world.client(Role.EDITOR), world.client(Role.EDITOR, AWAY)
    home.post("/api/v1/devices", json=COUNTER)
    tree = {"dev_eui": "0" * 16, "device_type": "dragino/lse01", "name": "Linde"}
    home.post("/api/v1/devices", json=tree)
    for caller in (home, away):
        caller.post("/api/v1/zones", json={"slug": "markt", "name": "Markt"})
    gate = {"slug": "tor", "name": "Tor", "dev_eui": EUI, "channel": "line_1"}
    assert "no device" in _refused(away, "zones/markt/gates", gate, 422)
    assert "no people" in _refused(home, "zones/markt/gates", gate | {"dev_eui": "0" * 16}, 422)
    assert "no zone" in _refused(home, "zones/kirmes/gates", gate, 404)
    assert home.post("/api/v1/zones/markt/gates", json=gate).status_code == 201


def test_one_line_of_a_device_counts_once_in_a_zone(editor: TestClient) -> None:
    editor.post("/api/v1/devices", json=COUNTER)
    editor.post("/api/v1/zones", json={"slug": "markt", "name": "Markt"})
    gate = {"slug": "tor", "name": "Tor", "dev_eui": EUI, "channel": "line_1"}
    assert editor.post("/api/v1/zones/markt/gates", json=gate).status_code == 201
    twice = _refused(editor, "zones/markt/gates", gate | {"slug": "noch-ein-tor"}, 409)
    assert "twice" in twice
    other = gate | {"slug": "zweites-tor", "channel": "line_2"}
    assert editor.post("/api/v1/zones/markt/gates", json=other).status_code == 201


def test_what_is_in_use_is_not_deleted(editor: TestClient) -> None:
    editor.post("/api/v1/sites", json={"slug": "platz", "name": "Platz"})
    editor.post("/api/v1/devices", json=COUNTER | {"site": "platz"})
    editor.post("/api/v1/zones", json={"slug": "markt", "name": "Markt", "site": "platz"})
    gate = {"slug": "tor", "name": "Tor", "dev_eui": EUI, "channel": "line_1"}
    editor.post("/api/v1/zones/markt/gates", json=gate)
    for path, hint in [
        (f"devices/{EUI}", "zones/markt/gates/tor"),
        ("zones/markt", "tor"),
        ("sites/platz", "still refers"),
    ]:
        answer = editor.delete(f"/api/v1/{path}")
        assert answer.status_code == 409, path
        assert hint in answer.json()["detail"]
    for path in ("zones/markt/gates/tor", f"devices/{EUI}", "zones/markt", "sites/platz"):
        assert editor.delete(f"/api/v1/{path}").status_code == 204, path
