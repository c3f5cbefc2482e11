"""Series over HTTP."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api_callers import AWAY, HOME, NOW, ApiWorld, each_counts_the_revision_up
from databases import fresh_database
from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant, parse
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.series.repository import make_streams
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.model import Device, Site
from stadtsinn.cloud.town.repository import insert_devices, insert_site
from stadtsinn.cloud.town.stations.model import Deployment, Station
from stadtsinn.cloud.town.stations.repository import insert_deployments, insert_stations
from stadtsinn.decoders.reading import Quality

pytestmark = pytest.mark.slow

DEVICE, COUNTER, QUIET, THEIRS = (f"70b3d5000000000{number}" for number in range(1, 5))
TREE, GATE, SILENT, FOREIGN = "linde", "nordtor", "stille", "fremde"
SERIES = f"/api/v1/stations/{TREE}/series"
SOIL = f"{SERIES}/soil_moisture"


def add_device(world: ApiWorld, dev_eui: str, kind: str, tenant: str, name: str) -> None:
    """A device and its own station, of that name, in the park where it is a tree."""
    scope = world.scope(tenant=tenant)
    site = "park" if name in (TREE, SILENT) else None
    device = Device(dev_eui=dev_eui, device_type=kind, name=name, interval_s=600, site=site)
    station = Station(slug=name, name=name.title(), site=site)
    if name == TREE:
        position = {"kind": "tree", "latitude": 51.9607, "longitude": 7.6261}
        station = station.model_copy(update=position)
    deployment = Deployment(dev_eui=dev_eui, station=name)
    with world.database.write() as connection:
        insert_devices(connection, scope, [device], NOW)
        keys = insert_stations(connection, scope, [station], NOW)
        insert_deployments(connection, scope, [(deployment, keys[name])], NOW)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    scope = made.scope()
    with made.database.write() as connection:
        insert_site(connection, scope, Site(slug="park", name="Park"))
        insert_site(connection, scope, Site(slug="empty", name="Nichts"))
    add_device(made, DEVICE, "dragino/lse01", HOME, TREE)
    add_device(made, COUNTER, "parametric/pcr2", HOME, GATE)
    add_device(made, QUIET, "dragino/lse01", HOME, SILENT)
    add_device(made, THEIRS, "dragino/lse01", AWAY, FOREIGN)
    yield made
    made.series.close()


@pytest.fixture
def client(world: ApiWorld) -> TestClient:
    return world.client(Role.READER)


def store(
    world: ApiWorld,
    values: dict[int, float],
    quantity: str = "soil_moisture",
    channel: str = "",
    *,
    station: str = TREE,
    dev_eui: str = DEVICE,
    quality: Quality = Quality.GOOD,
    tenant: str = HOME,
) -> None:
    key = SeriesKey(station, quantity, channel)
    world.series.write(
        [
            Point(tenant, "soil", key, Instant(time), value, quality, dev_eui)
            for time, value in values.items()
        ]
    )


def test_the_series_of_a_station_are_listed_with_their_newest_value(
    world: ApiWorld, client: TestClient
) -> None:
    store(world, {NOW - HOUR: 20.0, NOW - MINUTE: 21.5})
    store(world, {NOW: 240.0}, "temperature", "probe", quality=Quality.BAD)
    answer = client.get(SERIES).json()
    assert answer["next"] is None
    moisture, probe = answer["items"]
    assert moisture == {
        "quantity": "soil_moisture",
        "channel": "",
        "unit": "%",
        "label_de": "Bodenfeuchte",
        "label_en": "Soil moisture",
        "aggregate": "mean",
        "label": "",
        "retention_days": None,
        "latest": {"time": "2026-09-26T11:59:00+02:00", "value": 21.5},
    }
    assert (probe["channel"], probe["latest"]) == ("probe", None)


def test_values_of_the_last_day_come_without_asking_for_times(
    world: ApiWorld, client: TestClient
) -> None:
    store(world, {NOW - 2 * DAY: 1.0, NOW - HOUR: 2.0, NOW + HOUR: 3.0})
    answer = client.get(SOIL).json()
    assert answer["items"] == [
        {"time": "2026-09-26T11:00:00+02:00", "value": 2.0, "quality": "good", "dev_eui": DEVICE}
    ]
    assert (answer["unit"], answer["label_de"], answer["window"]) == ("%", "Bodenfeuchte", None)
    assert answer["next"] is None


def test_doubtful_values_come_marked_and_only_on_demand(
    world: ApiWorld, client: TestClient
) -> None:
    store(world, {NOW - HOUR: 2.0})
    store(world, {NOW - MINUTE: 99.0}, quality=Quality.SUSPECT)
    assert len(client.get(SOIL).json()["items"]) == 1
    marked = client.get(SOIL, params={"quality": "all"}).json()["items"]
    assert [item["quality"] for item in marked] == ["good", "suspect"]


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_following_next_gives_every_value_once(
    world: ApiWorld, client: TestClient, limit: int
) -> None:
    store(world, {NOW - i * MINUTE - 1: float(i) for i in range(7)})
    values: list[float] = []
    start: str | None = "2026-09-26T00:00:00+02:00"
    while start is not None:
        page = client.get(SOIL, params={"start": start, "limit": limit}).json()
        assert len(page["items"]) <= limit
        values += [item["value"] for item in page["items"]]
        start = page["next"]
    assert values == [float(i) for i in reversed(range(7))]


def test_days_are_berlins_and_pages_of_them_join(world: ApiWorld, client: TestClient) -> None:
    first = parse("2026-10-24T00:00:00+02:00")
    world.clock.set(Instant(first + 4 * DAY))
    store(world, {first + i * HOUR: 1.0 for i in range(4 * 24 + 1)}, "precipitation")
    asked = {"start": "2026-10-24", "end": "2026-10-28", "window": "1d", "limit": 2}
    address = f"{SERIES}/precipitation"
    page = client.get(address, params=asked).json()
    assert page["aggregate"] == "sum"  # the vocabulary's way for amounts
    assert page["next"] == "2026-10-26T00:00:00+01:00"
    rest = client.get(address, params=asked | {"start": page["next"]}).json()
    assert rest["next"] is None
    assert [(item["time"], item["value"]) for item in page["items"] + rest["items"]] == [
        ("2026-10-24T00:00:00+02:00", 24.0),
        ("2026-10-25T00:00:00+02:00", 25.0),
        ("2026-10-26T00:00:00+01:00", 24.0),
        ("2026-10-27T00:00:00+01:00", 24.0),
    ]


def test_totals_become_growth_with_the_width_of_the_device(
    world: ApiWorld, client: TestClient
) -> None:
    """The PCR2 counts with 16 bits: 65530 → 4 are ten persons, not a restart at zero."""
    store(
        world,
        {NOW - 3 * HOUR: 65_500.0, NOW - 2 * HOUR: 65_530.0, NOW - HOUR: 4.0},
        "people_in_total",
        station=GATE,
    )
    page = client.get(
        f"/api/v1/stations/{GATE}/series/people_in_total",
        params={"window": "1h", "start": "2026-09-26T09:30:00+02:00"},
    ).json()
    assert page["aggregate"] == "counter_delta"
    assert [item["value"] for item in page["items"]] == [30.0, 10.0]


def test_another_aggregate_can_be_asked_for(world: ApiWorld, client: TestClient) -> None:
    store(world, {NOW - 2 * MINUTE: 4.0, NOW - MINUTE: 2.0})
    for aggregate, expected in [("max", 4.0), ("min", 2.0), ("mean", 3.0), ("last", 2.0)]:
        params = {"window": "1h", "aggregate": aggregate}
        (item,) = client.get(SOIL, params=params).json()["items"]
        assert (item["time"], item["value"]) == ("2026-09-26T11:00:00+02:00", expected)
        assert (item["quality"], item["dev_eui"]) == ("good", "")


def test_csv_for_programs(world: ApiWorld, client: TestClient) -> None:
    store(world, {NOW - HOUR: 2.5, NOW - MINUTE: 3.0})
    answer = client.get(SOIL, headers={"Accept": "text/csv"}, params={"limit": 1})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content == (
        b"time,station,name,quantity,channel,value,unit,quality,dev_eui\r\n"
        b"2026-09-26T11:00:00+02:00,linde,Linde,soil_moisture,,2.5,%,good,70b3d50000000001\r\n"
    )
    link = answer.headers["link"]
    assert link.endswith('; rel="next"')
    following = client.get(link[1 : link.index(">")], headers={"Accept": "text/csv"})
    assert following.text.splitlines()[1].split(",")[5] == "3.0"


def test_csv_for_a_german_spreadsheet(world: ApiWorld, client: TestClient) -> None:
    store(world, {NOW - HOUR: 1234.5}, channel="=1+1")
    asked = {"format": "csv", "locale": "de", "channel": "=1+1"}
    answer = client.get(SOIL, params=asked)
    assert answer.content.startswith(b"\xef\xbb\xbf")
    heading, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";")
    assert heading == [
        *("Zeit", "Uhr", "Messstelle", "Name", "Messgröße", "Kanal", "Wert", "Einheit"),
        *("Qualität", "Gerät", "Gerätename"),
    ]
    assert row == [
        "26.09.2026 11:00:00",
        "MESZ",
        TREE,
        "Linde",
        "Bodenfeuchte",
        "'=1+1",
        "1234,5",
        "%",
        "gut",
        "70-B3-D5-00-00-00-00-01",
        "linde",
    ]


def table(client: TestClient, **params: object) -> list[list[str]]:
    """The rows of the German CSV, without its heading."""
    asked = {"format": "csv", "locale": "de", **params}
    answer = client.get(SOIL, params=asked)
    assert answer.status_code == 200
    text = answer.content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[1:]


def test_people_read_no_more_decimals_than_the_quantity_has(
    world: ApiWorld, client: TestClient
) -> None:
    store(world, {NOW - HOUR: 23.4, NOW - HOUR + 60 * MINUTE // 3: 23.45, NOW - MINUTE: 23.4})
    assert [row[6] for row in table(client)] == ["23,4", "23,45", "23,4"]
    means = table(client, window="1d", aggregate="mean")
    assert [row[6] for row in means] == ["23,42"]
    plain = client.get(SOIL, params={"format": "csv", "window": "1d"}).text
    assert "23.416666666666" in plain, "programs get the value as it is"


def test_the_hour_that_comes_twice_is_told_apart(world: ApiWorld, client: TestClient) -> None:
    """25 October 2026, 02:30: summer time, then winter time."""
    first = parse("2026-10-25T02:30:00+02:00")
    store(world, {first: 1.0, first + HOUR: 2.0})
    asked = {"start": "2026-10-25", "end": "2026-10-26"}
    assert [row[:2] for row in table(client, **asked)] == [
        ["25.10.2026 02:30:00", "MESZ"],
        ["25.10.2026 02:30:00", "MEZ"],
    ]


def test_csv_has_all_of_a_month_and_more(world: ApiWorld, client: TestClient) -> None:
    """More values than one page of the store; nothing is cut off without a word."""
    count = 25_003
    store(world, {NOW - n * 2 * MINUTE: float(n % 7) for n in range(1, count + 1)})
    asked = {"start": "2026-08-01", "end": "2026-10-01"}
    rows = table(client, **asked)
    assert len(rows) == count
    times = [row[0] for row in rows]
    assert len(set(times)) == count
    limited = client.get(SOIL, params={**asked, "format": "csv", "limit": 5})
    assert (len(limited.text.splitlines()), "link" in limited.headers) == (6, True)
    windows = table(client, window="5m", aggregate="last", **asked)
    assert len(windows) > 10_000


def test_too_many_windows_are_refused(client: TestClient) -> None:
    asked = {"format": "csv", "window": "1m", "start": "2020-01-01"}
    answer = client.get(SOIL, params=asked)
    assert answer.status_code == 422
    assert "windows" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"start": "yesterday"}, "start: Value error, is no time: give ISO 8601 with offset"),
        ({"start": "2026-09-26T10:00:00"}, "offset"),
        ({"start": "0001-01-01"}, "1970"),
        ({"end": "9999-12-31"}, "2255"),
        ({"start": "2026-09-27", "end": "2026-09-26"}, "swap"),
        ({"aggregate": "max"}, "needs a 'window'"),
        ({"window": "1h", "quality": "all"}, "good values only"),
        ({"window": "2h"}, "window"),
        ({"limit": 10_001}, "limit"),
        ({"channel": "a\nb"}, "channel"),
    ],
)
def test_a_question_that_makes_no_sense_says_so(
    client: TestClient, params: dict[str, str | int], says: str
) -> None:
    answer = client.get(SOIL, params=params)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_a_plus_that_became_a_space_is_understood(client: TestClient) -> None:
    assert client.get(f"{SOIL}?start=2026-09-26T00:00:00+02:00").status_code == 200


def test_an_unknown_quantity_names_its_neighbours(client: TestClient) -> None:
    answer = client.get(f"{SERIES}/soil_moistur")
    assert answer.status_code == 404
    assert "soil_moisture" in answer.json()["detail"]


@pytest.mark.parametrize("tail", ["/series", "/series/soil_moisture"])
def test_another_towns_station_is_not_there(world: ApiWorld, tail: str) -> None:
    store(world, {NOW - HOUR: 2.0}, station=FOREIGN, tenant=AWAY)
    address = f"/api/v1/stations/{FOREIGN}{tail}"
    assert world.client(Role.READER).get(address).status_code == 404
    assert world.client(Role.READER, AWAY).get(address).json()["items"]


def test_newest_values_of_the_whole_town(world: ApiWorld, client: TestClient) -> None:
    store(world, {NOW - HOUR: 2.0, NOW - MINUTE: 3.0})
    store(world, {NOW: 3.6}, "battery_voltage")
    store(world, {NOW: 9.0}, station=FOREIGN, tenant=AWAY)
    store(world, {NOW: 9.0}, station="verschwunden")  # once ours, deleted since
    answer = client.get("/api/v1/latest").json()
    assert answer == {
        "quantities": {
            "battery_voltage": {
                "unit": "V",
                "label_de": "Batteriespannung",
                "label_en": "Battery voltage",
            },
            "soil_moisture": {
                "unit": "%",
                "label_de": "Bodenfeuchte",
                "label_en": "Soil moisture",
            },
        },
        "items": [
            {
                "station": TREE,
                "name": "Linde",
                "kind": "tree",
                "latitude": 51.9607,
                "longitude": 7.6261,
                "values": [
                    {
                        "quantity": "battery_voltage",
                        "channel": "",
                        "time": "2026-09-26T12:00:00+02:00",
                        "value": 3.6,
                        "quality": "good",
                        "dev_eui": DEVICE,
                    },
                    {
                        "quantity": "soil_moisture",
                        "channel": "",
                        "time": "2026-09-26T11:59:00+02:00",
                        "value": 3.0,
                        "quality": "good",
                        "dev_eui": DEVICE,
                    },
                ],
            },
            silent(GATE),
            silent(SILENT),
        ],
        "next": None,
    }


def silent(slug: str) -> dict[str, object]:
    nowhere = {"latitude": None, "longitude": None}
    return {"station": slug, "name": slug.title(), "kind": "other", **nowhere, "values": []}


def values_by_station(answer: dict[str, list[dict[str, object]]]) -> dict[object, object]:
    return {item["station"]: item["values"] for item in answer["items"]}


def test_newest_values_of_chosen_stations(world: ApiWorld, client: TestClient) -> None:
    for station in (TREE, GATE):
        store(world, {NOW: 2.0}, station=station)
    store(world, {NOW: 3.6}, "battery_voltage")
    store(world, {NOW: 9.0}, station=FOREIGN, tenant=AWAY)
    named = client.get("/api/v1/latest", params={"stations": f"{TREE},{FOREIGN},{TREE}"})
    assert [len(item["values"]) for item in named.json()["items"]] == [2]
    park = client.get("/api/v1/latest", params={"site": "park"}).json()
    assert list(values_by_station(park)) == [TREE, SILENT]
    assert client.get("/api/v1/latest", params={"site": "empty"}).json()["items"] == []
    trees = client.get("/api/v1/latest", params={"kind": "tree"}).json()
    assert list(values_by_station(trees)) == [TREE]
    one = client.get("/api/v1/latest", params={"quantity": "battery_voltage"}).json()
    assert list(one["quantities"]) == ["battery_voltage"]
    assert [len(item["values"]) for item in one["items"]] == [1, 0, 0]


def test_newest_values_come_in_pages(world: ApiWorld, client: TestClient) -> None:
    found: list[object] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/api/v1/latest", params={"limit": 2} | cursor).json()
        found += values_by_station(page)
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == [TREE, GATE, SILENT]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"stations": TREE, "site": "park"}, 422),
        ({"stations": TREE, "kind": "tree"}, 422),
        ({"stations": ",".join(f"platz-{i}" for i in range(101))}, 422),
        ({"site": "nowhere"}, 404),
        ({"quantity": "nothing"}, 404),
    ],
)
def test_newest_values_of_what_is_not_there(
    client: TestClient, params: dict[str, str], status: int
) -> None:
    assert client.get("/api/v1/latest", params=params).status_code == status


def test_a_device_lists_the_series_that_it_feeds(world: ApiWorld, client: TestClient) -> None:
    store(world, {NOW: 20.0})
    store(world, {NOW: 5.0}, "air_quality_index")  # no quantity of this device's type
    answer = client.get(f"/api/v1/devices/{DEVICE}/series").json()
    (fed,) = answer["items"]
    assert (fed["station"], fed["quantity"], fed["unit"]) == (TREE, "soil_moisture", "%")
    assert client.get(fed["values"]).json()["items"] == []  # NOW itself belongs to the next day
    assert client.get(f"/api/v1/devices/{QUIET}/series").json()["items"] == []
    assert client.get(f"/api/v1/devices/{THEIRS}/series").status_code == 404


def test_a_datastream_is_described_once_it_has_a_value(world: ApiWorld, client: TestClient) -> None:
    editor = world.client(Role.EDITOR)
    body = {"label": "im Wurzelraum", "retention_days": 3650}
    missing = editor.put(SOIL, json=body)
    assert missing.status_code == 404
    assert "first value makes it" in missing.json()["detail"]
    store(world, {NOW: 20.0})
    with world.database.write() as connection:
        key = SeriesKey(TREE, "soil_moisture")
        make_streams(connection, {(HOME, key): Instant(NOW)})
    assert editor.put(SOIL, json=body).json() == body
    (series,) = client.get(SERIES).json()["items"]
    assert (series["label"], series["retention_days"]) == ("im Wurzelraum", 3650)
    assert client.put(SOIL, json=body).status_code == 403
    assert editor.put(SOIL, json={"retention_days": 0}).status_code == 422
    each_counts_the_revision_up(world, editor, [("PUT", SOIL.removeprefix("/api/v1/"), body)])


def test_no_answer_gives_a_value_past_its_retention(world: ApiWorld, client: TestClient) -> None:
    """All answers hide it at the same microsecond, whether it is deleted already or not."""
    store(world, {NOW - HOUR: 20.0, NOW - MINUTE: 21.5})
    store(world, {NOW - HOUR: 30.0}, "soil_temperature")
    with world.database.write() as connection:
        key = SeriesKey(TREE, "soil_moisture")
        make_streams(connection, {(HOME, key): Instant(NOW)})
    assert world.client(Role.EDITOR).put(SOIL, json={"retention_days": 90}).is_success

    def answers() -> tuple[list[float], int, list[float], list[float | None], list[float]]:
        span = {"start": "2026-09-26T00:00:00Z", "end": "2027-09-26T00:00:00Z"}
        values = client.get(SOIL, params=span).json()["items"]
        csv_rows = client.get(SOIL, params={**span, "format": "csv"}).text.splitlines()[1:]
        summed = {**span, "window": "1d", "aggregate": "sum"}
        windows = client.get(SOIL, params=summed).json()["items"]
        listed = client.get(SERIES).json()["items"]
        newest = client.get("/api/v1/latest", params={"stations": TREE}).json()["items"][0]
        return (
            [one["value"] for one in values],
            len(csv_rows),
            [one["value"] for one in windows],
            [one["latest"] and one["latest"]["value"] for one in listed],
            [one["value"] for one in newest["values"]],
        )

    world.clock.advance(90 * DAY - HOUR)
    assert answers() == ([20.0, 21.5], 2, [41.5], [21.5, 30.0], [21.5, 30.0])
    world.clock.advance(1)
    assert answers() == ([21.5], 1, [21.5], [21.5, 30.0], [21.5, 30.0])
    world.clock.advance(HOUR)
    assert answers() == ([], 0, [], [30.0], [30.0])
    assert world.client(Role.EDITOR).put(SOIL, json={"retention_days": None}).is_success
    assert answers()[0] == [20.0, 21.5]  # no worker has deleted them
