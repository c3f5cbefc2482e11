"""What the registry accepts, and what it refuses with which text."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api_callers import AWAY, ApiWorld, refused
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.decoders.catalogue import catalogue

pytestmark = pytest.mark.slow

EUI = "24e124600c124993"
COUNTER = {"dev_eui": EUI, "device_type": "milesight/vs133", "name": "Tor", "interval_s": 60}


@pytest.fixture
def editor(world: ApiWorld) -> TestClient:
    return world.client(Role.EDITOR)


@pytest.mark.parametrize(
    "written", ["24E124600C124993", "24-e1-24-60-0c-12-49-93", "24:E1:24:60 0C124993"]
)
def test_a_dev_eui_is_taken_as_people_copy_it(editor: TestClient, written: str) -> None:
    made = editor.post("/api/v1/devices", json=COUNTER | {"dev_eui": written})
    assert made.json()["dev_eui"] == EUI
    assert editor.get(f"/api/v1/devices/{written}").json() == made.json()


@pytest.mark.parametrize(
    "written", ["", "24e124600c12499", "24e124600c12499g", "24e124600c1249930"]
)
def test_what_is_no_dev_eui_isrefused(editor: TestClient, written: str) -> None:
    assert "16 hexadecimal digits" in refused(
        editor, "devices", COUNTER | {"dev_eui": written}, 422
    )


def test_an_unknown_device_type_names_the_near_ones(editor: TestClient) -> None:
    detail = refused(editor, "devices", COUNTER | {"device_type": "milesight/vs-133"}, 422)
    assert "milesight/vs133" in detail


@pytest.mark.parametrize(
    "wrong",
    [
        {"latitude": 51.9},
        {"latitude": 91, "longitude": 7},
        {"interval_s": 0},
        {"name": ""},
        {"name": "Tor\nAlarm"},
        {"name": "x" * 201},
        {"tags": {"a": "\u0000"}},
        {"tags": {str(number): "x" for number in range(51)}},
        {"nmae": "Tor"},
        {"site": "nirgendwo"},
    ],
)
def test_a_device_that_makes_no_sense_isrefused(editor: TestClient, wrong: dict[str, Any]) -> None:
    assert refused(editor, "devices", COUNTER | wrong, 422)
    assert editor.get("/api/v1/devices").json()["items"] == []


def test_a_number_that_is_none_isrefused(editor: TestClient) -> None:
    """Python's JSON reads NaN, which passes every comparison."""
    body = '{"slug":"a","name":"A","latitude":NaN,"longitude":7}'
    answer = editor.post(
        "/api/v1/sites", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


def test_a_taken_dev_eui_is_refused_in_the_same_words_whoever_has_it(world: ApiWorld) -> None:
    """The text must not reveal whether another town owns it."""
    home, away = world.client(Role.EDITOR), world.client(Role.EDITOR, AWAY)
    assert home.post("/api/v1/devices", json=COUNTER).status_code == 201
    assert refused(home, "devices", COUNTER, 409) == refused(away, "devices", COUNTER, 409)


def test_a_device_cannot_be_moved_to_another_town(world: ApiWorld) -> None:
    home, away = world.client(Role.EDITOR), world.client(Role.EDITOR, AWAY)
    home.post("/api/v1/devices", json=COUNTER)
    body = {key: value for key, value in COUNTER.items() if key != "dev_eui"}
    taken = away.put(f"/api/v1/devices/{EUI}", json=body | {"name": "Unser"})
    missing = away.put(f"/api/v1/devices/{'0' * 16}", json=body)
    assert taken.status_code == missing.status_code == 404
    given = home.put(f"/api/v1/devices/{EUI}", json=body | {"tenant_id": AWAY})
    assert given.status_code == 422
    assert home.get(f"/api/v1/devices/{EUI}").json()["name"] == "Tor"


def test_pages_hold_everything_once(editor: TestClient) -> None:
    names = [f"platz-{number:02}" for number in range(25)]
    for name in names:
        editor.post("/api/v1/sites", json={"slug": name, "name": name})
    seen, cursor, pages = [], None, 0
    while True:
        query = {"limit": 10} | ({"cursor": cursor} if cursor else {})
        page = editor.get("/api/v1/sites", params=query).json()
        seen += [item["slug"] for item in page["items"]]
        pages += 1
        cursor = page["next"]
        if cursor is None:
            break
        # What comes or goes meanwhile neither shifts nor doubles the rest.
        editor.post("/api/v1/sites", json={"slug": f"aaa-{pages}", "name": "davor"})
    assert seen == names
    assert pages == 3


@pytest.mark.parametrize(
    "cursor", ["x", "bnVsbA", "W10", "dHJ1ZQ", "MTI", "Ilx1MDAwMCI", "ä", "%00"]
)
def test_a_foreign_cursor_isrefused(editor: TestClient, cursor: str) -> None:
    answer = editor.get("/api/v1/sites", params={"cursor": cursor})
    assert answer.status_code == 422
    assert "next" in answer.json()["detail"]


def test_lists_narrow_down(editor: TestClient) -> None:
    editor.post("/api/v1/sites", json={"slug": "platz", "name": "Platz"})
    editor.post("/api/v1/devices", json=COUNTER | {"site": "platz"})
    tree = {"dev_eui": "0" * 15 + "1", "device_type": "dragino/lse01", "name": "Linde"}
    editor.post("/api/v1/devices", json=tree)

    def found(**query: str) -> list[str]:
        items = editor.get("/api/v1/devices", params=query).json()["items"]
        return [item["dev_eui"] for item in items]

    assert found() == ["0" * 15 + "1", EUI]
    assert found(site="platz") == [EUI]
    assert found(device_type="dragino/lse01") == ["0" * 15 + "1"]
    assert found(site="nirgendwo") == []


def all_pages(editor: TestClient, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    answer = editor.get(path).json()
    while True:
        items += answer["items"]
        if answer["next"] is None:
            return items
        answer = editor.get(path, params={"cursor": answer["next"]}).json()


def test_the_catalogue_is_listed_with_units_and_labels(editor: TestClient) -> None:
    types = {item["id"]: item for item in all_pages(editor, "/api/v1/device-types")}
    assert types.keys() == set(catalogue())
    assert types["milesight/vs133"]["family"] == "people"
    quantities = all_pages(editor, "/api/v1/quantities")
    (moisture,) = [item for item in quantities if item["name"] == "soil_moisture"]
    assert (moisture["unit"], moisture["label_de"]) == ("%", "Bodenfeuchte")
