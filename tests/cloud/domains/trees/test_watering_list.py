"""From values in the soil to the list of a crew: judged once a day, in tours, in four forms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api_callers import AWAY, HOME, ApiWorld
from databases import fresh_database
from stadtsinn.base.instant import DAY, HOUR, Instant, parse
from stadtsinn.cloud.domains.trees import day_repository
from stadtsinn.cloud.domains.trees.daily import judge_due
from stadtsinn.cloud.domains.trees.judging import Level
from stadtsinn.cloud.domains.trees.worker import TreeWorker
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.series.stores.store import Point, SeriesKey, SeriesUnavailable
from stadtsinn.decoders.reading import Quality

pytestmark = pytest.mark.slow

EARLY = parse("2026-07-15T04:30:00+02:00")
FIVE = parse("2026-07-15T05:00:00+02:00")
TODAY = date(2026, 7, 15)
HEADS = "Baumnummer;Baumart;Pflanzjahr;Straße;Breite;Länge;Gruppe;Gießsack\n"
REGISTER = HEADS + (
    "L-1;Tilia cordata, Winter-Linde;2023;Am Markt 1;51,9600;7,6200;jung;75\n"
    "L-2;Tilia cordata;2023;Am Markt 2;51,9610;7,6210;jung;\n"
    "L-3;Tilia cordata;2023;ohne Lage;;;jung;\n"
    "A-1;Acer;1990;Am Bach;51,9700;7,6300;alt;\n"
    "X-1;Acer;1990;Wald;51,9700;7,6310;;\n"
)


class Town:
    """A town with two groups and their stations."""

    def __init__(self, world: ApiWorld) -> None:
        self.world = world
        self.caller: TestClient = world.client()
        self.world.clock.set(EARLY)
        for slug in ("linde", "ahorn", "regen"):
            self.post("stations", slug=slug, name=slug.title(), kind="tree")
        young = {"station": "linde", "soil_class": "Sl3"}
        self.post("tree-groups", slug="jung", name="Junge Linden", **young)
        old = {"station": "ahorn", "soil_class": "Lu", "standing_from": 6, "standing_to": None}
        self.post("tree-groups", slug="alt", name="Alte Ahorne", **old)
        self.post("trees/import", register=REGISTER)

    def post(self, path: str, **body: Any) -> Any:
        answer = self.caller.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def measured(
        self,
        station: str,
        channel: str,
        *days: float,
        quantity: str = "soil_tension",
        quality: Quality = Quality.GOOD,
        until: Instant = EARLY,
    ) -> None:
        """A value every six hours, the days' values before `until`."""
        self.world.series.write(
            Point(
                HOME,
                "soil",
                SeriesKey(station, quantity, channel),
                Instant(until - back * DAY - hours * HOUR),
                value,
                quality,
                "70b3d57ed0001234",
            )
            for back, value in enumerate(reversed(days))
            for hours in (0, 6, 12, 18)
        )

    def judge(self, now: Instant = FIVE) -> int:
        self.world.clock.set(now)
        scope = operator_scope(HOME)
        return judge_due(self.world.database, self.world.series, scope, now)

    def list(self, **query: str) -> Any:
        answer = self.caller.get("/api/v1/watering-list", params=query)
        assert answer.status_code == 200, answer.text
        return answer

    def levels(self, day: date = TODAY) -> dict[str, Level]:
        with self.world.database.read() as connection:
            found = day_repository.days_of(connection, operator_scope(HOME), day)
        return {slug: one.verdict.level for slug, one in found.items()}


@pytest.fixture
def town(world: ApiWorld) -> Town:
    return Town(world)


def test_the_list_of_a_day(town: Town) -> None:
    town.measured("linde", "30cm", 40, 60, 86)
    town.measured("linde", "60cm", 12, 12, 12)
    town.measured("ahorn", "60cm", 30, 30)
    assert town.list().json()["judged_at"] is None
    assert town.judge(EARLY) == 0  # its hour has not come
    assert town.judge() == 2
    assert town.judge() == 0  # once a day
    assert town.levels() == {"jung": Level.URGENT, "alt": Level.GOOD}
    made = town.list().json()
    assert made["judged_at"] == "2026-07-15T05:00:00+02:00"
    assert [(one["tour"], one["tree"], one["litres"]) for one in made["items"]] == [
        *((1, "L-1", 75.0), (1, "L-2", 100.0), (2, "L-3", 100.0))
    ]
    first = made["groups"][0]
    assert (first["group"], first["level"], first["trees"]) == ("jung", "urgent", 3)
    assert first["reason_de"] == "30 cm: 86 kPa, seit 3 Tagen, wird trockener"
    assert [one["depth_cm"] for one in first["depths"]] == [30, 60]
    assert (made["without_group"], made["litres"], made["tours"]) == (1, 275.0, 2)


def test_only_good_values_count_and_the_depth_is_the_deployments(town: Town) -> None:
    town.measured("linde", "30cm", 90, quality=Quality.SUSPECT)
    town.measured("ahorn", "a", 90)  # nobody has said how deep
    town.measured("ahorn", "60cm.comparison", 90)
    town.judge()
    assert town.levels() == {"jung": Level.UNKNOWN, "alt": Level.UNKNOWN}
    device = {"dev_eui": "70b3d57ed0001234", "device_type": "dragino/lse01"}
    town.post("devices", name="Sensor", interval_s=1200, **device)
    places = town.caller.get("/api/v1/deployments").json()["items"]
    body = {**places[0], "station": "ahorn", "depths_cm": {"a": 55}}
    number = body.pop("id")
    assert town.caller.put(f"/api/v1/deployments/{number}", json=body).status_code == 200
    town.measured("ahorn", "a", 90, until=Instant(EARLY + DAY))
    town.judge(Instant(FIVE + DAY))
    assert town.levels(date(2026, 7, 16))["alt"] is Level.DUE


def test_what_was_measured_at_the_site_counts_before_its_soil_class(town: Town) -> None:
    town.measured("linde", "30cm", 17.0, quantity="soil_moisture")
    town.judge()
    assert town.levels()["jung"] is Level.GOOD  # Sl3: 53 % nFK
    station = town.caller.get("/api/v1/stations/linde").json()
    station["attributes"] = {"field_capacity": 30, "wilting_point": 12}
    del station["slug"]
    assert town.caller.put("/api/v1/stations/linde", json=station).status_code == 200
    town.measured("linde", "30cm", 17.0, quantity="soil_moisture", until=Instant(EARLY + DAY))
    town.judge(Instant(FIVE + DAY))
    assert town.levels(date(2026, 7, 16))["jung"] is Level.URGENT  # 28 % nFK


def test_days_remember_what_was_due(town: Town) -> None:
    town.measured("linde", "30cm", 40)
    town.judge()
    for day, value, level in ((1, 25.0, Level.DUE), (2, 15.0, Level.GOOD), (3, 25.0, Level.GOOD)):
        town.measured("linde", "30cm", value, until=Instant(EARLY + day * DAY))
        town.judge(Instant(FIVE + day * DAY))
        assert town.levels(date(2026, 7, 15 + day))["jung"] is level
    for day in (5, 6):  # silence
        town.judge(Instant(FIVE + day * DAY))
    assert town.levels(date(2026, 7, 21))["jung"] is Level.UNKNOWN


def test_a_watered_tree_rests(town: Town) -> None:
    town.measured("linde", "30cm", 90)
    town.judge()
    town.world.clock.set(Instant(FIVE + 4 * HOUR))
    earlier = town.post("waterings", tree="L-1", litres=75, watered_at="2026-06-01T08:00:00+02:00")
    assert earlier["watered_at"] == "2026-06-01T08:00:00+02:00"
    assert [one["tree"] for one in town.list().json()["items"]] == ["L-1", "L-2", "L-3"]
    town.post("waterings", tree="L-2", litres=100, crew="Kolonne 2")
    made = town.list().json()
    assert ([one["tree"] for one in made["items"]], made["resting"]) == (["L-1", "L-3"], 1)
    assert made["items"][0]["last_litres"] == 75
    town.measured("linde", "30cm", 90, until=Instant(EARLY + 3 * DAY))
    town.judge(Instant(FIVE + 3 * DAY))
    again = town.list().json()
    assert {one["tree"]: one["last_crew"] for one in again["items"]} == {
        "L-1": "",
        "L-2": "Kolonne 2",
        "L-3": None,
    }


def test_waterings_are_checked(town: Town) -> None:
    refused = [
        ({"tree": "nobody", "litres": 75}, 422, "no tree 'nobody'"),
        ({"tree": "L-1", "litres": 0}, 422, "greater than 0"),
        ({"tree": "L-1", "litres": 75, "watered_at": "2026-07-15T12:00:00+02:00"}, 422, "to come"),
    ]
    for body, status, words in refused:
        answer = town.caller.post("/api/v1/waterings", json=body)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
    done = town.post("waterings", tree="L-1", litres=75)
    again = town.caller.post("/api/v1/waterings", json={"tree": "L-1", "litres": 75})
    assert again.status_code == 409
    found = town.caller.get("/api/v1/waterings", params={"tree": "L-1"}).json()["items"]
    assert [one["id"] for one in found] == [done["id"]]
    stranger = town.world.client(tenant=AWAY)
    assert stranger.delete(f"/api/v1/waterings/{done['id']}").status_code == 404
    assert town.caller.delete(f"/api/v1/waterings/{done['id']}").status_code == 204
    assert town.caller.get("/api/v1/waterings").json()["items"] == []


def test_urgent_ones_come_first_and_tours_fit_the_tank(town: Town) -> None:
    rows = "".join(f"T-{one:02};Acer;1990;;51,97{one:02};7,63;alt;\n" for one in range(12))
    town.post("trees/import", register=HEADS + rows)
    settings = {"tank_litres": 500, "depot_latitude": 51.96, "depot_longitude": 7.62}
    assert town.caller.put("/api/v1/tree-settings", json=settings).status_code == 200
    town.measured("linde", "30cm", 90)
    town.measured("ahorn", "60cm", 90)
    town.judge()
    items = town.list().json()["items"]
    assert [one["level"] for one in items[:2]] == ["urgent", "urgent"]
    litres: dict[int, float] = {}
    for one in items:
        litres[one["tour"]] = litres.get(one["tour"], 0) + one["litres"]
    assert all(one <= 500 for one in litres.values())
    assert len(items) == 3 + 13
    assert items[-1]["tree"] == "L-3"  # without a place


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town with a list; its tests change nothing."""
    folder = tmp_path_factory.mktemp("judged")
    made = Town(ApiWorld(fresh_database(folder), folder))
    hostile = "<b>;Til<i>ia;2023;<script>;51,9620;7,6220;jung;\n"
    made.post("trees/import", register=HEADS + hostile)
    made.measured("linde", "30cm", 86.4)
    made.judge()
    yield made
    made.world.series.close()


def test_the_german_table_opens_in_excel(judged: Town) -> None:
    answer = judged.list(format="csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert 'filename="giessliste-2026-07-15.csv"' in answer.headers["content-disposition"]
    lines = answer.content.decode("utf-8-sig").split("\r\n")
    assert lines[0].startswith("Tour;Halt;Baumnummer;Standort;Breite;Länge;Baumart;Standjahr;")
    assert lines[0].endswith(";gegossen (l);Uhrzeit;Kürzel;nicht gegossen, weil")
    assert "L-1;Am Markt 1;51,96;7,62;Winter-Linde;4;Junge Linden;linde;dringend;" in lines[3]
    assert len({line.count(";") for line in lines[:-1]}) == 1
    english = judged.list(format="csv", locale="en").text.split("\r\n")
    assert english[0].startswith("tour,stop,tree,")
    assert ",urgent," in english[1]


def test_the_map(judged: Town) -> None:
    answer = judged.list(format="geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    found = json.loads(answer.text)["features"]
    places = [one["geometry"]["coordinates"] for one in found]
    assert places == [[7.622, 51.962], [7.621, 51.961], [7.62, 51.96]]
    assert found[0]["properties"]["reason_en"].startswith("30 cm: 86 kPa")


def test_the_page_to_print(judged: Town) -> None:
    page = judged.list(format="html").text
    for words in ("Gießliste", "Mittwoch, 15.07.2026", "Messwerte bis 15.07.2026, 05:00 Uhr"):
        assert words in page
    for words in ("Junge Linden", "dringend", "nicht gegossen, weil", "Ohne Koordinaten"):
        assert words in page
    assert "size: A4 landscape" in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert not {"http://", "https://", " src="} & {
        one for one in ("http://", " src=") if one in page
    }
    english = judged.list(format="html", locale="en").text
    assert "Watering list" in english
    assert "Wednesday, 2026-07-15" in english


def test_nothing_to_water(town: Town) -> None:
    town.judge()
    assert "Heute muss nichts gegossen werden." in town.list(format="html").text
    assert town.list(format="geojson").json()["features"] == []


def test_rain_and_its_forecast_stand_on_the_list(town: Town) -> None:
    town.measured("regen", "", 1.5, 2.0, quantity="precipitation")
    assert town.caller.put("/api/v1/tree-settings", json={"rain_station": "regen"}).is_success
    hours = [("2026-07-15T08:00:00+02:00", 1.5), ("2026-07-16T08:00:00+02:00", 2)]
    hours += [("2026-07-19T08:00:00+02:00", 50), ("2026-07-14T08:00:00+02:00", 9)]
    body = {"hours": [{"time": time, "mm": mm} for time, mm in hours]}
    assert town.caller.put("/api/v1/tree-forecast", json=body).json() == {"hours": 4, "mm_48h": 3.5}
    town.judge()
    made = town.list().json()
    assert (made["rain_7d_mm"], made["forecast_48h_mm"]) == (14.0, 3.5)
    town.world.clock.set(Instant(FIVE + 2 * DAY))
    assert town.list(day="2026-07-15").json()["forecast_48h_mm"] is None  # too old
    assert town.caller.get("/api/v1/tree-settings").json()["rain_station"] == "regen"


def test_one_town_that_fails_stops_no_other(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    world = town.world
    stranger = world.client(tenant=AWAY)
    stranger.post("/api/v1/stations", json={"slug": "linde", "name": "L", "kind": "tree"})
    body = {"slug": "g", "name": "G", "station": "linde", "soil_class": "Ss"}
    assert stranger.post("/api/v1/tree-groups", json=body).status_code == 201
    series = world.series.series

    def away(tenant_id: str, station: str) -> list[SeriesKey]:
        if tenant_id == HOME:
            raise SeriesUnavailable("gone", "fort")
        return series(tenant_id, station)

    monkeypatch.setattr(world.series, "series", away)
    world.clock.set(FIVE)
    worker = TreeWorker(world.database, world.series, world.clock)
    with pytest.raises(SeriesUnavailable):
        worker.step()
    assert town.levels() == {}
    with world.database.read() as connection:
        assert len(day_repository.judged(connection, AWAY, TODAY)) == 1
    monkeypatch.undo()
    worker.step()
    assert set(town.levels()) == {"jung", "alt"}
    assert worker.check().ok
