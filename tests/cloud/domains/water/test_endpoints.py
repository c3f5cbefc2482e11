"""Rain, gauges and lakes over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from api_callers import AWAY, HOME, NOW, ApiWorld
from stadtsinn.base.berlin import at, local
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town

STATIONS: list[dict[str, Any]] = [
    {"slug": "bauhof", "name": "Bauhof", "kind": "weather"},
    {
        "slug": "muehlbach",
        "name": "Mühlbach",
        "kind": "gauge",
        "attributes": {"gauge_zero_m": 61.25},
    },
    {"slug": "stadtsee", "name": "Stadtsee", "kind": "lake"},
]


def _said(world: ApiWorld, key: SeriesKey, *course: tuple[float, float]) -> None:
    """Minutes before now, and a value."""
    world.series.write(
        Point(HOME, "weather", key, Instant(NOW - round(minutes * MINUTE)), value)
        for minutes, value in course
    )


@pytest.fixture
def caller(world: ApiWorld) -> TestClient:
    devices = [
        {
            "dev_eui": f"70b3d57ed000{number:04x}",
            "type": "dragino/lse01",
            "name": f"Sensor {number}",
            "interval_s": 300,
            "station": station["slug"],
        }
        for number, station in enumerate(STATIONS, 1)
    ]
    document = {"tenant": HOME, "name": "Home", "stations": STATIONS, "devices": devices}
    apply_town(world.database, Town.read(document), Instant(1))
    return world.client(Role.READER)


def test_rain_sums_with_their_class_and_what_is_unknown(
    caller: TestClient, world: ApiWorld
) -> None:
    course = [(float(minutes), 2.5) for minutes in range(0, 60, 5)]
    _said(world, SeriesKey("bauhof", "precipitation"), *course)
    found = caller.get("/api/v1/rain/bauhof").json()
    assert caller.get("/api/v1/rain").json()["items"] == [found]
    said = {one["span_s"]: (one["mm"], one["rain_class"]) for one in found["sums"]}
    assert said == {
        300: (2.5, None),
        900: (7.5, None),
        3_600: (30.0, "severe"),
        21_600: (30.0, "marked"),
        86_400: (30.0, "marked"),
    }
    assert [one["unknown_s"] for one in found["sums"]] == [0, 0, 0, 18_000, 82_800]


def test_a_total_is_asked_before_amounts(caller: TestClient, world: ApiWorld) -> None:
    _said(world, SeriesKey("bauhof", "precipitation"), (0, 1.0))
    _said(world, SeriesKey("bauhof", "precipitation_total"), (10, 100.0), (5, 103), (0, 104))
    sums = caller.get("/api/v1/rain/bauhof").json()["sums"]
    assert sums[0]["mm"] == 1.0
    assert sums[1]["mm"] == 4.0


def test_a_gauge_above_zero_and_above_the_sea(caller: TestClient, world: ApiWorld) -> None:
    key = SeriesKey("muehlbach", "water_level")
    _said(world, key, (15, 1.0), (10, 1.1), (5, 1.2), (0, 1.3))
    _said(world, SeriesKey("muehlbach", "water_level", "comparison"), (2, 1.31))
    found: dict[str, Any] = caller.get("/api/v1/gauges/muehlbach").json()
    assert caller.get("/api/v1/gauges").json()["items"] == [found]
    assert (found["level_m"], found["above_sea_m"]) == (1.3, 62.55)
    assert found["rise_m_per_h"] == pytest.approx(1.2)
    assert (found["second_m"], found["confirmed"], found["doubt"]) == (1.31, True, None)


def test_a_lake_by_its_last_night(caller: TestClient, world: ApiWorld) -> None:
    today = local(NOW).date()
    for back in range(6):
        moments = [at(today - timedelta(days=back), f"0{hour}:00") for hour in (3, 4, 5)]
        course = [((NOW - moment) / MINUTE, 4.0 + back / 2) for moment in moments]
        _said(world, SeriesKey("stadtsee", "dissolved_oxygen"), *course)
    found = caller.get("/api/v1/lakes/stadtsee").json()
    assert caller.get("/api/v1/lakes").json()["items"] == [found]
    assert (found["state"], found["night"]["oxygen_mg_l"]) == ("strained", 4.0)
    assert (found["trend_mg_l_per_night"], found["nights_left"]) == (-0.5, 2)
    assert len(found["nights"]) == 6


@pytest.mark.parametrize("path", ["rain", "gauges", "lakes"])
def test_where_nothing_is_measured(caller: TestClient, world: ApiWorld, path: str) -> None:
    assert caller.get(f"/api/v1/{path}").json() == {"items": []}
    missing = caller.get(f"/api/v1/{path}/bauhof")
    assert (missing.status_code, "station list" in missing.json()["detail"]) == (404, True)
    assert world.client(tenant=AWAY).get(f"/api/v1/{path}").json() == {"items": []}


def test_values_of_a_station_that_is_gone_are_not_found(
    caller: TestClient, world: ApiWorld
) -> None:
    _said(world, SeriesKey("abgebaut", "water_level"), (0, 1.0))
    assert caller.get("/api/v1/gauges/abgebaut").status_code == 404
    assert caller.get("/api/v1/gauges").json() == {"items": []}
