"""Properties of The Things Stack alone, and problems that its users have reported.

The inputs are our own; they reproduce what the named pages describe.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import fake_the_things_stack as tts
from real_parts import require_shared
from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant, parse
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.edge.network_servers.event_time import GatewayClocks
from stadtsinn.edge.network_servers.format import OtherEvent, UnreadableEvent
from stadtsinn.edge.network_servers.the_things_stack import TheThingsStack

NOW = parse("2026-06-01T12:00:00+00:00")
EUI = "70b3d50000000100"
TOPIC = tts.topic(EUI)
YEAR_ONE = "0001-01-01T00:00:00Z"


def read_raw(event: dict[str, Any], topic: str = TOPIC) -> Uplink | OtherEvent:
    return TheThingsStack().read(topic, tts.encode(event), NOW)


def read(topic: str = TOPIC, **fields: Any) -> Uplink:
    uplink = read_raw(tts.uplink(7, NOW, **fields), topic)
    assert isinstance(uplink, Uplink)
    return uplink


def refused(event: dict[str, Any]) -> UnreadableEvent:
    with pytest.raises(UnreadableEvent) as caught:
        read_raw(event)
    return caught.value


def without(event: dict[str, Any], *path: str) -> dict[str, Any]:
    inner = event
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return event


# --- reported in public ----------------------------------------------------------------


def test_mac_commands_come_without_a_port_but_with_a_payload() -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/issues/3511 and …/4668: port 0 is left out.

    ChirpStack gives such a frame no payload, and the same frame must be the same uplink.
    """
    uplink = read(f_port=0, payload=b"\x55\xf2")
    assert (uplink.f_port, uplink.payload, uplink.f_cnt) == (0, b"", 7)


def test_an_empty_payload_at_a_port_is_left_out() -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/issues/3869"""
    event = tts.uplink(7, NOW, f_port=5, payload=b"")
    assert "frm_payload" not in event["uplink_message"]
    uplink = read_raw(event)
    assert isinstance(uplink, Uplink)
    assert (uplink.f_port, uplink.payload) == (5, b"")


def test_the_first_frame_of_a_session_has_no_counter() -> None:
    """https://www.thethingsindustries.com/docs/integrations/data-formats: zero is left out."""
    event = tts.uplink(0, NOW)
    assert "f_cnt" not in event["uplink_message"]
    uplink = read_raw(event)
    assert isinstance(uplink, Uplink)
    assert uplink.f_cnt == 0


@pytest.mark.parametrize("with_eui", [False, True])
def test_a_simulated_uplink_is_no_measurement(with_eui: bool) -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/issues/3818 and …/4143.

    Typed into the console; early versions left out the DevEUI and wrote year 1 for the time.
    """
    event = tts.uplink(
        7, NOW, message={"rx_metadata": [], "received_at": YEAR_ONE, "settings": {"data_rate": {}}}
    )
    event["simulated"] = True
    if not with_eui:
        without(event, "end_device_ids", "dev_eui")
        without(event, "end_device_ids", "dev_addr")
    assert read_raw(event) == OtherEvent("simulated")


def test_gateways_need_not_have_left_metadata() -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/pull/4182"""
    uplink = read(message={"rx_metadata": []})
    assert (uplink.receptions, uplink.event_time) == ((), NOW)
    bare = read(message={"rx_metadata": [{}, {"gateway_ids": {}}]})
    assert [(r.gateway_id, r.rssi, r.snr) for r in bare.receptions] == [("", 0, 0.0)] * 2


def test_without_a_session_address_nothing_can_be_counted_once() -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/issues/503: absent in early versions."""
    error = refused(without(tts.uplink(7, NOW), "end_device_ids", "dev_addr"))
    assert error.reason == "missing_field"
    assert "dev_addr" in str(error)


def test_a_device_without_dev_eui_is_refused_with_the_remedy() -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/pull/2372: ABP devices could go without."""
    error = refused(without(tts.uplink(7, NOW), "end_device_ids", "dev_eui"))
    assert error.reason == "missing_field"
    assert "give the end device a DevEUI" in str(error)


def test_no_server_states_a_time() -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/issues/1439 and …/513."""
    event = tts.uplink(7, NOW, message={"rx_metadata": [tts.reception(None, None)]})
    without(event, "received_at")
    without(event, "uplink_message", "received_at")
    uplink = read_raw(event)
    assert isinstance(uplink, Uplink)
    assert (uplink.event_time, uplink.time_source) == (NOW, TimeSource.ARRIVAL)


def test_year_one_is_no_time() -> None:
    """As in issue 3818, but of a real frame: the application server's time remains."""
    earlier = Instant(NOW - MINUTE)
    event = tts.uplink(
        7,
        earlier,
        message={"received_at": YEAR_ONE, "rx_metadata": [tts.reception(None, None)]},
    )
    uplink = read_raw(event)
    assert isinstance(uplink, Uplink)
    assert (uplink.event_time, uplink.time_source) == (earlier, TimeSource.NETWORK_SERVER)


def test_a_gateway_in_1970_is_not_believed() -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/issues/1732: time scaled down by 1e9."""
    reception = tts.reception(Instant(1_576_495), NOW)
    uplink = read(message={"rx_metadata": [reception]})
    assert (uplink.event_time, uplink.time_source) == (NOW, TimeSource.NETWORK_SERVER)


def test_only_gps_time_is_gps_time() -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/issues/5585 and pull/5598: `time` may be
    any clock of the gateway's."""
    late = Instant(NOW - 20 * HOUR)
    by_clock = read(message={"rx_metadata": [tts.reception(late, NOW)]})
    assert (by_clock.event_time, by_clock.time_source) == (NOW, TimeSource.NETWORK_SERVER)
    by_gps = read(message={"rx_metadata": [tts.reception(late, NOW, gps_time=late)]})
    assert (by_gps.event_time, by_gps.time_source) == (late, TimeSource.GPS)


def test_gateways_of_other_networks_are_distinguished() -> None:
    """https://github.com/projecthorus/sondehub-infra/pull/143: all are called ``packetbroker``.

    A lagging clock of one must not affect the others.
    """

    def through_broker(time: Instant | None, **forwarder: str) -> dict[str, Any]:
        entry = tts.reception(time, NOW)
        ids = {"gateway_id": "packetbroker"}
        return {**entry, "gateway_ids": ids, "packet_broker": forwarder}

    uplink = read(
        message={
            "rx_metadata": [
                through_broker(NOW, forwarder_gateway_eui="58A0CBFFFE800001"),
                through_broker(None, forwarder_gateway_id="dach", forwarder_tenant_id="ttnv2"),
                through_broker(None, forwarder_gateway_id="turm"),
                through_broker(None, message_id="01J"),
            ]
        }
    )
    assert [r.gateway_id for r in uplink.receptions] == [
        "58a0cbfffe800001",
        "dach@ttnv2",
        "turm",
        "packetbroker",
    ]


def test_a_payload_that_is_still_encrypted_is_not_decoded() -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/pull/1884"""
    key = {"encrypted_key": "x", "kek_label": "y"}
    error = refused(tts.uplink(7, NOW, message={"app_s_key": key}))
    assert error.reason == "encrypted_payload"


@pytest.mark.parametrize(
    ("data_rate", "frequency", "index"),
    [
        ({"lora": {"bandwidth": 125000, "spreading_factor": 12}}, "867500000", 0),
        ({"lora": {"bandwidth": 125000, "spreading_factor": 10}}, "868099975", 2),
        ({"lora": {"bandwidth": 250000, "spreading_factor": 7}}, "868300000", 6),
        ({"fsk": {"bit_rate": 50000}}, "868800000", 7),
        ({"lora": {"bandwidth": 125000, "spreading_factor": 10}}, "902300000", 0),
        ({"lrfhss": {"modulation_type": 0}}, 868100000, 0),
        ({}, None, 0),
    ],
)
def test_the_data_rates_index_is_derived(
    data_rate: dict[str, Any], frequency: object, index: int
) -> None:
    """https://github.com/TheThingsNetwork/lorawan-stack/issues/4478: the JSON states it no more.

    One single-channel gateway states 868,099,975 Hz:
    https://github.com/things4u/ESP-1ch-Gateway/issues/86
    """
    uplink = read(message={"settings": {"data_rate": data_rate, "frequency": frequency}})
    assert uplink.data_rate == index
    assert uplink.frequency == int(str(frequency or 0))


@pytest.mark.parametrize(("snr", "read_as"), [(5.2, 5.2), (-12, -12.0), ("NaN", 0.0), (None, 0.0)])
def test_signal_to_noise_is_a_fraction_or_nothing(snr: object, read_as: float) -> None:
    """https://github.com/TheThingsIndustries/lorawan-stack-docs/pull/434

    Text stands for what is no number in the JSON of protocol buffers; FSK has no SNR.
    """
    entry = {**tts.reception(NOW, NOW), "snr": snr}
    assert read(message={"rx_metadata": [entry]}).receptions[0].snr == read_as


def test_output_of_payload_formatters_is_ignored() -> None:
    """https://github.com/home-assistant/core/issues/154401: any JSON, lists and texts."""
    message = {
        "decoded_payload": {"err": 0, "messages": [[{"4097": 21.5}], "x", None], "valid": True},
        "decoded_payload_warnings": ["payload too short"],
        "normalized_payload": [{"air": {"temperature": 21.5}}],
        "locations": {"user": {"latitude": 51.9, "source": "SOURCE_REGISTRY"}},
        "last_battery_percentage": {"f_cnt": 3, "value": 98.8},
    }
    assert read(message=message).payload == tts.LSE01_PAYLOAD


def test_the_device_repository_names_the_model() -> None:
    """https://www.thethingsindustries.com/docs/whats-new/3.13.0 (version_ids) and
    https://github.com/TheThingsNetwork/lorawan-devices (the ids)."""

    def model(brand: str, name: str) -> str:
        versions = {"brand_id": brand, "model_id": name, "firmware_version": "1.0"}
        return read(message={"version_ids": versions}).device_profile

    for brand, name in [
        ("milesight-iot", "em500-smtc"),
        ("decentlab", "dl-atm41"),
        ("parametric", "pcr2-ods"),
        ("dragino", "lse01"),
        ("bosch", "tps110"),
    ]:
        assert model(brand, name) in catalogue(), (brand, name)
    assert model("acme", "thing") == "acme/thing"
    assert read(message={"version_ids": {"brand_id": "dragino"}}).device_profile == ""


def test_the_devices_attributes_are_its_tags() -> None:
    """https://www.thethingsindustries.com/docs/whats-new/3.34.0: uplinks carry them."""
    uplink = read(message={"attributes": {"stadtsinn-device": "dragino/lse01", "strasse": "Markt"}})
    assert uplink.device_type == "dragino/lse01"
    assert uplink.tags["strasse"] == "Markt"


def test_a_message_of_the_second_version_is_refused() -> None:
    """https://github.com/Atos-Research-and-Innovation/IoTagent-LoRaWAN/issues/170"""
    old = {"app_id": "a", "dev_id": "d", "hardware_serial": EUI.upper(), "payload_raw": "AQ=="}
    error = refused(old)
    assert error.reason == "missing_field"
    assert "The Things Stack v3" in str(error)


def test_joins_and_downlinks_are_other_events() -> None:
    """https://github.com/descartes/TheThingsStack-Integration-Starters/issues/1"""
    join = {
        "end_device_ids": {"device_id": tts.device_id(EUI)},
        "join_accept": {"session_key_id": "AX"},
    }
    assert read_raw(join, tts.topic(EUI, "join")) == OtherEvent("join")
    assert read_raw({}, tts.topic(EUI, "down/queued")) == OtherEvent("downlink")


# --- the rest --------------------------------------------------------------------------


def test_null_counts_as_absent() -> None:
    event = tts.uplink(
        7,
        NOW,
        correlation_ids=None,
        simulated=None,
        message={
            "rx_metadata": [
                {"gateway_ids": None, "packet_broker": None, "time": None, "rssi": None}
            ],
            "settings": {"data_rate": None, "frequency": None},
            "app_s_key": None,
            "version_ids": None,
            "attributes": None,
        },
    )
    uplink = read_raw(event)
    assert isinstance(uplink, Uplink)
    assert (uplink.deduplication_id, uplink.device_profile, uplink.tags) == ("", "", {})


@pytest.mark.parametrize(
    ("ids", "chosen"),
    [
        (["as:up:01A", "gs:conn:01B", "gs:uplink:01C", "ns:uplink:01D"], "gs:uplink:01C"),
        (
            ["as:up:01A", "ns:uplink:01D", "rpc:/ttn.lorawan.v3.GsNs/HandleUplink:01E"],
            "ns:uplink:01D",
        ),
        (["as:up:01A"], "as:up:01A"),
        (["rpc:/ttn.lorawan.v3.AppAs/X:01E"], ""),
        (["gs:uplink:" + "0" * 80, "as:up:01A"], "as:up:01A"),
        ([], ""),
    ],
)
def test_which_correlation_id_names_the_uplink(ids: list[str], chosen: str) -> None:
    """The network server may forward one uplink twice: the id of its reception stays the same."""
    assert read(correlation_ids=ids).deduplication_id == chosen


def test_pub_sub_topics_name_no_device() -> None:
    """The Pub/Sub integration publishes at QoS 1 to the town's own broker, below one topic."""
    assert read(f"v3/{tts.APPLICATION}/up").dev_eui == EUI


def test_an_installation_without_tenants() -> None:
    assert read(f"v3/stadtgruen/devices/{tts.device_id(EUI)}/up").dev_eui == EUI


def test_gateway_clocks_are_kept_apart_by_eui() -> None:
    clocks = GatewayClocks()
    for minute in range(3):
        arrival = Instant(NOW + minute * 60 * SECOND)
        wrong = tts.reception(Instant(arrival - 2 * HOUR), arrival, "00000000000000aa")
        right = tts.reception(arrival, arrival, "00000000000000bb")
        event = tts.uplink(minute, arrival, message={"rx_metadata": [wrong, right]})
        TheThingsStack().read(TOPIC, tts.encode(event), arrival, clocks)
    assert (clocks.faulty("00000000000000aa"), clocks.faulty("00000000000000bb")) == (True, False)


def test_clocks_of_unrevealed_gateways_are_not_recorded() -> None:
    """They share one id: the lag of one would make a late frame of another look wrong."""
    clocks = GatewayClocks()

    def dated(f_cnt: int, arrival: Instant, lag: int) -> Instant:
        entry = tts.reception(Instant(arrival - lag), arrival)
        entry |= {"gateway_ids": {"gateway_id": "packetbroker"}, "packet_broker": {}}
        payload = tts.encode(tts.uplink(f_cnt, arrival, message={"rx_metadata": [entry]}))
        uplink = TheThingsStack().read(TOPIC, payload, arrival, clocks)
        assert isinstance(uplink, Uplink)
        return uplink.event_time

    for minute in range(3):
        dated(minute, Instant(NOW + minute * MINUTE), 2 * HOUR)
    later = Instant(NOW + 3 * MINUTE)
    assert dated(3, later, HOUR) == later - HOUR
    assert clocks.known() == {}


UNREADABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "DevEUI too short": (
        "bad_dev_eui",
        {"end_device_ids": {"dev_eui": "70B3", "dev_addr": "01E8B740"}},
    ),
    "device address": ("bad_dev_addr", {"end_device_ids": {"dev_eui": EUI, "dev_addr": "xyz"}}),
    "no uplink": ("bad_field", {"uplink_message": None}),
    "ids are no object": ("bad_field", {"end_device_ids": "x"}),
    "counter is text": ("bad_field", {"uplink_message": {"f_cnt": "7"}}),
    "port over 8 bits": ("bad_field", {"uplink_message": {"f_port": 256}}),
    "not base64": ("wrong_base64", {"uplink_message": {"f_port": 1, "frm_payload": "AQI*"}}),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_messages_have_a_reason(name: str) -> None:
    reason, replaced = UNREADABLE[name]
    assert refused({**tts.uplink(7, NOW), **replaced}).reason == reason


def test_a_message_in_protocol_buffers_names_the_setting() -> None:
    with pytest.raises(UnreadableEvent) as caught:
        TheThingsStack().read(TOPIC, b"\x0a\x10\xff", NOW)
    assert caught.value.reason == "malformed_json"
    assert "format to JSON" in str(caught.value)


def test_a_recorded_uplink() -> None:
    """As recorded by a subscriber of the public network, with other ids."""
    line = json.loads(require_shared("cases/recordings/tts.jsonl").read_text().splitlines()[0])
    uplink = TheThingsStack().read(
        line["topic"], line["payload"].encode(), parse("2026-11-26T15:00:00+00:00")
    )
    assert isinstance(uplink, Uplink)
    assert (uplink.dev_eui, uplink.dev_addr, uplink.f_cnt) == ("a840410000000001", "260be6bf", 17)
    assert uplink.event_time == parse("2026-11-26T14:34:32.621391Z")
    assert uplink.time_source is TimeSource.GATEWAY
    assert (uplink.data_rate, uplink.frequency) == (0, 867_500_000)
    assert uplink.receptions[0].gateway_id == "a84041ffff24a438"
