"""Reading ChirpStack events: both marshalers give the same uplink, bad input gives a reason."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fake_chirpstack
from real_parts import require_shared
from stadtsinn.base.instant import parse
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.messages.device_types import DeviceTypes
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.format import OtherEvent, UnreadableEvent

read_event = ChirpStack().read

NOW = parse("2026-06-01T12:00:00+00:00")
LATER = parse("2026-12-01T00:00:00+00:00")
EUI = "70b3d50000000100"
TOPIC = fake_chirpstack.topic(EUI)


def event(**replaced: Any) -> bytes:
    return fake_chirpstack.encode(fake_chirpstack.uplink(7, NOW, **replaced))


def protobuf(**fields: Any) -> bytes:
    from chirpstack_api import integration

    message = integration.UplinkEvent(dev_addr="01e8b740", f_cnt=7, f_port=2, data=b"\x01")
    message.device_info.dev_eui = EUI
    for name, value in fields.items():
        setattr(message, name, value)
    return bytes(message.SerializeToString())


def test_json_uplink() -> None:
    uplink = read_event(TOPIC, event(tags={"stadtsinn_device": "dragino/lse01"}), NOW)
    assert isinstance(uplink, Uplink)
    assert uplink.dev_eui == EUI
    assert (uplink.dev_addr, uplink.f_cnt, uplink.f_port) == ("01e8b740", 7, 2)
    assert uplink.payload == fake_chirpstack.LSE01_PAYLOAD
    assert (uplink.event_time, uplink.received_at) == (NOW, NOW)
    assert uplink.device_type == "dragino/lse01"
    assert uplink.frequency == 868_100_000
    assert [(r.gateway_id, r.rssi, r.snr) for r in uplink.receptions] == [
        (fake_chirpstack.GATEWAY, -80, 8.5)
    ]


def test_protobuf_uplink() -> None:
    uplink = read_event(TOPIC, protobuf(), NOW)
    assert isinstance(uplink, Uplink)
    assert (uplink.dev_eui, uplink.f_cnt, uplink.payload) == (EUI, 7, b"\x01")


def test_both_marshalers_give_the_same_uplink() -> None:
    """The same JSON event, marshaled to protobuf by the official package, reads the same."""
    from chirpstack_api import integration
    from google.protobuf import json_format

    lines = require_shared("chirpstack-events/events-json.jsonl").read_text().splitlines()
    compared = 0
    for line in map(json.loads, lines):
        if not line["topic"].endswith("/up"):
            continue
        message = json_format.ParseDict(
            json.loads(line["payload"]), integration.UplinkEvent(), ignore_unknown_fields=True
        )
        from_json = read_event(line["topic"], line["payload"].encode(), LATER)
        from_protobuf = read_event(line["topic"], message.SerializeToString(), LATER)
        assert isinstance(from_json, Uplink)
        assert isinstance(from_protobuf, Uplink)
        assert _rounded(from_json) == _rounded(from_protobuf)
        compared += 1
    assert compared > 15


def _rounded(uplink: Uplink) -> Uplink:
    """SNR is a 32-bit float in protobuf."""
    receptions = tuple(
        msgspec.structs.replace(reception, snr=round(reception.snr, 3))
        for reception in uplink.receptions
    )
    return msgspec.structs.replace(uplink, receptions=receptions)


@pytest.mark.parametrize("kind", ["join", "status", "ack", "txack", "log", "location"])
def test_other_events_are_recognised_by_their_topic(kind: str) -> None:
    assert read_event(fake_chirpstack.topic(EUI, kind), b"\xff", NOW) == OtherEvent(kind)


def test_unknown_kind_of_event() -> None:
    assert read_event(fake_chirpstack.topic(EUI, "novelty"), b"{}", NOW) == OtherEvent("unknown")


def test_mac_only_frame_is_an_uplink_without_data() -> None:
    uplink = read_event(TOPIC, event(fPort=0, data=""), NOW)
    assert isinstance(uplink, Uplink)
    assert (uplink.f_port, uplink.payload) == (0, b"")


UNREADABLE = {
    "cut off": ("malformed_json", event()[:-20]),
    "not UTF-8": ("malformed_json", event().replace(b"sensor", b"s\xff\xfeor")),
    "deeply nested": ("malformed_json", b'{"tags":' + b"[" * 30_000),
    "neither": ("malformed_protobuf", b"hello world"),
    "empty": ("missing_field", b""),
    "a list": ("malformed_protobuf", b"[1,2,3]"),
    "another JSON document": ("missing_field", b'{"temperature": 20}'),
    "wrong type": ("bad_field", event(fCnt="seven")),
    "counter that is no number": ("bad_field", event().replace(b'"fCnt":7', b'"fCnt":NaN')),
    "counter beyond any number": ("bad_field", event().replace(b'"fCnt":7', b'"fCnt":1e400')),
    "negative counter": ("bad_field", event(fCnt=-1)),
    "counter over 32 bits": ("bad_field", event(fCnt=2**32)),
    "port over 8 bits": ("bad_field", event(fPort=256)),
    "base64 with a stray character": ("wrong_base64", event(data="AQI*")),
    "base64 without padding": ("wrong_base64", event(data="AQ")),
    "payload of 243 bytes": ("oversized_payload", event(payload=bytes(243))),
    "event of over 64 KiB": ("too_large", event(object={"x": "y" * 70_000})),
    "a megabyte": ("too_large", b"{" + b" " * 1_000_000),
    "DevEUI too short": ("bad_dev_eui", event(dev_eui="70b3d5")),
    "DevEUI of another device": ("bad_dev_eui", event(dev_eui="70b3d500000001ff")),
    "device address": ("bad_dev_addr", event(devAddr="xyz")),
    "no device address": (
        "missing_field",
        fake_chirpstack.encode(
            {k: v for k, v in fake_chirpstack.uplink(7, NOW).items() if k != "devAddr"}
        ),
    ),
    "encrypted": ("encrypted_payload", event(joinServerContext={"sessionKeyId": "00"})),
    "protobuf, oversized": ("oversized_payload", protobuf(data=bytes(243))),
    "protobuf, port": ("bad_field", protobuf(f_port=300)),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_events_have_a_reason(name: str) -> None:
    reason, payload = UNREADABLE[name]
    with pytest.raises(UnreadableEvent) as caught:
        read_event(TOPIC, payload, NOW)
    assert caught.value.reason == reason
    assert len(str(caught.value)) > 20


def test_topic_of_something_else() -> None:
    with pytest.raises(UnreadableEvent) as caught:
        read_event("zigbee2mqtt/lamp", event(), NOW)
    assert caught.value.reason == "unknown_topic"


def test_error_text_does_not_contain_the_payload() -> None:
    secret = base64.b64encode(b"\x00" * 243).decode()
    with pytest.raises(UnreadableEvent) as caught:
        read_event(TOPIC, event(data=secret), NOW)
    assert secret[:20] not in str(caught.value)


def test_unreadable_times_count_as_absent() -> None:
    """The uplink is kept, with our own clock's time."""
    rx = [{"gatewayId": "a", "gwTime": "yesterday", "nsTime": "9999999", "rssi": -3.5}]
    uplink = read_event(TOPIC, event(time="never", rxInfo=rx), NOW)
    assert isinstance(uplink, Uplink)
    assert uplink.event_time == NOW


@pytest.mark.parametrize("snr", [float("nan"), float("inf"), -3.4e38])
def test_protobuf_keeps_an_uplink_whose_signal_is_no_number(snr: float) -> None:
    from chirpstack_api import integration

    message = integration.UplinkEvent.FromString(protobuf())
    message.rx_info.add(gateway_id="a", snr=snr, rssi=-(2**31))
    uplink = read_event(TOPIC, message.SerializeToString(), NOW)
    assert isinstance(uplink, Uplink)
    assert [(r.gateway_id, r.rssi, r.snr) for r in uplink.receptions] == [("a", 0, 0.0)]


def test_unknown_fields_and_absent_defaults_are_fine() -> None:
    minimal = {"deviceInfo": {"devEui": EUI.upper()}, "devAddr": "01E8B740", "novelty": [1]}
    uplink = read_event(TOPIC, json.dumps(minimal).encode(), NOW)
    assert isinstance(uplink, Uplink)
    assert (uplink.dev_eui, uplink.dev_addr, uplink.f_cnt) == (EUI, "01e8b740", 0)


def gives_uplink_or_reason(payload: bytes) -> bool:
    """False if reading gives anything but an uplink or an UnreadableEvent with a reason."""
    try:
        return isinstance(read_event(TOPIC, payload, NOW), Uplink)
    except UnreadableEvent as error:
        return bool(error.reason)


@given(st.binary(max_size=400))
def test_any_bytes_end_in_an_uplink_or_a_reason(payload: bytes) -> None:
    assert gives_uplink_or_reason(payload)


@given(st.data())
def test_any_damage_to_an_event_ends_in_an_uplink_or_a_reason(data: st.DataObject) -> None:
    for whole in (event(), protobuf()):
        damaged = bytearray(whole)
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
        assert gives_uplink_or_reason(bytes(damaged))


def test_subscription_is_for_uplinks_only() -> None:
    assert ChirpStack().topics() == ("application/+/device/+/event/up",)


# --- device types ----------------------------------------------------------------------


def resolve(mapping: dict[str, str], **replaced: Any) -> str | None:
    uplink = read_event(TOPIC, event(**replaced), NOW)
    assert isinstance(uplink, Uplink)
    return DeviceTypes(mapping, {"dragino/lse01"}.__contains__).resolve(uplink)


def test_device_type_by_device_beats_tag_beats_profile() -> None:
    tags = {"stadtsinn_device": "by/tag"}
    mapping = {EUI: "by/device", "Bodenfeuchte": "by/profile"}
    assert resolve(mapping, profile="Bodenfeuchte", tags=tags) == "by/device"
    del mapping[EUI]
    assert resolve(mapping, profile="Bodenfeuchte", tags=tags) == "by/tag"
    assert resolve(mapping, profile="Bodenfeuchte") == "by/profile"


def test_profile_named_like_a_catalogue_id_needs_no_mapping() -> None:
    assert resolve({}, profile="dragino/lse01") == "dragino/lse01"
    assert resolve({}, profile="Irgendwas") is None
