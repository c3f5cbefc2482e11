"""Every kind of bad input has its reason, its row and its counter, and stops nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from fake_arrivals import batch_arrival, event_arrival
from fake_uplinks import (
    LSE01_PAYLOAD,
    NINE,
    UNDECODED,
    at,
    chirpstack_event,
    event_topic,
    uplink,
)
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.arrival import STORED_BYTES, Arrival
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.intake.repository import quarantined
from stadtsinn.cloud.intake.service import Ingestor
from stadtsinn.cloud.log.uplinks.repository import head, read_after
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.decoders.reading import Decoded, Reading
from stadtsinn.decoders.uplink import TimeSource
from stadtsinn.edge.messages.delivery import Batch, RawItem, UplinkItem, batch_topic, encode

GOOD = uplink(1, 0, payload=LSE01_PAYLOAD)


def event(payload: bytes, topic: str = event_topic(), tenant: str | None = None) -> Arrival:
    return event_arrival(topic, payload, at(1), tenant=tenant)


def changed(**fields: Any) -> bytes:
    return chirpstack_event(GOOD, **fields)


def device_info(**fields: Any) -> bytes:
    info = json.loads(chirpstack_event(GOOD))["deviceInfo"]
    return chirpstack_event(GOOD, deviceInfo={**info, **fields})


@dataclass(frozen=True)
class Case:
    name: str
    arrival: Arrival
    reason: str


EVENTS = [
    Case("truncated JSON", event(chirpstack_event(GOOD)[:-7]), "malformed_json"),
    Case("JSON of something else", event(b'{"temperature": 21}'), "missing_field"),
    Case("neither JSON nor protobuf", event(b"\xff\xff\xffhello"), "malformed_protobuf"),
    Case("nothing at all", event(b""), "missing_field"),
    Case("NUL bytes", event(b"\0" * 50), "malformed_protobuf"),
    Case("wrong base64", event(changed(data="@@@=")), "wrong_base64"),
    Case("payload over 242 bytes", event(changed(data="AAAA" * 81)), "oversized_payload"),
    Case("negative counter", event(changed(fCnt=-1)), "bad_field"),
    Case("NaN where a number belongs", event(changed(fCnt=float("nan"))), "bad_field"),
    Case("DevEUI that is none", event(device_info(devEui="zzz")), "bad_dev_eui"),
    Case(
        "DevEUI other than the topic's",
        event(chirpstack_event(GOOD), event_topic("00" * 8)),
        "bad_dev_eui",
    ),
    Case(
        "topic of somebody else", event(chirpstack_event(GOOD), "zigbee2mqtt/lamp"), "unknown_topic"
    ),
    Case("one megabyte", event(b"{" + b" " * 1_000_000), "too_large"),
    Case(
        "encrypted for a join server",
        event(changed(joinServerContext={"sessionKeyId": "x"})),
        "encrypted_payload",
    ),
    Case(
        "device that nobody registered",
        event(
            chirpstack_event(replace(GOOD, dev_eui="70b3d5ffffffffff")),
            event_topic("70b3d5ffffffffff"),
        ),
        "unregistered_device",
    ),
    Case(
        "network server of another tenant",
        event(chirpstack_event(GOOD), tenant="nachbar"),
        "wrong_tenant",
    ),
]


@pytest.mark.parametrize("case", EVENTS, ids=lambda case: case.name)
def test_a_bad_event_is_quarantined_and_the_next_one_goes_in(
    ingestor: Ingestor, database: Database, case: Case
) -> None:
    before = _counter(case.reason)
    good = event(chirpstack_event(uplink(2, 5, payload=LSE01_PAYLOAD)))
    ingestor.take([case.arrival, good])
    with database.read() as connection:
        rows = quarantined(connection)
        logged = read_after(connection, 0, 10)
    assert [(row.reason, row.times) for row in rows] == [(case.reason, 1)]
    assert rows[0].detail
    assert [u.f_cnt for u in logged] == [2]
    assert _counter(case.reason) == before + 1


def _counter(reason: str) -> float:
    return (
        REGISTRY.get_sample_value("stadtsinn_ingest_quarantined_total", {"reason": reason}) or 0.0
    )


def test_a_resent_bad_event_counts_up_its_row(ingestor: Ingestor, database: Database) -> None:
    for _ in range(3):
        ingestor.take([event(b"{nonsense"), event(b"{nonsense")])
    with database.read() as connection:
        (row,) = quarantined(connection)
    assert row.times == 6
    assert row.payload == b"{nonsense"


def test_a_huge_message_is_kept_only_in_part(ingestor: Ingestor, database: Database) -> None:
    ingestor.take([event(b"{" + b"x" * 1_000_000)])
    with database.read() as connection:
        (row,) = quarantined(connection)
    assert row.size == 1_000_001
    assert len(row.payload) == STORED_BYTES
    assert row.never == "cut"


def test_a_join_is_no_bad_input(ingestor: Ingestor, database: Database) -> None:
    ingestor.take([event(b"{}", event_topic().replace("/up", "/join"))])
    with database.read() as connection:
        assert quarantined(connection) == []
        assert head(connection) == 0


def test_1980_and_the_future_never_become_event_time(
    ingestor: Ingestor, database: Database
) -> None:
    """A gateway whose clock is wrong costs nothing where the network server's is right."""
    for n, wrong in enumerate(("1980-01-06T00:00:00+00:00", "2060-01-01T00:00:00+00:00")):
        fields = json.loads(chirpstack_event(uplink(n, 1, payload=LSE01_PAYLOAD)))
        fields["rxInfo"][0]["gwTime"] = wrong
        ingestor.take([event(json.dumps(fields).encode())])
    with database.read() as connection:
        logged = read_after(connection, 0, 10)
    assert [u.event_time for u in logged] == [at(1), at(1)]
    assert {u.time_source for u in logged} == {TimeSource.NETWORK_SERVER}


# --- edges -----------------------------------------------------------------------------


def batch(*items: UplinkItem | RawItem, edge_id: str = "rathaus", **fields: Any) -> bytes:
    message = Batch(edge_id=edge_id, stream="spool-1", sent_at=NINE, items=items)
    return encode(replace(message, **fields))


def item(position: int, up: Any, outcome: Any = UNDECODED) -> UplinkItem:
    return UplinkItem(position, up, outcome)


def from_edge(ingestor: Ingestor, payload: bytes, topic: str = batch_topic("rathaus")) -> Arrival:
    return batch_arrival(topic, payload, at(1), ingestor.directory())


MALFORMED = [
    ("noise", b"\xc1\xff\x00", "malformed_batch"),
    ("a truncated batch", batch(item(1, GOOD))[:-3], "malformed_batch"),
    ("an empty batch", batch(), "malformed_batch"),
    ("another edge's id", batch(item(1, GOOD), edge_id="other"), "malformed_batch"),
    ("positions with a hole", batch(item(1, GOOD), item(3, GOOD)), "malformed_batch"),
    ("position 0", batch(item(0, GOOD)), "malformed_batch"),
    ("a version to come", batch(item(1, GOOD), version=2), "unsupported_version"),
    ("five megabytes", b"\x93" * 5_000_000, "too_large"),
]


@pytest.mark.parametrize(
    ("what", "payload", "reason"), MALFORMED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_bad_batch_is_quarantined_and_not_acknowledged(
    ingestor: Ingestor, database: Database, what: str, payload: bytes, reason: str
) -> None:
    """The edge keeps what is not acknowledged: nothing is lost by a batch that was damaged."""
    good = from_edge(ingestor, batch(item(1, GOOD)))
    committed = ingestor.take([from_edge(ingestor, payload), good])
    assert committed.positions == {("rathaus", "spool-1"): 1}
    with database.read() as connection:
        assert [row.reason for row in quarantined(connection)] == [reason], what
        assert head(connection) == 1


BAD_ITEMS = [
    ("another tenant's device", replace(GOOD, dev_eui="70b3d50000000200"), "wrong_tenant"),
    ("nobody's device", replace(GOOD, dev_eui="70b3d5ffffffffff"), "unregistered_device"),
    ("DevEUI with NUL", replace(GOOD, dev_eui="70b3\0"), "unregistered_device"),
    ("a payload no frame carries", replace(GOOD, payload=b"x" * 243), "oversized_payload"),
    ("no time at all", replace(GOOD, event_time=0, received_at=-1), "implausible_time"),
    ("address with letters", replace(GOOD, dev_addr="01g2h3k4"), "bad_field"),
    ("counter over 32 bits", replace(GOOD, f_cnt=2**32), "bad_field"),
    ("negative port", replace(GOOD, f_port=-1), "bad_field"),
    ("event id with NUL", replace(GOOD, deduplication_id="a\0b"), "bad_field"),
    ("event id without end", replace(GOOD, deduplication_id="x" * 65), "bad_field"),
    ("received before time began", replace(GOOD, received_at=-1), "bad_field"),
]


@pytest.mark.parametrize(
    ("what", "bad", "reason"), BAD_ITEMS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_bad_item_is_quarantined_alone_and_the_batch_acknowledged(
    ingestor: Ingestor, database: Database, what: str, bad: Any, reason: str
) -> None:
    payload = batch(item(1, uplink(1, 0)), item(2, bad), item(3, uplink(3, 2)))
    committed = ingestor.take([from_edge(ingestor, payload)])
    assert committed.positions == {("rathaus", "spool-1"): 3}
    with database.read() as connection:
        (row,) = quarantined(connection)
        assert (row.reason, row.source, row.tenant_id) == (reason, "edge:rathaus", "musterstadt")
        assert [u.f_cnt for u in read_after(connection, 0, 10)] == [1, 3], what


@pytest.mark.parametrize("event_time", [at(-46 * 365 * 86_400), at(3 * 3600), 2**62])
def test_an_event_time_that_cannot_be_gives_way_to_the_reception(
    ingestor: Ingestor, database: Database, event_time: Instant
) -> None:
    """1980, two hours ahead of us, the year 200000, beside a reception that can be."""
    up = replace(uplink(2, 1, payload=LSE01_PAYLOAD), event_time=event_time)
    ingestor.take([from_edge(ingestor, batch(item(1, up)))])
    with database.read() as connection:
        assert quarantined(connection) == []
        (entry,) = read_after(connection, 0, 10)
    assert (entry.event_time, entry.time_source) == (up.received_at, TimeSource.CORRECTED)


def test_what_an_edge_could_not_read_is_quarantined_with_a_word_of_ours(
    ingestor: Ingestor, database: Database
) -> None:
    raw = RawItem(1, event_topic(), b"{broken", "malformed_json", at(0))
    odd = RawItem(2, "x/\0/y", b"\0", "a word\0\x1b[2J" * 40, at(0))
    committed = ingestor.take([from_edge(ingestor, batch(raw, odd))])
    assert committed.positions == {("rathaus", "spool-1"): 2}
    with database.read() as connection:
        newest, first = quarantined(connection)
    assert (first.reason, first.payload, first.topic) == (
        "malformed_json",
        b"{broken",
        event_topic(),
    )
    assert "\0" not in newest.topic
    assert newest.reason is Reason.UNREADABLE_AT_EDGE


def test_a_stranger_is_named_once_and_its_data_stay_in_its_spool(
    ingestor: Ingestor, database: Database
) -> None:
    topic = batch_topic("unbekannt")
    payloads = [batch(item(n, GOOD), edge_id="unbekannt") for n in (1, 2)]
    committed = ingestor.take([from_edge(ingestor, payload, topic) for payload in payloads])
    assert committed.positions == {}
    with database.read() as connection:
        (row,) = quarantined(connection)
        assert head(connection) == 0
    assert (row.reason, row.times, row.payload) == ("unknown_edge", 2, b"")
    assert "unbekannt" in row.detail


NAN_READINGS = [
    Reading("soil_moisture", float("nan")),
    Reading("soil_moisture", float("inf")),
    Reading("no_such_quantity", 1.0),
    Reading("soil_moisture", 1.0, event_time=at(9e9)),
]


@pytest.mark.parametrize("reading", NAN_READINGS, ids=str)
def test_an_edge_cannot_bring_in_values_that_no_decoder_makes(
    ingestor: Ingestor, database: Database, reading: Reading
) -> None:
    """The payload is decoded here instead."""
    version = ingestor_version("dragino/lse01")
    up = replace(GOOD, device_type="dragino/lse01")
    ingestor.take([from_edge(ingestor, batch(item(1, up, Decoded(version, (reading,)))))])
    with database.read() as connection:
        (logged,) = read_after(connection, 0, 10)
    assert {r.quantity: r.value for r in logged.readings}["soil_moisture"] == 19.57
    assert reading not in logged.readings


def ingestor_version(device_type: str) -> str:
    from stadtsinn.decoders.catalogue import catalogue

    return catalogue().decode(device_type, 2, LSE01_PAYLOAD).decoder


@pytest.mark.parametrize("kind", ["join", "status", "ack", "txack", "log", "location", "novelty"])
@pytest.mark.parametrize("payload", [b"{}", b"\xff", b"", b"{" + b" " * 70_000])
def test_events_that_are_no_uplink_are_counted_and_dropped(kind: str, payload: bytes) -> None:
    """Whatever is in them: docs/edge.md, "Events that are no uplink"."""
    topic = event_topic().replace("/event/up", f"/event/{kind}")
    assert event(payload, topic) == Arrival(other="unknown" if kind == "novelty" else kind)
