"""Stations and deployments over the API: what is accepted, and what is refused with which text."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api_callers import ApiWorld
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.town.stations.kinds import KINDS

pytestmark = pytest.mark.slow

EUI, NEXT = "70b3d57ed0000001", "70b3d57ed0000002"
SOIL = {"device_type": "dragino/lse01", "interval_s": 1200}


@pytest.fixture
def editor(world: ApiWorld) -> TestClient:
    return world.client(Role.EDITOR)


def register(caller: TestClient, dev_eui: str, name: str) -> None:
    answer = caller.post("/api/v1/devices", json={**SOIL, "dev_eui": dev_eui, "name": name})
    assert answer.status_code == 201, answer.text


def made(caller: TestClient, path: str, **body: Any) -> dict[str, Any]:
    answer = caller.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def refused(caller: TestClient, path: str, status: int, **body: Any) -> str:
    answer = caller.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


def deployments(caller: TestClient, **only: str) -> list[dict[str, Any]]:
    return list(caller.get("/api/v1/deployments", params=only).json()["items"])


def test_a_device_registered_without_a_station_gets_one_of_its_name(editor: TestClient) -> None:
    """Registering a device does not require stations to be known."""
    register(editor, EUI, "Linde am Weiß-Platz")
    station = editor.get("/api/v1/stations/linde-am-weiss-platz").json()
    assert (station["name"], station["kind"]) == ("Linde am Weiß-Platz", "soil")
    (deployment,) = deployments(editor)
    assert (deployment["dev_eui"], deployment["start"], deployment["end"]) == (EUI, None, None)


def test_two_devices_of_one_name_get_two_stations(editor: TestClient) -> None:
    register(editor, EUI, "Linde")
    register(editor, NEXT, "Linde")
    slugs = [one["slug"] for one in editor.get("/api/v1/stations").json()["items"]]
    assert slugs == ["linde", "linde-000002"]


def test_a_device_that_never_measured_leaves_nothing_behind(editor: TestClient) -> None:
    register(editor, EUI, "Linde")
    assert editor.delete(f"/api/v1/devices/{EUI}").status_code == 204
    assert editor.get("/api/v1/stations").json()["items"] == []
    assert deployments(editor) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "baum"}, "tree"),
        ({"latitude": 51.0}, "together"),
        ({"kind": "tree", "attributes": {"planted_yaer": 2020}}, "planted_year"),
        ({"kind": "tree", "attributes": {"planted_year": "2020"}}, "number"),
        ({"kind": "tree", "attributes": {"planted_year": 20}}, "1500"),
        ({"kind": "parking_space", "attributes": {"accessible": 1}}, "true or false"),
        ({"kind": "tree", "attributes": {"exposure": "dark"}}, "half_shade"),
        ({"slug": "Linde"}, "slug"),
        ({"colour": "green"}, "colour"),
        ({"position_source": "guess"}, "survey"),
    ],
)
def test_what_is_no_station_is_refused_with_the_remedy(
    editor: TestClient, wrong: dict[str, Any], words: str
) -> None:
    body = {"slug": "linde", "name": "Linde", **wrong}
    assert words in refused(editor, "stations", 422, **body)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "NaN"])
def test_a_number_that_no_database_keeps_is_refused(editor: TestClient, number: str) -> None:
    """JSON has no infinity; PostgreSQL refuses what Python would write for it."""
    station = f'{{"slug": "s", "name": "S", "attributes": {{"n": {number}}}}}'
    json = {"content-type": "application/json"}
    answer = editor.post("/api/v1/stations", content=station, headers=json)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_two_names_and_takes_free_attributes(editor: TestClient, kind: str) -> None:
    assert KINDS[kind].label_de
    assert KINDS[kind].label_en
    made(editor, "stations", slug="s", name="S", kind=kind, attributes={"mast": "M-017", "n": 3})


def test_a_station_keeps_everything_that_was_written(editor: TestClient) -> None:
    body = {
        "slug": "linde",
        "name": "Linde",
        "name_en": "Lime",
        "kind": "tree",
        "site": None,
        "latitude": 51.9,
        "longitude": 7.6,
        "position_accuracy_m": 3.0,
        "position_source": "gnss",
        "height_m": -0.3,
        "office": "Umweltamt",
        "remarks": "hinter der Bank\nSchlüssel beim Bauhof",
        "attributes": {"species": "Tilia cordata", "planted_year": 2021},
        "tags": ["altstadt", "sommer"],
    }
    made(editor, "stations", **body)
    assert editor.get("/api/v1/stations/linde").json() == body


def test_a_station_with_deployments_is_not_deleted(editor: TestClient) -> None:
    register(editor, EUI, "Linde")
    answer = editor.delete("/api/v1/stations/linde")
    assert answer.status_code == 409
    assert "deployments" in answer.json()["detail"]


def test_a_device_cannot_be_at_two_stations_at_once(editor: TestClient) -> None:
    register(editor, EUI, "Linde")
    made(editor, "stations", slug="eiche", name="Eiche")
    detail = refused(editor, "deployments", 409, dev_eui=EUI, station="eiche")
    assert "linde" in detail
    assert "device move" in detail


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dev_eui": "70b3d57ed00000ff"}, "Register it first"),
        ({"station": "nirgends"}, "Create it first"),
        ({"start": "2026-06-01T10:00:00+02:00", "end": "2026-06-01T08:00:00Z"}, "after 'start'"),
        ({"start": "2026-06-01T10:00:00"}, "is no time: give ISO 8601 with offset"),
        ({"calibration": {"soil_moisture": {"scale": 0}}}, "scale of 0"),
        ({"calibration": {"soil_moisture": {"scale": 1e300}}}, "less than or equal"),
        ({"calibration": {"soil_moistur": {"scale": 2}}}, "soil_moisture"),
        ({"channels": {"1": "a", "2": "a"}}, "one channel of the station"),
        ({"channels": {}}, "channels"),
    ],
)
def test_what_is_no_deployment_is_refused_with_the_remedy(
    editor: TestClient, wrong: dict[str, Any], words: str
) -> None:
    made(editor, "stations", slug="eiche", name="Eiche")
    register(editor, EUI, "Linde")
    detail = refused(editor, "deployments", 422, **{"dev_eui": EUI, "station": "eiche", **wrong})
    assert words in detail


def test_a_deployment_keeps_everything_that_was_written(editor: TestClient) -> None:
    register(editor, EUI, "Linde")
    made(editor, "stations", slug="eiche", name="Eiche")
    (own,) = deployments(editor)
    ended = {"dev_eui": EUI, "station": "linde", "end": "2026-06-01T08:00:00Z"}
    assert editor.put(f"/api/v1/deployments/{own['id']}", json=ended).status_code == 200
    body = {
        "dev_eui": EUI,
        "station": "eiche",
        "start": "2026-06-01T10:00:00+02:00",
        "end": "2026-07-01T10:00:00+02:00",
        "channels": {"": "30cm"},
        "depths_cm": {"30cm": 30.0},
        "swapped": True,
        "calibration": {"soil_moisture": {"scale": 1.02, "offset": -0.5, "becomes": None}},
        "comparison": True,
        "installed_by": "Bauhof",
        "remarks": "neuer Stecker",
    }
    number = made(editor, "deployments", **body)["id"]
    assert editor.get(f"/api/v1/deployments/{number}").json() == {**body, "id": number}
    assert [one["id"] for one in deployments(editor, station="eiche")] == [number]
    assert len(deployments(editor, dev_eui=EUI)) == 2
