"""What an InfluxDB's refusals come to: tried again, left out, or said to the operator."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from fake_influx import ScriptedInflux, serving
from real_parts import InfluxServer
from real_series import SeriesAddress, fresh_address, open_at
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.influxdb import store as influx_store_module
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import (
    Point,
    SeriesKey,
    SeriesStore,
    SeriesUnavailable,
)
from stadtsinn.decoders.reading import Quality
from stadtsinn.simulator.demo.ports import free_port

NOON = Instant(1_780_000_000_000_000)
EVER = (Instant(0), Instant(2_000_000_000_000_000))
TOKEN = "a-token-that-nobody-may-see"


@pytest.fixture
def scripted() -> Iterator[ScriptedInflux]:
    with serving() as server:
        yield server


def point(number: int, quantity: str = "soil_moisture") -> Point:
    key = SeriesKey("linde", quantity)
    return Point("musterstadt", "soil", key, Instant(NOON + number), float(number), dev_eui="a840")


def said(message: str) -> str:
    return json.dumps({"code": "invalid", "message": message})


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "check the token"),
        (403, "check the token"),
        (429, "again"),
        (503, "log"),
        (500, "log"),
    ],
)
def test_what_may_go_away_is_unavailable(
    scripted: ScriptedInflux, status: int, remedy: str
) -> None:
    store = open_store(scripted.url, token=TOKEN)
    scripted.script = [(status, said("no"))]
    with pytest.raises(SeriesUnavailable, match=remedy) as failed:
        store.write([point(1)])
    assert TOKEN not in str(failed.value)
    scripted.script = [(status, said("no"))]
    with pytest.raises(SeriesUnavailable, match=remedy):
        store.ping()
    assert store.write([point(1)]) == []
    store.close()


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    store = open_store(f"influxdb://127.0.0.1:{free_port()}", token=TOKEN)
    for call in (store.ping, lambda: store.write([point(1)]), lambda: store.latest("t", None)):
        with pytest.raises(SeriesUnavailable, match="check that it runs") as failed:
            call()
        assert TOKEN not in str(failed.value)
    store.close()


def test_one_point_that_the_server_refuses_is_found_and_left_out(scripted: ScriptedInflux) -> None:
    store = open_store(scripted.url)
    refusal = (400, said("unable to parse 'soil,device=a840 ...': whatever"))
    # All; then per field: moisture (refused: its half 0-1, then 2-3 refused: 2, then 3 refused),
    # temperature.
    scripted.script = [refusal, refusal, (204, ""), refusal, (204, ""), refusal, (204, "")]
    points = [*(point(i) for i in range(4)), point(9, "soil_temperature")]
    (refused,) = store.write(points)
    assert refused.count == 1
    assert "soil_moisture" in refused.what
    assert "unable to parse" in refused.reason
    sent = [body.decode().count("\n") + 1 for body in scripted.bodies]
    assert sent == [5, 4, 2, 2, 1, 1, 1]
    assert b"soil_moisture=3.0" in scripted.bodies[-2]
    store.close()


_LOWER = "dropped because it violates a Retention Policy Lower Bound at 2026-06-01T00:00:00Z"
_NEWER_WORDS = (
    "failure writing points to database: partial write: dropped 3 points outside retention policy "
    "of duration 24h0m0s - oldest point soil,channel={channel} at 2026-01-01T00:00:00Z {oldest}, "
    "newest point soil,channel={channel} at 2026-01-02T00:00:00Z {newest} dropped=3 for "
    "database: 9f282d63c7d3a5c0 for retention policy: autogen"
)

EXPIRED = [
    (400, "partial write: points beyond retention policy dropped=3"),
    (422, "failure writing points: partial write: points beyond retention policy dropped=3"),
    (500, "unexpected error: partial write: points beyond retention policy dropped=3"),
    (422, _NEWER_WORDS.format(channel="", oldest=_LOWER, newest=_LOWER)),
    (422, _NEWER_WORDS.format(channel="x" * 400, oldest=_LOWER, newest=_LOWER)),
]
"""Where each wording was seen: influxdata/telegraf issues 12416 (400) and 8571 (500 of 2.0),
influxdata/influxdb-client-java issue 597 (422 of 2.7.1), bb-Ricardo/fritzinfluxdb issue 143 (the
newer words), influxdata/docs-v2 issue 6071 (which generation says what)."""


@pytest.mark.parametrize(("status", "text"), EXPIRED)
def test_points_past_the_servers_retention_are_no_news(
    scripted: ScriptedInflux, status: int, text: str
) -> None:
    """Neither refused nor sent again: the server stored the others and would delete these."""
    store = open_store(scripted.url)
    scripted.script = [(status, said(text))]
    assert store.write([point(i) for i in range(5)]) == []
    assert len(scripted.bodies) == 1
    store.close()


_WINDOW = "dropped because it violates a Write Window Lower Bound at 2026-06-01T00:00:00Z"
_FUTURE = "dropped because it violates a Write Window Upper Bound at 2026-06-01T00:00:00Z"
LOST = [
    (422, _NEWER_WORDS.format(channel="", oldest=_WINDOW, newest=_WINDOW)),
    (422, _NEWER_WORDS.format(channel="", oldest=_LOWER, newest=_FUTURE)),
    (422, "partial write: max-values-per-tag limit exceeded (100/100): station dropped=3"),
    (500, "unexpected error: partial write: field type conflict: input field x dropped=3"),
]


@pytest.mark.parametrize(("status", "text"), LOST)
def test_what_another_limit_leaves_out_is_counted_once(
    scripted: ScriptedInflux, status: int, text: str
) -> None:
    """These are lost: they are counted, and neither taken apart nor tried for ever."""
    store = open_store(scripted.url)
    scripted.script = [(status, said(text))] * 2
    (refused,) = store.write([point(i) for i in range(5)])
    assert refused.count == 3
    assert len(scripted.bodies) == 2
    store.close()


def test_a_request_that_is_too_large_is_halved(scripted: ScriptedInflux) -> None:
    store = open_store(scripted.url)
    scripted.script = [(413, said("request too large"))] * 2
    assert store.write([point(i) for i in range(4)]) == []
    assert [body.count(b"\n") + 1 for body in scripted.bodies] == [4, 4, 2, 2]
    store.close()


@pytest.fixture
def address(influx: InfluxServer) -> SeriesAddress:
    return fresh_address(influx)


@pytest.fixture
def bucket(address: SeriesAddress) -> str:
    return f"{address.url.rpartition('/')[2]}-musterstadt"


@pytest.fixture
def real(address: SeriesAddress) -> Iterator[SeriesStore]:
    store = open_at(address)
    yield store
    store.drop_tenant("musterstadt")
    store.close()


def test_a_field_of_another_type_refuses_only_its_own_values(
    real: SeriesStore, influx: InfluxServer, bucket: str
) -> None:
    """Somebody wrote a text by hand where our numbers go."""
    real.write([point(0, "tilt")])
    answer = httpx.post(
        f"{influx.url}/api/v2/write",
        params={"bucket": bucket, "org": influx.org, "precision": "us"},
        headers=influx.headers,
        content=f'soil,device=hand soil_moisture="wet" {NOON}',
    )
    assert answer.status_code == 204
    points = [point(i, name) for i in range(100) for name in ("soil_moisture", "soil_temperature")]
    (refused,) = real.write(points)
    assert refused.count == 100
    assert "field type conflict" in refused.reason
    temperature = SeriesKey("linde", "soil_temperature")
    assert len(real.read("musterstadt", temperature, *EVER)) == 100


def test_a_database_that_vanished_is_made_again(real: SeriesStore, address: SeriesAddress) -> None:
    real.write([point(0)])
    administrator = open_at(address)
    assert administrator.erase_tenant("musterstadt") is None
    administrator.close()
    assert real.read("musterstadt", point(0).key, *EVER) == []
    assert real.write([point(1)]) == []
    assert [s.value for s in real.read("musterstadt", point(0).key, *EVER)] == [1.0]


def test_doubtful_values_have_a_field_of_their_own(
    real: SeriesStore, influx: InfluxServer, bucket: str
) -> None:
    """What docs/influxdb.md promises to whoever looks with Grafana."""
    key = SeriesKey("linde", "soil_moisture", "30cm")
    doubtful = Point("musterstadt", "soil", key, NOON, 240.0, Quality.SUSPECT, "a840")
    real.write([doubtful, point(0)])
    query = {"db": bucket, "q": "SELECT * FROM soil", "epoch": "u"}
    answer = httpx.get(f"{influx.url}/query", params=query, headers=influx.headers)
    (table,) = answer.json()["results"][0]["series"]
    assert table["columns"] == [
        "time",
        "channel",
        "device",
        "soil_moisture",
        "soil_moisture_suspect",
        "station",
    ]
    assert [NOON, "30cm", "a840", None, 240, "linde"] in table["values"]
    assert [NOON, None, "a840", 0, None, "linde"] in table["values"]


def many(count: int) -> Iterator[Point]:
    return (point(number) for number in range(count))


def test_points_go_out_in_their_order_in_several_requests(
    scripted: ScriptedInflux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influx_store_module, "_AT_ONCE", 3)
    store = open_store(scripted.url)
    assert store.write(many(8)) == []
    times = [int(line.split()[-1]) for body in scripted.bodies for line in body.splitlines()]
    assert times == [NOON + number for number in range(8)]
    assert len(scripted.bodies) == 3


def test_no_request_follows_one_that_was_not_answered(
    scripted: ScriptedInflux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influx_store_module, "_AT_ONCE", 3)
    scripted.script = [(204, ""), (503, said("away"))]
    with pytest.raises(SeriesUnavailable):
        open_store(scripted.url).write(many(12))
    assert len(scripted.bodies) == 2


def test_the_last_request_counts_as_well(
    scripted: ScriptedInflux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influx_store_module, "_AT_ONCE", 3)
    scripted.script = [(204, ""), (204, ""), (503, said("away"))]
    with pytest.raises(SeriesUnavailable):
        open_store(scripted.url).write(many(9))


def test_what_is_refused_in_any_request_is_reported(
    scripted: ScriptedInflux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influx_store_module, "_AT_ONCE", 1)
    no = (400, said("unable to parse"))
    scripted.script = [no, no, (204, ""), no, no]
    refused = open_store(scripted.url).write(many(3))
    assert [report.count for report in refused] == [1, 1]
