"""A ChirpStack v4 application event → `Uplink`. JSON and protobuf marshaler, told apart by a byte.

The JSON marshaler prints ``{`` first; protobuf events begin with a field tag, never with it.
Unknown fields are ignored, absent ones mean their proto3 default, as the two marshalers and
their versions differ in what they omit.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from stadtsinn.base.instant import SECOND, Instant, parse
from stadtsinn.decoders.uplink import MAX_PAYLOAD, Reception, Uplink
from stadtsinn.edge.messages.event_time import (
    GatewayClocks,
    ReceptionTimes,
    event_time,
    gps_to_instant,
)

MAX_EVENT = 64 * 1024
"""Largest event in bytes; a real one with a dozen gateways and a codec object has about 8 KiB."""

DEVICE_TAG = "stadtsinn_device"
"""Device (or device profile) tag that names the catalogue id, e.g. ``dragino/lse01``."""

_OTHER_KINDS = frozenset({"join", "status", "ack", "txack", "log", "location", "integration"})
_TOPIC_END = re.compile(r"(?:device/(?P<eui>[0-9A-Fa-f]{16})/)?event/(?P<kind>[A-Za-z_]{1,32})$")
_DEV_EUI = re.compile(r"[0-9a-f]{16}")
_DEV_ADDR = re.compile(r"[0-9a-f]{8}")
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s")


class UnreadableEvent(ValueError):
    """An event that is no uplink we can take. `reason` is one word, for counters and quarantine.

    ``unknown_topic``, ``too_large``, ``malformed_json``, ``malformed_protobuf``,
    ``missing_field``, ``bad_field``, ``bad_dev_eui``, ``bad_dev_addr``, ``wrong_base64``,
    ``oversized_payload``, ``encrypted_payload``. The message never repeats payload bytes.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class OtherEvent(msgspec.Struct, frozen=True):
    """A readable topic, but no measurement: join, status, ack, … or ``unknown``."""

    kind: str


_U32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Port = Annotated[int, msgspec.Meta(ge=0, le=255)]


class _DeviceInfo(msgspec.Struct, rename="camel"):
    dev_eui: str
    device_name: str = ""
    device_profile_name: str = ""
    tags: dict[str, str] = {}


class _RxInfo(msgspec.Struct, rename="camel"):
    gateway_id: str = ""
    gw_time: str | None = None
    ns_time: str | None = None
    time_since_gps_epoch: str | None = None
    rssi: float = 0
    snr: float = 0.0


class _TxInfo(msgspec.Struct):
    frequency: _U32 = 0


class _UplinkEvent(msgspec.Struct, rename="camel"):
    device_info: _DeviceInfo
    dev_addr: str
    deduplication_id: str = ""
    time: str | None = None
    dr: _U32 = 0
    f_cnt: _U32 = 0
    f_port: _Port = 0
    data: str = ""
    rx_info: list[_RxInfo] = []
    tx_info: _TxInfo | None = None
    join_server_context: dict[str, Any] | None = None


_json = msgspec.json.Decoder(_UplinkEvent)


def event_topics() -> list[str]:
    """What to subscribe to at the broker of a ChirpStack."""
    return ["application/+/device/+/event/up"]


def read_event(
    topic: str, payload: bytes, received_at: Instant, clocks: GatewayClocks | None = None
) -> Uplink | OtherEvent:
    """The uplink an event carries. `received_at`: when we took it from the broker.

    `clocks` remembers which gateways' clocks lag; without it each event is judged alone.
    Raises UnreadableEvent for everything that is neither an uplink nor another event.
    """
    kind, topic_eui = _read_topic(topic)
    if kind != "up":
        return OtherEvent(kind if kind in _OTHER_KINDS else "unknown")
    if len(payload) > MAX_EVENT:
        raise UnreadableEvent(
            "too_large",
            f"event of {len(payload)} bytes, at most {MAX_EVENT} are read: shorten the device "
            "profile's codec output or look for a foreign publisher on this topic",
        )
    uplink = (
        _read_json(payload, received_at, clocks)
        if payload[:1] == b"{"
        else _read_protobuf(payload, received_at, clocks)
    )
    if topic_eui is not None and topic_eui.lower() != uplink.dev_eui:
        raise UnreadableEvent(
            "bad_dev_eui",
            "topic and event name different devices: check the event_topic template of "
            "ChirpStack's MQTT integration and who else may publish here",
        )
    return uplink


def _read_topic(topic: str) -> tuple[str, str | None]:
    match = _TOPIC_END.search(topic)
    if match is None:
        raise UnreadableEvent(
            "unknown_topic",
            "the topic does not end in …/event/<kind>: subscribe to the application events of "
            "ChirpStack (application/+/device/+/event/up)",
        )
    return match["kind"], match["eui"]


# --- JSON ------------------------------------------------------------------------------


def _read_json(payload: bytes, received_at: Instant, clocks: GatewayClocks | None) -> Uplink:
    try:
        event = _json.decode(payload)
    except msgspec.ValidationError as error:
        reason = "missing_field" if "missing required field" in str(error) else "bad_field"
        raise UnreadableEvent(reason, f"{error}: is this a ChirpStack v4 uplink event?") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableEvent(
            "malformed_json",
            "the event begins like JSON but is none: look for a foreign or truncating publisher",
        ) from None
    if event.join_server_context:
        raise _encrypted()
    try:
        data = a2b_base64(event.data, strict_mode=True) if event.data else b""
    except (Base64Error, ValueError):
        raise UnreadableEvent(
            "wrong_base64", "field data is not base64 with padding, as ChirpStack writes it"
        ) from None
    times = [
        ReceptionTimes(
            rx.gateway_id,
            _moment(rx.gw_time),
            _gps_moment(rx.time_since_gps_epoch),
            _moment(rx.ns_time),
        )
        for rx in event.rx_info
    ]
    moment, source = event_time(times, _moment(event.time), received_at, clocks)
    info = event.device_info
    return Uplink(
        dev_eui=_dev_eui(info.dev_eui),
        dev_addr=_dev_addr(event.dev_addr),
        f_cnt=event.f_cnt,
        f_port=event.f_port,
        payload=_bounded(data),
        event_time=moment,
        time_source=source,
        received_at=received_at,
        deduplication_id=event.deduplication_id,
        device_type=info.tags.get(DEVICE_TAG) or None,
        device_name=info.device_name,
        device_profile=info.device_profile_name,
        tags=info.tags,
        data_rate=event.dr,
        frequency=event.tx_info.frequency if event.tx_info else 0,
        receptions=tuple(
            Reception(rx.gateway_id, round(_finite(rx.rssi)), _finite(rx.snr))
            for rx in event.rx_info
        ),
    )


def _moment(text: str | None) -> Instant | None:
    """A time stamp; one that cannot be read counts as absent: other clocks remain."""
    if text is None:
        return None
    try:
        return parse(text)
    except (ValueError, OverflowError):
        return None


def _gps_moment(text: str | None) -> Instant | None:
    """``"1479333504.018750720s"`` → UTC; None for anything else."""
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    if match is None or match[1]:
        return None
    micros = int((match[3] or "").ljust(6, "0")[:6])
    return gps_to_instant(int(match[2]) * SECOND + micros)


# --- protobuf --------------------------------------------------------------------------


def _load_protobuf() -> Callable[[bytes], Any]:
    """The parser of protobuf events, imported on the first one: it costs about 10 MB."""
    from chirpstack_api import integration

    parser: Callable[[bytes], Any] = integration.UplinkEvent.FromString
    return parser


_parse_protobuf: Callable[[bytes], Any] | None = None


def _read_protobuf(payload: bytes, received_at: Instant, clocks: GatewayClocks | None) -> Uplink:
    global _parse_protobuf  # noqa: PLW0603 (one-time import)
    if _parse_protobuf is None:
        _parse_protobuf = _load_protobuf()
    from google.protobuf.message import DecodeError

    try:
        event = _parse_protobuf(payload)
    except DecodeError:
        raise UnreadableEvent(
            "malformed_protobuf",
            "the event is neither JSON nor a protobuf UplinkEvent: look for a foreign publisher, "
            "or for an older package chirpstack-api",
        ) from None
    if not event.HasField("device_info") or not event.device_info.dev_eui or not event.dev_addr:
        raise UnreadableEvent(
            "missing_field", "device_info.dev_eui or dev_addr is empty: no ChirpStack v4 uplink"
        )
    if event.HasField("join_server_context"):
        raise _encrypted()
    if event.f_port > 255:
        raise UnreadableEvent("bad_field", "f_port is over 255: no LoRaWAN uplink")
    times = [
        ReceptionTimes(
            rx.gateway_id,
            _stamp(rx.gw_time) if rx.HasField("gw_time") else None,
            gps_to_instant(_stamp(rx.time_since_gps_epoch))
            if rx.HasField("time_since_gps_epoch")
            else None,
            _stamp(rx.ns_time) if rx.HasField("ns_time") else None,
        )
        for rx in event.rx_info
    ]
    server_time = _stamp(event.time) if event.HasField("time") else None
    moment, source = event_time(times, server_time, received_at, clocks)
    info = event.device_info
    tags = dict(info.tags)
    return Uplink(
        dev_eui=_dev_eui(info.dev_eui),
        dev_addr=_dev_addr(event.dev_addr),
        f_cnt=event.f_cnt,
        f_port=event.f_port,
        payload=_bounded(event.data),
        event_time=moment,
        time_source=source,
        received_at=received_at,
        deduplication_id=event.deduplication_id,
        device_type=tags.get(DEVICE_TAG) or None,
        device_name=info.device_name,
        device_profile=info.device_profile_name,
        tags=tags,
        data_rate=event.dr,
        frequency=event.tx_info.frequency,
        receptions=tuple(
            Reception(rx.gateway_id, rx.rssi, _finite(rx.snr)) for rx in event.rx_info
        ),
    )


def _stamp(message: Any) -> Instant:
    """Microseconds of a protobuf Timestamp or Duration."""
    return Instant(message.seconds * SECOND + message.nanos // 1000)


def _finite(value: float) -> float:
    return value if abs(value) < 1e6 else 0.0  # NaN compares false, too


# --- both ------------------------------------------------------------------------------


def _encrypted() -> UnreadableEvent:
    return UnreadableEvent(
        "encrypted_payload",
        "the payload is encrypted for an external join server (joinServerContext): let ChirpStack "
        "hold the AppSKey of this device",
    )


def _dev_eui(text: str) -> str:
    eui = text.lower()
    if not _DEV_EUI.fullmatch(eui):
        raise UnreadableEvent("bad_dev_eui", "devEui is not 16 hex digits: no ChirpStack v4 event")
    return eui


def _dev_addr(text: str) -> str:
    address = text.lower()
    if not _DEV_ADDR.fullmatch(address):
        raise UnreadableEvent("bad_dev_addr", "devAddr is not 8 hex digits: no ChirpStack v4 event")
    return address


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_PAYLOAD:
        raise UnreadableEvent(
            "oversized_payload",
            f"payload of {len(data)} bytes, LoRaWAN carries at most {MAX_PAYLOAD}: "
            "look for a foreign publisher on this topic",
        )
    return data
