"""Zones over HTTP: now, the past as JSON and CSV, and the numbers that staff enter."""

from __future__ import annotations

from pathlib import Path

import pytest

from api_callers import AWAY, HOME, ApiWorld
from fake_market import NORTH, OPENING, SOUTH, Market
from stadtsinn.base.berlin import isoformat
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.database.engine import Database

pytestmark = pytest.mark.slow

ZONE = "/api/v1/zones/marktplatz"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> ApiWorld:
    return ApiWorld(database, tmp_path)


@pytest.fixture
def town(world: ApiWorld) -> Market:
    """The market with an hour of reports: each minute six come and two leave."""
    market = Market(world.database, tenant=HOME, new_tenant=False, clock=world.clock)
    for minute in range(61):
        market.apply(
            market.uplink(NORTH, minute, 6 * minute, 0), market.uplink(SOUTH, minute, 0, 2 * minute)
        )
    world.clock.set(Instant(OPENING + HOUR + 10_000_000))
    return market


def test_the_present_with_its_interval(world: ApiWorld, town: Market) -> None:
    answer = world.client(Role.READER).get(f"{ZONE}/occupancy").json()
    assert answer["state"] == "live"
    assert answer["occupancy"] == 240
    assert answer["low"] <= 240 <= answer["high"]
    assert answer["level"] == "quiet"
    assert answer["permitted"] == 1000
    assert answer["time"] == isoformat(OPENING + HOUR)
    assert answer["valid_until"] == isoformat(OPENING + HOUR + 3 * MINUTE)


def test_a_stale_zone_has_no_number(world: ApiWorld, town: Market) -> None:
    world.clock.set(Instant(OPENING + HOUR + 3 * MINUTE))
    answer = world.client(Role.READER).get(f"{ZONE}/occupancy").json()
    assert (answer["state"], answer["occupancy"], answer["high"]) == ("stale", None, None)


def test_a_zone_that_never_counted_is_stale(world: ApiWorld) -> None:
    Market(world.database, tenant=HOME, new_tenant=False, clock=world.clock)
    answer = world.client(Role.READER).get(f"{ZONE}/occupancy").json()
    assert (answer["state"], answer["time"]) == ("stale", None)


def test_the_past_minute_by_minute(world: ApiWorld, town: Market) -> None:
    client = world.client(Role.READER)
    start, end = isoformat(OPENING + 10 * MINUTE), isoformat(OPENING + 13 * MINUTE)
    answer = client.get(f"{ZONE}/history", params={"start": start, "end": end}).json()
    assert [item["occupancy"] for item in answer["items"]] == [40, 44, 48]
    assert answer["items"][0]["time"] == start
    assert answer["next"] is None


def test_a_long_past_comes_in_pages_that_neither_lose_nor_double(
    world: ApiWorld, town: Market
) -> None:
    client = world.client(Role.READER)
    params = {"start": "2026-09-24T00:00:00Z", "end": isoformat(OPENING + HOUR)}
    times: list[str] = []
    while True:
        page = client.get(f"{ZONE}/history", params=params).json()
        times += [item["time"] for item in page["items"]]
        if page["next"] is None:
            break
        params["start"] = page["next"]
    assert times == [isoformat(OPENING + minute * MINUTE) for minute in range(60)]


def test_the_past_as_csv(world: ApiWorld, town: Market) -> None:
    answer = world.client(Role.READER).get(f"{ZONE}/history", params={"format": "csv"})
    lines = answer.text.split("\r\n")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert lines[0] == "time,occupancy,low,high,degraded"
    assert lines[1].startswith("2026-09-26T08:00:00+02:00,0,")
    assert len(lines) == 61 + 2


def test_the_past_as_a_table_for_people(world: ApiWorld, town: Market) -> None:
    asked = {"format": "csv", "locale": "de"}
    answer = world.client(Role.READER).get(f"{ZONE}/history", params=asked)
    assert answer.content.startswith(b"\xef\xbb\xbf")
    lines = answer.content.decode("utf-8-sig").split("\r\n")
    assert lines[0] == "Zeit;Uhr;Zone;Name;Personen;mindestens;höchstens;Zählung"
    assert lines[1].startswith("26.09.2026 08:00:00;MESZ;marktplatz;Marktplatz;0;")
    assert lines[1].endswith(";vollständig")


def test_csv_has_every_day_that_is_asked_for(world: ApiWorld, town: Market) -> None:
    """A month in one table, computed day by day; JSON says where to go on."""
    later = [town.uplink(NORTH, 60 * 24 * day, 100 + day, 50) for day in range(1, 31)]
    town.apply_each(later)
    asked = {"start": "2026-09-26", "end": "2026-10-27"}
    client = world.client(Role.READER)
    lines = client.get(f"{ZONE}/history", params={**asked, "format": "csv"}).text.split("\r\n")
    times = [line.partition(",")[0] for line in lines[1:-1]]
    assert len(times) == len(set(times)) == 30 * 24 * 60 + 1
    assert (times[0], times[-1][:10]) == ("2026-09-26T08:00:00+02:00", "2026-10-26")
    page = client.get(f"{ZONE}/history", params=asked).json()
    assert page["next"] is not None
    refused = client.get(f"{ZONE}/history", params={"start": "2020-01-01", "format": "csv"})
    assert (refused.status_code, "400 days" in refused.json()["detail"]) == (422, True)


def test_an_end_before_the_start_is_refused(world: ApiWorld, town: Market) -> None:
    params = {"start": "2026-09-26T12:00:00Z", "end": "2026-09-26T11:00:00Z"}
    answer = world.client(Role.READER).get(f"{ZONE}/history", params=params)
    assert answer.status_code == 422
    assert "later" in answer.json()["detail"]


def test_an_editor_enters_a_counted_number(world: ApiWorld, town: Market) -> None:
    body = {"value": 640, "name": "K. Muster", "reason": "Zählung"}
    answer = world.client(Role.EDITOR).post(f"{ZONE}/corrections", json=body)
    assert answer.status_code == 201
    town.tick()
    client = world.client(Role.READER)
    assert client.get(f"{ZONE}/occupancy").json()["occupancy"] == 640
    listed = client.get(f"{ZONE}/corrections").json()["items"]
    assert [(item["kind"], item["value"], item["name"]) for item in listed] == [
        ("manual", 640, "K. Muster"),
        ("reset", 0, ""),
    ]


def test_a_reader_may_not_enter_numbers(world: ApiWorld, town: Market) -> None:
    body = {"value": 640, "name": "K. Muster", "reason": "Zählung"}
    answer = world.client(Role.READER).post(f"{ZONE}/corrections", json=body)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": -1},
        {"name": " "},
        {"reason": ""},
        {"at": "2026-09-26T09:00:00"},
        {"at": "2026-09-27T09:00:00Z"},
        {"at": "2026-09-24T09:00:00Z"},
    ],
)
def test_numbers_that_cannot_be_are_refused(
    world: ApiWorld, town: Market, wrong: dict[str, object]
) -> None:
    body = {"value": 640, "name": "K. Muster", "reason": "Zählung", **wrong}
    assert world.client(Role.EDITOR).post(f"{ZONE}/corrections", json=body).status_code == 422
    assert town.corrections("manual") == []


@pytest.mark.parametrize("what", ["occupancy", "history", "corrections"])
def test_another_towns_zone_is_not_there(world: ApiWorld, town: Market, what: str) -> None:
    assert world.client(Role.ADMIN, AWAY).get(f"{ZONE}/{what}").status_code == 404


WHO = {"name": "K. Muster", "reason": "Zählung"}


def test_so_many_more_or_fewer_than_counted(world: ApiWorld, town: Market) -> None:
    client = world.client(Role.EDITOR)
    answer = client.post(f"{ZONE}/corrections", json=WHO | {"change": -40})
    assert (answer.status_code, answer.json()["value"]) == (201, 200)
    for wrong in (
        {"change": -201},
        {"change": 1_000_000},
        {"change": 5, "value": 5},
        {},
        {"value": -1},
    ):
        refused = client.post(f"{ZONE}/corrections", json=WHO | wrong)
        assert refused.status_code == 422, wrong


def test_the_permitted_number_is_changed_live(world: ApiWorld, town: Market) -> None:
    client, address = world.client(Role.EDITOR), f"{ZONE}/permit"
    assert client.get(address).json() == {"permitted": 1000, "planned": []}
    assert client.post(address, json=WHO | {"permitted": 200}).json()["permitted"] == 200
    town.tick(Instant(OPENING + HOUR + 11_000_000))
    assert (town.latest().permitted, town.latest().occupancy) == (200, 240)
    later = isoformat(OPENING + 2 * HOUR)
    planned = client.post(address, json=WHO | {"permitted": None, "since": later}).json()
    assert planned == {"permitted": 200, "planned": [{"since": later, "permitted": None}]}
    for wrong in ({"permitted": 0}, {"permitted": 5, "since": isoformat(OPENING)}, {}):
        assert client.post(address, json=WHO | wrong).status_code == 422, wrong
    reader = world.client(Role.READER)
    assert reader.post(address, json=WHO | {"permitted": 300}).status_code == 403
    assert reader.get(address).status_code == 200


def test_events_belong_to_the_zone(world: ApiWorld, town: Market) -> None:
    client = world.client(Role.EDITOR)
    body = {key: value for key, value in client.get(ZONE).json().items() if key != "slug"}
    markt = {"slug": "m", "name": "Markt", "days": ["sat"], "start": "08:00", "end": "13:00"}
    other = markt | {"slug": "n", "start": "12:00", "end": "14:00"}
    refused = client.put(ZONE, json=body | {"events": [markt, other]})
    assert refused.status_code == 422
    assert "overlap" in refused.text
    assert client.put(ZONE, json=body | {"events": [markt]}).status_code == 200
    world.clock.set(Instant(OPENING + 6 * HOUR))
    closed = client.get(f"{ZONE}/occupancy").json()
    assert (closed["state"], closed["occupancy"]) == ("closed", None)
    assert closed["opens_at"] == isoformat(OPENING + 7 * 24 * HOUR)
    assert client.get(f"{ZONE}/gates/westtor").status_code == 404
