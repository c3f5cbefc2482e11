"""Parking over HTTP: lots, spaces, who stays for too long, and what is unknown."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from api_callers import AWAY, HOME, NOW, ApiWorld, refused
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.web import parking
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.decoders.reading import Quality


def _town(world: ApiWorld, *stations: dict[str, Any], interval_s: int = 3_600) -> None:
    """A town with these stations and a sensor at each."""
    devices = [
        {
            "dev_eui": f"70b3d57ed000{number:04x}",
            "type": "bosch/tps110",
            "name": f"Sensor {number}",
            "interval_s": interval_s,
            "station": station["slug"],
        }
        for number, station in enumerate(stations, 1)
    ]
    document = {
        "tenant": HOME,
        "name": "Home",
        "sites": [{"slug": "marktstrasse", "name": "Marktstraße"}],
        "stations": list(stations),
        "devices": devices,
    }
    apply_town(world.database, Town.read(document), Instant(1))


def _said(world: ApiWorld, station: str, *course: tuple[float, float], **other: Any) -> None:
    key = SeriesKey(station, other.pop("quantity", "occupied"), other.pop("channel", ""))
    world.series.write(
        Point(HOME, "parking", key, Instant(NOW - round(minutes * MINUTE)), value, **other)
        for minutes, value in course
    )


@pytest.fixture
def street(world: ApiWorld) -> TestClient:
    """A street of three spaces: free, taken for three hours, silent for a day."""
    spaces: list[dict[str, Any]] = [
        {"slug": name, "name": name.title(), "kind": "parking_space", "site": "marktstrasse"}
        for name in ("eins", "zwei", "drei")
    ]
    spaces[1] = {**spaces[1], "attributes": {"longest_s": 7_200}}
    _town(world, *spaces)
    _said(world, "eins", (60, 1), (10, 0))
    _said(world, "zwei", (180, 1), (60, 1), (5, 1))
    _said(world, "drei", (24 * 60, 0))
    return world.client(Role.READER)


def test_a_lot_says_free_taken_and_unknown(street: TestClient) -> None:
    (lot,) = street.get("/api/v1/parking/lots").json()["items"]
    assert lot["name"] == "Marktstraße"
    numbers = [lot[name] for name in ("capacity", "free", "occupied", "unknown")]
    assert numbers == [3, 1, 1, 1]
    # A third is unknown: no number is worth much.
    assert (lot["state"], lot["free_estimate"]) == ("nodata", None)


def test_each_space_says_since_when_and_why_it_is_unknown(street: TestClient) -> None:
    found = street.get("/api/v1/parking/lots/marktstrasse").json()["spaces"]
    said = {one["station"]: (one["state"], one["doubt"]) for one in found}
    assert said == {
        "eins": ("free", None),
        "zwei": ("occupied", None),
        "drei": ("unknown", "silent"),
    }
    assert street.get("/api/v1/parking/spaces").json()["items"] == found
    assert street.get("/api/v1/parking/lots/nirgends").status_code == 404


def test_who_stays_for_too_long(street: TestClient) -> None:
    def names(query: str = "") -> list[str]:
        found = street.get(f"/api/v1/parking/overstays{query}").json()["items"]
        return [one["station"] for one in found]

    assert names() == ["zwei"]
    assert names("?longest_s=10800") == ["zwei"]
    assert names("?longest_s=10860") == []
    assert street.get("/api/v1/parking/overstays?longest_s=1").status_code == 422


def test_taken_at_the_start_of_a_sensor_is_unknown(street: TestClient, world: ApiWorld) -> None:
    _said(world, "eins", (4, 1), quality=Quality.SUSPECT)
    found = street.get("/api/v1/parking/spaces").json()["items"]
    assert [one["doubt"] for one in found if one["station"] == "eins"] == ["after_start"]


def test_a_lot_that_is_counted(world: ApiWorld) -> None:
    lot = {"slug": "festplatz", "name": "Festplatz", "kind": "parking_lot"}
    attributes = {"capacity": 50, "empty_at": "04:00"}
    _town(world, {**lot, "attributes": attributes}, interval_s=600)
    total = "vehicles_total"
    _said(world, "festplatz", (60, 100), (30, 112), (1, 115), quantity=total, channel="in")
    _said(world, "festplatz", (60, 20), (1, 24), quantity=total, channel="out")
    caller = world.client()
    (lot,) = caller.get("/api/v1/parking/lots").json()["items"]
    assert (lot["counted"], lot["occupied"], lot["free"]) == (True, 11, 39)
    world.clock.advance(2 * HOUR)
    (lot,) = caller.get("/api/v1/parking/lots").json()["items"]
    assert (lot["state"], lot["unknown"], lot["doubt"]) == ("nodata", 50, "silent")


def test_a_lot_without_a_capacity_says_so(world: ApiWorld) -> None:
    _town(world, {"slug": "p", "name": "P", "kind": "parking_lot"})
    (lot,) = world.client().get("/api/v1/parking/lots").json()["items"]
    assert (lot["state"], lot["doubt"]) == ("nodata", "no_capacity")


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"empty_at": "25:00"}, "time of day"),
        ({"capacity": 0}, "from 1"),
        ({"capacity": "viele"}, "number"),
    ],
)
def test_a_lot_that_makes_no_sense_is_refused(
    world: ApiWorld, attributes: dict[str, Any], words: str
) -> None:
    body = {"slug": "p", "name": "P", "kind": "parking_lot", "attributes": attributes}
    assert words in refused(world.client(), "stations", body, 422)


def test_another_towns_spaces_are_not_seen(street: TestClient, world: ApiWorld) -> None:
    away = world.client(tenant=AWAY)
    assert away.get("/api/v1/parking/spaces").json() == {"items": []}
    assert len(street.get("/api/v1/parking/spaces").json()["items"]) == 3


def _public_street(world: ApiWorld, spaces: int, tagged: int) -> None:
    street = [
        {
            "slug": f"p-{number}",
            "name": f"P {number}",
            "kind": "parking_space",
            "site": "marktstrasse",
            "tags": ["public"] if number < tagged else [],
        }
        for number in range(spaces)
    ]
    _town(world, *street)
    for number in range(spaces):
        _said(world, f"p-{number}", (5, number % 2))


def test_everybody_sees_the_numbers_of_public_lots(world: ApiWorld) -> None:
    _public_street(world, spaces=7, tagged=6)
    found = world.nobody().get(f"/public/{HOME}/parking")
    assert found.status_code == 200, found.text
    (lot,) = found.json()["lots"]
    assert (lot["capacity"], lot["free"], lot["state"]) == (6, 3, "open")
    assert "p-0" not in found.text
    assert found.headers["Access-Control-Allow-Origin"] == "*"


def test_a_lot_of_few_spaces_is_nobodys_business(world: ApiWorld) -> None:
    _public_street(world, spaces=7, tagged=4)
    caller = world.nobody()
    assert caller.get(f"/public/{HOME}/parking").status_code == 404
    assert caller.get("/public/nowhere/parking").status_code == 404


def test_many_viewers_cost_as_much_as_one(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    _public_street(world, spaces=5, tagged=5)
    caller, read, count = world.nobody(), world.app.state.series.read, []

    def counted(*given: Any, **named: Any) -> Any:
        count.append(given)
        return read(*given, **named)

    world.app.state.series.read = counted
    for _ in range(20):
        assert caller.get(f"/public/{HOME}/parking").status_code == 200
    assert len(count) == 5
    monkeypatch.setattr(parking, "_TOWNS", 3)
    for number in range(10):  # names that anybody may think of
        assert caller.get(f"/public/nowhere-{number}/parking").status_code == 404
    assert caller.get(f"/public/{HOME}/parking").status_code == 200
    assert len(count) == 5
    world.clock.advance(11 * 1_000_000)
    caller.get(f"/public/{HOME}/parking")
    assert len(count) == 10
