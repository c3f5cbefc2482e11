"""One uplink takes no more of the log, and a page of them no more of the API, than others."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from api_callers import HOME, ApiWorld
from databases import fresh_database
from fake_arrivals import batch_arrival, event_arrival
from fake_uplinks import (
    LSE01_PAYLOAD,
    NINE,
    UNDECODED,
    at,
    chirpstack_event,
    entry,
    event_topic,
    register,
    uplink,
)
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.intake.claims import MAX_MESSAGE, judged_claim
from stadtsinn.cloud.intake.repository import quarantined
from stadtsinn.cloud.intake.service import Ingestor
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.reader import history
from stadtsinn.cloud.log.uplinks.history_item import PAGE_BYTES
from stadtsinn.cloud.log.uplinks.repository import append, read_after
from stadtsinn.cloud.log.uplinks.rows import MAX_RADIO, radio_of, row_of
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.log.uplinks.uplink import Radio
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.decoders.reading import Decoded, Reading, Undecoded, encode_outcome
from stadtsinn.decoders.uplink import Reception, Uplink
from stadtsinn.decoders.uplink_bounds import MAX_GATEWAY_ID, MAX_RECEPTIONS, fitted
from stadtsinn.edge.messages.delivery import Batch, UplinkItem, batch_topic, encode

DEVICE = "70b3d50000000100"
EVIL = Reception("\u202eG\x1b[31m" + "x" * 30, 2**63 + 1, math.inf)
WIDEST = Reception("\U0001f600" * MAX_GATEWAY_ID, -200, -99.9)


def hostile(n: int, receptions: int = 13_000, one: Reception = EVIL) -> Uplink:
    up = uplink(n, n, payload=LSE01_PAYLOAD, dev_addr=f"{n:08x}")
    return replace(up, receptions=(one,) * receptions, frequency=2**64 - 1, data_rate=-(2**63))


def stored_radio(database: Database) -> tuple[int, Radio]:
    with database.read() as connection:
        row = connection.execute(select(func.length(uplinks.c.radio), uplinks.c.radio)).one()
    return row[0], radio_of(row[1])


def test_radio_facts_without_end_are_left_out_and_the_measurement_stays(
    ingestor: Ingestor, database: Database
) -> None:
    batch = Batch(
        edge_id="rathaus",
        stream="s",
        sent_at=NINE,
        items=(UplinkItem(1, hostile(1), UNDECODED),),
    )
    arrival = batch_arrival(batch_topic("rathaus"), encode(batch), at(1), ingestor.directory())
    ingestor.take([arrival])
    with database.read() as connection:
        assert quarantined(connection) == []
        (logged,) = read_after(connection, 0, 10)
    assert logged.readings
    size, radio = stored_radio(database)
    assert size < MAX_RADIO
    assert (radio.data_rate, radio.frequency, len(radio.receptions)) == (0, 0, MAX_RECEPTIONS)
    assert {one.rssi for one in radio.receptions} == {0}
    assert "\x1b" not in radio.receptions[0].gateway_id


def test_an_uplink_that_is_not_taken_keeps_no_more_of_them(
    ingestor: Ingestor, database: Database
) -> None:
    """So its row in quarantine is whole and can be replayed."""
    stranger = replace(hostile(1), dev_eui="70b3d5ffffffffff")
    item = UplinkItem(1, stranger, UNDECODED)
    batch = Batch(edge_id="rathaus", stream="s", sent_at=NINE, items=(item,))
    arrival = batch_arrival(batch_topic("rathaus"), encode(batch), at(1), ingestor.directory())
    ingestor.take([arrival])
    with database.read() as connection:
        (row,) = quarantined(connection)
    assert row.size == len(row.payload) < MAX_RADIO


def test_a_network_servers_event_has_the_same_bounds(
    ingestor: Ingestor, database: Database
) -> None:
    rx = {"gatewayId": "\u202e" * 60, "rssi": 900, "snr": -1e5}
    heard = {"gatewayId": "0016c001f1000001", "rssi": -71, "snr": 9.2}
    payload = chirpstack_event(
        uplink(1, 0, payload=LSE01_PAYLOAD),
        rxInfo=[rx] * 120 + [heard],
        txInfo={"frequency": 4_000_000_000},
        dr=2**31,
    )
    assert json.loads(payload)["rxInfo"][0]["rssi"] == 900
    ingestor.take([event_arrival(event_topic(), payload, at(1))])
    _, radio = stored_radio(database)
    assert (radio.data_rate, radio.frequency, len(radio.receptions)) == (0, 0, MAX_RECEPTIONS)
    assert radio.receptions[0] == Reception("0016c001f1000001", -71, 9.2)
    assert all(one.gateway_id.isprintable() for one in radio.receptions)


def test_the_widest_radio_facts_within_bounds_are_read_back() -> None:
    up = fitted(replace(hostile(1, 100, WIDEST), data_rate=15, frequency=2_400_000_000))
    stored = row_of(entry(up), 0, at(0))[-1]
    assert len(stored) <= MAX_RADIO
    assert len(radio_of(stored).receptions) == MAX_RECEPTIONS


@pytest.mark.parametrize(
    "said",
    [
        Undecoded("\x1b[2J", "m", "nobody/knows@1"),
        Undecoded("r" * 1_000_000, "m", "nobody/knows@1"),
        Undecoded("truncated", "m", "nobody/knows@" + "1" * 1_000_000),
        Decoded("nobody/knows@\x1b[2J", (Reading("soil_moisture", 3.0),)),
    ],
    ids=["reason", "long reason", "long version", "version"],
)
def test_an_edge_names_reasons_and_versions_in_words(said: Any) -> None:
    assert judged_claim(encode_outcome(said), "nobody/knows", NINE) is None


def test_what_an_edge_explains_has_an_end() -> None:
    said = Undecoded("truncated", "\x1b[2J" * 100_000, "nobody/knows@1")
    judged = judged_claim(encode_outcome(said), "nobody/knows", NINE)
    assert isinstance(judged, Undecoded)
    assert len(judged.message) <= MAX_MESSAGE
    assert "\x1b" not in judged.message


# --- rows that older versions stored -----------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> ApiWorld:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    register(made.database, DEVICE, tenant_id=HOME)
    return made


def store(database: Database, ups: list[Uplink], message: str = "m") -> None:
    with database.write() as connection:
        said = Undecoded("truncated", message)
        append(connection, [entry(up, tenant_id=HOME, outcome=said) for up in ups], at(0))


def pages(world: ApiWorld, limit: int) -> list[list[dict[str, Any]]]:
    client, found, cursor = world.client(Role.READER), [], None
    while True:
        params: dict[str, Any] = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = client.get(f"/api/v1/devices/{DEVICE}/uplinks", params=params).json()
        found.append(answer["items"])
        if (cursor := answer["next"]) is None:
            return found


@pytest.mark.parametrize("archived", [False, True], ids=["table", "archive"])
def test_older_rows_without_end_are_shown_within_bounds(world: ApiWorld, archived: bool) -> None:
    store(world.database, [hostile(1), hostile(2, 60), uplink(3, 3)])
    if archived:
        list(archive_before(world.database, world.archive, Instant(NINE + DAY), (), world.clock))
    ((plain, some, without),) = pages(world, 30)
    assert plain["receptions"][0]["rssi"] == -71
    assert without["receptions"] == []
    assert len(some["receptions"]) == MAX_RECEPTIONS
    assert (some["frequency"], some["data_rate"]) == (0, 0)
    assert {one["snr"] for one in some["receptions"]} == {0}


@pytest.mark.parametrize("archived", [False, True], ids=["table", "archive"])
def test_a_page_of_large_rows_ends_early_and_nothing_is_left_out(
    world: ApiWorld, archived: bool
) -> None:
    """Of archived days and table together; each page shows what fills it and no more."""
    size = PAGE_BYTES // 4
    large = [replace(uplink(n, n), dev_addr=f"{n:08x}") for n in range(10)]
    store(world.database, large, "x" * size)
    if archived:
        list(archive_before(world.database, world.archive, Instant(NINE + DAY), (), world.clock))
    store(world.database, [replace(uplink(n, n), dev_addr=f"{n:08x}") for n in range(10, 15)])
    found = pages(world, 100)
    assert [one["f_cnt"] for page in found for one in page] == list(range(14, -1, -1))
    assert [len(page) for page in found] == [9, 4, 2]
    assert [len(page) for page in pages(world, 2)] == [2] * 7 + [1]


def test_no_more_large_rows_are_read_than_a_page_shows(world: ApiWorld) -> None:
    ups = [replace(uplink(n, n), dev_addr=f"{n:08x}") for n in range(8)]
    store(world.database, ups, "x" * PAGE_BYTES)
    with world.database.read() as connection:
        items = history(connection, world.archive, Scope(HOME, Role.READER, 1), DEVICE)
    assert [item.uplink.f_cnt for item in items] == [7, 6]
