"""Which zones and gates the registry accepts, and what it refuses with which text."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from api_callers import AWAY, ApiWorld, refused
from stadtsinn.cloud.platform.access.scope import Role

EUI = "24e124600c124993"
COUNTER = {"dev_eui": EUI, "device_type": "milesight/vs133", "name": "Tor", "interval_s": 60}
GATE = {"slug": "tor", "name": "Tor", "station": "tor", "channel": "line_1"}


@pytest.fixture
def editor(world: ApiWorld) -> TestClient:
    return world.client(Role.EDITOR)


def test_a_gate_needs_a_station_of_the_same_town_that_counts_people(world: ApiWorld) -> None:
    home, away = world.client(Role.EDITOR), world.client(Role.EDITOR, AWAY)
    home.post("/api/v1/devices", json=COUNTER)
    tree = {"dev_eui": "0" * 16, "device_type": "dragino/lse01", "name": "Linde"}
    home.post("/api/v1/devices", json=tree)
    for slug, kind in (("kirchgasse", "gate"), ("teich", "lake")):
        station = {"slug": slug, "name": slug.title(), "kind": kind}
        assert home.post("/api/v1/stations", json=station).status_code == 201
    for caller in (home, away):
        caller.post("/api/v1/zones", json={"slug": "markt", "name": "Markt"})
    assert "no station 'tor'" in refused(away, "zones/markt/gates", GATE, 422)
    for silent in ("linde", "teich"):
        text = refused(home, "zones/markt/gates", GATE | {"station": silent}, 422)
        assert "no people" in text
    assert "no zone" in refused(home, "zones/kirmes/gates", GATE, 404)
    assert home.post("/api/v1/zones/markt/gates", json=GATE).status_code == 201
    planned = GATE | {"slug": "kirchgasse", "station": "kirchgasse"}
    assert home.post("/api/v1/zones/markt/gates", json=planned).status_code == 201


def test_one_line_of_a_station_counts_once_in_a_zone(editor: TestClient) -> None:
    editor.post("/api/v1/devices", json=COUNTER)
    editor.post("/api/v1/zones", json={"slug": "markt", "name": "Markt"})
    assert editor.post("/api/v1/zones/markt/gates", json=GATE).status_code == 201
    twice = refused(editor, "zones/markt/gates", GATE | {"slug": "noch-ein-tor"}, 409)
    assert "twice" in twice
    other = GATE | {"slug": "zweites-tor", "channel": "line_2"}
    assert editor.post("/api/v1/zones/markt/gates", json=other).status_code == 201


def test_what_is_in_use_is_not_deleted(editor: TestClient) -> None:
    editor.post("/api/v1/sites", json={"slug": "platz", "name": "Platz"})
    station = {"slug": "tor", "name": "Tor", "kind": "gate", "site": "platz"}
    editor.post("/api/v1/stations", json=station)
    editor.post("/api/v1/zones", json={"slug": "markt", "name": "Markt", "site": "platz"})
    editor.post("/api/v1/zones/markt/gates", json=GATE)
    for path, hint in [
        ("stations/tor", "used by gates"),
        ("zones/markt", "tor"),
        ("sites/platz", "still refers"),
    ]:
        answer = editor.delete(f"/api/v1/{path}")
        assert answer.status_code == 409, path
        assert hint in answer.json()["detail"]
    for path in ("zones/markt/gates/tor", "stations/tor", "zones/markt", "sites/platz"):
        assert editor.delete(f"/api/v1/{path}").status_code == 204, path


def test_a_gate_stays_when_its_device_goes(editor: TestClient) -> None:
    """The station that the device had for itself stays too, although nothing was measured."""
    editor.post("/api/v1/devices", json=COUNTER)
    editor.post("/api/v1/zones", json={"slug": "markt", "name": "Markt"})
    editor.post("/api/v1/zones/markt/gates", json=GATE)
    assert editor.delete(f"/api/v1/devices/{EUI}").status_code == 204
    (gate,) = editor.get("/api/v1/zones/markt/gates").json()["items"]
    assert gate["station"] == "tor"
    assert editor.get("/api/v1/stations/tor").status_code == 200
