"""The contract of NetworkServerFormat, tested with each: equal frames give equal uplinks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fake_chirpstack
import fake_the_things_stack
from stadtsinn.base.instant import HOUR, SECOND, Instant, parse
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.edge.messages.device_types import DeviceTypes
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.event_time import GatewayClocks
from stadtsinn.edge.network_servers.format import (
    MAX_EVENT,
    UP,
    NetworkServerFormat,
    OtherEvent,
    UnreadableEvent,
)
from stadtsinn.edge.network_servers.formats import FORMATS
from stadtsinn.edge.network_servers.the_things_stack import TheThingsStack

NOW = parse("2026-06-01T12:00:00+00:00")
EUI = "70b3d50000000100"


@dataclass(frozen=True)
class Case:
    """A format and how to make its events."""

    server: NetworkServerFormat
    topic: Callable[[str, str], str]
    event: Callable[..., bytes]
    """f_cnt, moment, then what `_chirpstack` and `_the_things_stack` take."""
    other_topics: dict[str, str]
    """Kind → the end of its topic."""
    frame: frozenset[tuple[str, ...]]
    """Where an event has what makes the frame, without which there is no uplink."""

    def read(self, **fields: Any) -> Uplink:
        payload = self.event(**{"f_cnt": 7, "moment": NOW, **fields})
        uplink = self.server.read(self.topic(EUI, UP), payload, NOW)
        assert isinstance(uplink, Uplink)
        return uplink


def _chirpstack(
    f_cnt: int,
    moment: Instant,
    *,
    attribute: str | None = None,
    model: str = "",
    receptions: list[tuple[Instant | None, Instant | None]] | None = None,
    **fields: Any,
) -> bytes:
    if receptions is not None:
        fields["rxInfo"] = [fake_chirpstack.reception(*times) for times in receptions]
    tags = {"stadtsinn_device": attribute} if attribute else {}
    event = fake_chirpstack.uplink(f_cnt, moment, profile=model, tags=tags, **fields)
    return fake_chirpstack.encode(event)


def _the_things_stack(
    f_cnt: int,
    moment: Instant,
    *,
    attribute: str | None = None,
    model: str = "",
    receptions: list[tuple[Instant | None, Instant | None]] | None = None,
    **fields: Any,
) -> bytes:
    message: dict[str, Any] = {}
    if receptions is not None:
        message["rx_metadata"] = [fake_the_things_stack.reception(*times) for times in receptions]
    if attribute:
        message["attributes"] = {"stadtsinn-device": attribute}
    if model:
        brand, _, name = model.partition("/")
        message["version_ids"] = {"brand_id": brand, "model_id": name}
    event = fake_the_things_stack.uplink(f_cnt, moment, message=message, **fields)
    return fake_the_things_stack.encode(event)


CASES = {
    "chirpstack": Case(
        ChirpStack(),
        fake_chirpstack.topic,
        _chirpstack,
        {
            **{
                kind: kind
                for kind in ("join", "status", "ack", "txack", "log", "location", "integration")
            },
            "unknown": "novelty",
        },
        frozenset(
            {
                ("deviceInfo",),
                ("deviceInfo", "devEui"),
                ("devAddr",),
                ("fCnt",),
                ("fPort",),
                ("data",),
            }
        ),
    ),
    "the_things_stack": Case(
        TheThingsStack(),
        fake_the_things_stack.topic,
        _the_things_stack,
        {
            "join": "join",
            "downlink": "down/queue_invalidated",
            "location": "location/solved",
            "service_data": "service/data",
            "normalized": "up/normalized",
            "unknown": "up/novelty",
        },
        frozenset(
            {
                ("end_device_ids",),
                ("end_device_ids", "device_id"),
                ("end_device_ids", "dev_eui"),
                ("end_device_ids", "dev_addr"),
                ("uplink_message",),
                ("uplink_message", "f_port"),
                ("uplink_message", "f_cnt"),
                ("uplink_message", "frm_payload"),
            }
        ),
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def test_every_format_is_held_to_the_contract() -> None:
    assert CASES.keys() == FORMATS.keys()
    assert all(len(name) <= 32 for name in FORMATS)


def test_the_frame(case: Case) -> None:
    """A frame's identity and content are the same from every network server."""
    uplink = case.read()
    assert (uplink.dev_eui, uplink.dev_addr, uplink.f_cnt) == (EUI, "01e8b740", 7)
    assert (uplink.f_port, uplink.payload) == (2, fake_chirpstack.LSE01_PAYLOAD)
    assert (uplink.data_rate, uplink.frequency) == (5, 868_100_000)
    assert [(r.gateway_id, r.rssi, r.snr) for r in uplink.receptions] == [
        (fake_chirpstack.GATEWAY, -80, 8.5)
    ]
    assert uplink.received_at == NOW


def test_counter_zero_and_full_counters(case: Case) -> None:
    assert case.read(f_cnt=0).f_cnt == 0
    assert case.read(f_cnt=2**32 - 1).f_cnt == 2**32 - 1


def test_a_frame_without_application_data_has_no_payload(case: Case) -> None:
    for commands in (b"", b"\x02\x0a\x03"):
        uplink = case.read(f_port=0, payload=commands)
        assert (uplink.f_port, uplink.payload) == (0, b"")


def test_an_empty_payload_at_a_port_is_a_measurement(case: Case) -> None:
    uplink = case.read(f_port=9, payload=b"")
    assert (uplink.f_port, uplink.payload) == (9, b"")


def test_a_resent_event_has_the_same_id(case: Case) -> None:
    assert case.read().deduplication_id == case.read().deduplication_id != ""
    assert case.read().deduplication_id != case.read(f_cnt=8).deduplication_id
    assert len(case.read().deduplication_id) <= 64


@pytest.mark.parametrize(
    ("gateway_time", "event_time", "source"),
    [
        (NOW - 200_000, NOW - 200_000, TimeSource.GATEWAY),
        (NOW - 6 * HOUR, NOW - 6 * HOUR, TimeSource.GATEWAY),
        (NOW - 30 * HOUR, NOW, TimeSource.NETWORK_SERVER),
        (NOW + HOUR, NOW, TimeSource.NETWORK_SERVER),
        (Instant(SECOND), NOW, TimeSource.NETWORK_SERVER),
        (None, NOW, TimeSource.NETWORK_SERVER),
    ],
)
def test_event_time_by_the_same_rule(
    case: Case, gateway_time: Instant | None, event_time: Instant, source: TimeSource
) -> None:
    """Live, six hours late, a clock a day behind, an hour ahead, at 1970, and none."""
    uplink = case.read(receptions=[(gateway_time, NOW)])
    assert (uplink.event_time, uplink.time_source) == (event_time, source)


def test_gateway_clocks_are_learned_by_the_same_id(case: Case) -> None:
    """All formats use the same gateway id, so a lag found through one server applies to all."""
    clocks = GatewayClocks()
    for minute in range(3):
        arrival = Instant(NOW + minute * 60 * SECOND)
        payload = case.event(minute, arrival, receptions=[(Instant(arrival - 2 * HOUR), arrival)])
        case.server.read(case.topic(EUI, UP), payload, arrival, clocks)
    assert clocks.faulty(fake_chirpstack.GATEWAY)


def test_no_reception_at_all_leaves_the_servers_time(case: Case) -> None:
    uplink = case.read(receptions=[])
    assert (uplink.event_time, uplink.time_source) == (NOW, TimeSource.NETWORK_SERVER)
    assert uplink.receptions == ()


def test_device_type_by_attribute_or_model(case: Case) -> None:
    types = DeviceTypes({}, {"dragino/lse01"}.__contains__)
    assert types.resolve(case.read(attribute="bosch/tps110")) == "bosch/tps110"
    assert types.resolve(case.read(model="dragino/lse01")) == "dragino/lse01"
    assert types.resolve(case.read(model="nobody/knows")) is None
    mapped = DeviceTypes({EUI: "by/device", "nobody/knows": "by/model"}, lambda _: False)
    assert mapped.resolve(case.read(attribute="bosch/tps110")) == "by/device"


def test_kind_of_event_follows_from_its_topic(case: Case) -> None:
    assert case.server.kind_of(case.topic(EUI, UP)) == UP
    assert case.server.kind_of("zigbee2mqtt/lamp") is None
    for kind, end in case.other_topics.items():
        topic = case.topic(EUI, end)
        assert case.server.kind_of(topic) == kind
        assert case.server.read(topic, b"\xff", NOW) == OtherEvent(kind)


def test_the_guide_says_what_becomes_of_each_kind_of_event(case: Case) -> None:
    """docs/edge.md has a line for every kind that is distinguished."""
    guide = (Path(__file__).parents[3] / "docs" / "edge.md").read_text()
    table = guide.partition("### Events that are no uplink")[2].partition("\n#")[0]
    named = {kind for line in table.splitlines() for kind in line.partition("|")[2].split("`")}
    assert set(case.other_topics) <= named


# --- optional facts --------------------------------------------------------------------

ODD: list[Any] = [
    None,
    "NaN",
    float("nan"),
    "Infinity",
    float("inf"),
    "",
    "x",
    [],
    [None],
    {},
    True,
    -1,
    1.5,
]
"""What relays and servers put where a fact is missing, and what else JSON can say there.

Null for SNR, time and location: https://github.com/chirpstack/chirpstack/issues/883 and
https://www.chirpstack.io/application-server/integrations/events/. Text for what is no number:
https://protobuf.dev/programming-guides/json/. Bare NaN: https://github.com/esphome/issues/issues/1436
and https://github.com/Blueforcer/awtrix-ng/issues/9, where one value cost the whole message.
"""


def _paths(document: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if at:
        yield at
    children = document.items() if isinstance(document, dict) else enumerate(document)
    for name, child in children:
        if isinstance(child, dict | list):
            yield from _paths(child, (*at, name))
        else:
            yield (*at, name)


def _with(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = json.loads(json.dumps(document))
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def _identity(uplink: Uplink) -> tuple[Any, ...]:
    return uplink.dev_eui, uplink.dev_addr, uplink.f_cnt, uplink.f_port, uplink.payload


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_optional_fact_costs_a_measurement(name: str, odd: Any) -> None:
    """Each field but the frame's own, with each value that is no such fact."""
    case = CASES[name]
    whole = json.loads(case.event(7, NOW, attribute="bosch/tps110", model="dragino/lse01"))
    wanted = _identity(case.read())
    tried = 0
    for path in _paths(whole):
        if path in case.frame:
            continue
        payload = json.dumps(_with(whole, path, odd)).encode()
        uplink = case.server.read(case.topic(EUI, UP), payload, NOW)
        assert isinstance(uplink, Uplink), path
        assert _identity(uplink) == wanted, path
        assert abs(uplink.event_time - NOW) < HOUR, path
        tried += 1
    assert tried > 20


def test_optional_numbers_beyond_any_float_count_as_absent(case: Case) -> None:
    payload = case.event(7, NOW).replace(b'"snr":8.5', b'"snr":1e400')
    payload = payload.replace(b'"rssi":-80', b'"rssi":-Infinity')
    uplink = case.server.read(case.topic(EUI, UP), payload, NOW)
    assert isinstance(uplink, Uplink)
    assert [(r.rssi, r.snr) for r in uplink.receptions] == [(0, 0.0)]


def test_numbers_as_text_are_read(case: Case) -> None:
    payload = case.event(7, NOW).replace(b'"snr":8.5', b'"snr":"8.5"')
    payload = payload.replace(b'"frequency":868100000', b'"frequency":"868100000"')
    uplink = case.server.read(case.topic(EUI, UP), payload, NOW)
    assert isinstance(uplink, Uplink)
    assert (uplink.receptions[0].snr, uplink.frequency) == (8.5, 868_100_000)


def test_a_topic_belongs_to_one_format(case: Case) -> None:
    claimed = [one for one in FORMATS.values() if one.kind_of(case.topic(EUI, UP))]
    assert [one.name for one in claimed] == [case.server.name]


def test_a_bridge_may_put_a_prefix_before_the_topic(case: Case) -> None:
    prefixed = "landkreis/lorawan/" + case.topic(EUI, UP)
    assert isinstance(case.server.read(prefixed, case.event(7, NOW), NOW), Uplink)


def test_subscriptions_match_what_is_read(case: Case) -> None:
    """Every filter matches the topic of an uplink, with or without a device in it."""
    topic = case.topic(EUI, UP)
    assert any(_matches(pattern, topic) for pattern in case.server.topics())
    for pattern in case.server.topics():
        assert case.server.kind_of(pattern.replace("+", EUI)) == UP


def test_one_application_can_be_subscribed_alone(case: Case) -> None:
    """Towns that share a server subscribe to their own application each."""
    topic = case.topic(EUI, UP)
    mine = topic.split("/")[1]
    assert any(_matches(pattern, topic) for pattern in case.server.topics(mine))
    assert not any(_matches(pattern, topic) for pattern in case.server.topics("another"))


def _matches(pattern: str, topic: str) -> bool:
    wanted, parts = pattern.split("/"), topic.split("/")
    return len(wanted) == len(parts) and all(
        want in ("+", part) for want, part in zip(wanted, parts, strict=True)
    )


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "malformed_json"),
        (b'{"temperature": 20}', "missing_field"),
        (b"{" + b" " * MAX_EVENT, "too_large"),
    ],
)
def test_what_is_no_event_has_a_reason(case: Case, payload: bytes, reason: str) -> None:
    with pytest.raises(UnreadableEvent) as caught:
        case.server.read(case.topic(EUI, UP), payload, NOW)
    assert caught.value.reason == reason
    assert len(str(caught.value)) > 20


def test_a_foreign_topic_is_said_to_be_one(case: Case) -> None:
    with pytest.raises(UnreadableEvent) as caught:
        case.server.read("zigbee2mqtt/lamp", case.event(7, NOW), NOW)
    assert caught.value.reason == "unknown_topic"


def test_topic_and_event_name_one_device(case: Case) -> None:
    with pytest.raises(UnreadableEvent):
        case.server.read(case.topic("70b3d500000001ff", UP), case.event(7, NOW), NOW)


def test_an_oversized_payload_stays_out_of_the_message(case: Case) -> None:
    with pytest.raises(UnreadableEvent) as caught:
        case.read(payload=b"\x5a" * 243)
    assert caught.value.reason == "oversized_payload"
    assert "WlpaWl" not in str(caught.value)


def _reads_or_says_why(case: Case, payload: bytes) -> bool:
    try:
        return isinstance(case.server.read(case.topic(EUI, UP), payload, NOW), Uplink | OtherEvent)
    except UnreadableEvent as error:
        return bool(error.reason)


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_any_damage_ends_in_an_uplink_or_a_reason(name: str, data: st.DataObject) -> None:
    damaged = bytearray(CASES[name].event(7, NOW))
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] = data.draw(st.integers(0, 255))
    assert _reads_or_says_why(CASES[name], bytes(damaged))
    assert _reads_or_says_why(CASES[name], data.draw(st.binary(max_size=300)))
