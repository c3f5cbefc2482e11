"""Which zones and gates the registry accepts, and what it refuses with which text."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Table, func, insert, select

from api_callers import AWAY, HOME, ApiWorld, refused
from counted import write_transactions
from stadtsinn.cloud.domains.crowd.tables import gate_counts, zone_corrections, zone_samples
from stadtsinn.cloud.domains.crowd.zones import service
from stadtsinn.cloud.domains.crowd.zones.tables import gates, zones
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.database.engine import Database

EUI = "24e124600c124993"
COUNTER = {"dev_eui": EUI, "device_type": "milesight/vs133", "name": "Tor", "interval_s": 60}
GATE = {"slug": "tor", "name": "Tor", "station": "tor", "channel": "line_1"}


@pytest.fixture
def editor(world: ApiWorld) -> TestClient:
    return world.client(Role.EDITOR)


def test_a_gate_needs_a_station_of_the_same_town_that_counts_people(world: ApiWorld) -> None:
    home, away = world.client(Role.EDITOR), world.client(Role.EDITOR, AWAY)
    home.post("/api/v1/devices", json=COUNTER)
    tree = {"dev_eui": "0" * 15 + "1", "device_type": "dragino/lse01", "name": "Linde"}
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


def test_years_of_counts_go_a_few_at_a_time(
    world: ApiWorld, editor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the counts, then the gate with the last of them; of a zone its samples."""
    monkeypatch.setattr(service, "FORGOTTEN_AT_ONCE", 4)
    monkeypatch.setattr(Database, "let_others_write", lambda _: None)
    station = {"slug": "tor", "name": "Tor", "kind": "gate"}
    editor.post("/api/v1/stations", json=station)
    for slug in ("markt", "platz"):
        editor.post("/api/v1/zones", json={"slug": slug, "name": slug.title()})
        editor.post(f"/api/v1/zones/{slug}/gates", json=GATE)
    with world.database.write() as connection:
        for (gate_id,) in connection.execute(select(gates.c.id)).all():
            connection.execute(insert(gate_counts), [_count(gate_id, n) for n in range(20)])
        for (zone_id,) in connection.execute(select(zones.c.id)).all():
            connection.execute(insert(zone_samples), [_sample(zone_id, n) for n in range(10)])
            connection.execute(insert(zone_corrections), [_clamp(zone_id, n) for n in range(6)])
    with write_transactions(world.database) as found:
        assert editor.delete("/api/v1/zones/markt/gates/tor").status_code == 204
    assert sum("DELETE FROM gate_counts" in text for one in found for text in one.texts) == 6
    assert _rows(world, gate_counts) == 20, "of the other zone"
    with write_transactions(world.database) as found:
        assert editor.delete("/api/v1/zones/markt").status_code == 204
    assert sum("DELETE FROM zone_samples" in text for one in found for text in one.texts) == 4
    assert (_rows(world, zone_samples), _rows(world, zone_corrections)) == (10, 6)
    rule = {"slug": "voll", "name": "Voll", "zone": "platz", "on": 9, "off": 8}
    editor.delete("/api/v1/zones/platz/gates/tor")
    assert editor.post("/api/v1/rules", json=rule).status_code == 201
    answer = editor.delete("/api/v1/zones/platz")
    assert answer.status_code == 409
    assert "used by rules" in answer.json()["detail"]
    assert _rows(world, zone_samples) == 10, "what cannot be deleted keeps its history"


def _rows(world: ApiWorld, table: Table) -> int:
    with world.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def _count(gate_id: int, number: int) -> dict[str, Any]:
    return {
        "gate_id": gate_id,
        "direction": number % 2,
        "event_time": number,
        "dev_eui": EUI,
        "dev_addr": "01020304",
        "generation": 0,
        "f_cnt": number,
        "delta": 1,
        "counted": number,
        "doubt": 0,
        "flag": "",
    }


def _sample(zone_id: int, number: int) -> dict[str, Any]:
    return {
        "tenant_id": HOME,
        "zone_id": zone_id,
        "event_time": number,
        "occupancy": 1,
        "low": 1,
        "high": 1,
        "degraded": False,
        "reported_at": number,
    }


def _clamp(zone_id: int, number: int) -> dict[str, Any]:
    return {
        "tenant_id": HOME,
        "zone_id": zone_id,
        "event_time": number,
        "kind": "clamp",
        "amount": 1.0,
        "created_at": number,
    }


def test_a_gate_stays_when_its_device_goes(editor: TestClient) -> None:
    """The station that the device had for itself stays too, although nothing was measured."""
    editor.post("/api/v1/devices", json=COUNTER)
    editor.post("/api/v1/zones", json={"slug": "markt", "name": "Markt"})
    editor.post("/api/v1/zones/markt/gates", json=GATE)
    assert editor.delete(f"/api/v1/devices/{EUI}").status_code == 204
    (gate,) = editor.get("/api/v1/zones/markt/gates").json()["items"]
    assert gate["station"] == "tor"
    assert editor.get("/api/v1/stations/tor").status_code == 200
