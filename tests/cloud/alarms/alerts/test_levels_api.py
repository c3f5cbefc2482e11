"""Rules of levels and of overstay over the API: taken, read back, and refused with the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api_callers import HOME, NOW, ApiWorld, refused
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town

LEVELS: dict[str, Any] = {
    "slug": "stufen",
    "name": "Pegel Mühlbach",
    "station": "bach",
    "quantity": "water_level",
    "kind": "levels",
    "levels": [{"on": 1.2, "measures": "Pegel beobachten."}, {"on": 1.6, "measures": ""}],
    "margin": 0.1,
}
OVERSTAY: dict[str, Any] = {
    "slug": "lang",
    "name": "Höchstparkdauer",
    "station": "bach",
    "quantity": "occupied",
    "kind": "overstay",
    "longest_s": 7_200,
}


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(database, tmp_path)
    stations = [{"slug": "bach", "name": "Bach", "kind": "gauge"}]
    document = {"tenant": HOME, "name": "Home", "stations": stations}
    apply_town(made.database, Town.read(document), NOW)
    yield made
    made.series.close()


def test_they_are_taken_and_read_back(world: ApiWorld) -> None:
    caller = world.client()
    for rule in (LEVELS, OVERSTAY):
        made = caller.post("/api/v1/rules", json=rule)
        assert made.status_code == 201, made.text
        found = caller.get(f"/api/v1/rules/{rule['slug']}").json()
        assert {name: found[name] for name in rule} == rule
    assert caller.get("/api/v1/incidents/9-9/cap").status_code == 404


def test_what_makes_no_sense_is_refused(world: ApiWorld) -> None:
    caller = world.client()
    for change, words in (
        ({"levels": [{"on": 1.6}, {"on": 1.2}]}, "lowest level first"),
        ({"levels": []}, "at least 1"),
        ({"margin": -1}, "greater than 0"),
        ({"levels": [{"on": 1.2, "off": 1}]}, "not permitted"),
        ({"quantity": "precipitation"}, "'sum'"),
    ):
        assert words in refused(caller, "rules", {**LEVELS, **change}, 422)
    for change, words in (
        ({"for_s": 60}, "leave out 'for_s'"),
        ({"quantity": "distance"}, "'occupied'"),
        ({"longest_s": 0}, "60"),
    ):
        assert words in refused(caller, "rules", {**OVERSTAY, **change}, 422)
