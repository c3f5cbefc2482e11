"""A ChirpStack v4 application event → `Uplink`, from the JSON or the protobuf marshaler.

JSON begins with ``{``; protobuf begins with a field tag, which never has that value. Unknown
fields are ignored; absent ones and null have their proto3 default, because the two marshalers and
their versions omit different fields, and null is what becomes of NaN.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.decoders.uplink import Reception, Uplink
from stadtsinn.edge.network_servers.event_time import (
    GatewayClocks,
    ReceptionTimes,
    event_time,
    gps_to_instant,
)
from stadtsinn.edge.network_servers.fields import (
    base64_payload,
    decoded,
    dev_addr,
    dev_eui,
    finite,
    frame_payload,
    mapping,
    mappings,
    moment,
    text,
    texts,
    whole,
)
from stadtsinn.edge.network_servers.format import ANY, UP, NetworkServerFormat, UnreadableEvent

TITLE = "ChirpStack"

DEVICE_TAG = "stadtsinn_device"
"""Device (or device profile) tag that names the catalogue id, e.g. ``dragino/lse01``."""

_OTHER_KINDS = frozenset({"join", "status", "ack", "txack", "log", "location", "integration"})
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s")

_U32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Port = Annotated[int, msgspec.Meta(ge=0, le=255)]


class _DeviceInfo(msgspec.Struct, rename="camel"):
    dev_eui: str
    device_name: Any = None
    device_profile_name: Any = None
    tags: Any = None


class _UplinkEvent(msgspec.Struct, rename="camel"):
    """What makes the frame has its type; what is `Any` may be missing or unreadable."""

    device_info: _DeviceInfo
    dev_addr: str
    f_cnt: _U32 | None = None
    f_port: _Port | None = None
    data: str | None = None
    object: Any = None
    deduplication_id: Any = None
    time: Any = None
    dr: Any = None
    rx_info: Any = None
    tx_info: Any = None
    join_server_context: Any = None


_json = msgspec.json.Decoder(_UplinkEvent)


class ChirpStack(NetworkServerFormat):
    """ChirpStack v4 over MQTT."""

    name = "chirpstack"
    title = TITLE
    shares_subscriptions = True
    topic_end = re.compile(
        r"(?:device/(?P<device>[0-9A-Fa-f]{16})/)?event/(?P<kind>[A-Za-z_]{1,32})$"
    )

    def topics(self, application: str = ANY) -> tuple[str, ...]:
        """`application` is its id, a UUID."""
        return (f"application/{application}/device/+/event/up",)

    def kind(self, word: str) -> str:
        return word if word == UP or word in _OTHER_KINDS else "unknown"

    def uplink(self, payload: bytes, received_at: Instant, clocks: GatewayClocks | None) -> Uplink:
        read = _read_json if payload[:1] == b"{" else _read_protobuf
        return read(payload, received_at, clocks)

    def device(self, uplink: Uplink) -> str:
        return uplink.dev_eui


# --- JSON ------------------------------------------------------------------------------


def _read_json(payload: bytes, received_at: Instant, clocks: GatewayClocks | None) -> Uplink:
    event = decoded(_json, payload, f"{TITLE} v4")
    if event.join_server_context:
        raise _encrypted()
    if event.data is None and event.object:
        raise _without_data()
    data = base64_payload(event.data or "", "data")
    receptions = mappings(event.rx_info)
    times = [
        ReceptionTimes(
            text(rx.get("gatewayId")),
            moment(rx.get("gwTime")) or moment(rx.get("time")),  # `time` until ChirpStack 4.5
            _gps_moment(rx.get("timeSinceGpsEpoch")),
            moment(rx.get("nsTime")),
        )
        for rx in receptions
    ]
    frame_time, source = event_time(times, moment(event.time), received_at, clocks)
    info = event.device_info
    tags = texts(info.tags)
    return Uplink(
        dev_eui=dev_eui(info.dev_eui, TITLE),
        dev_addr=dev_addr(event.dev_addr, TITLE),
        f_cnt=event.f_cnt or 0,
        f_port=event.f_port or 0,
        payload=frame_payload(data, event.f_port or 0),
        event_time=frame_time,
        time_source=source,
        received_at=received_at,
        deduplication_id=text(event.deduplication_id),
        device_type=tags.get(DEVICE_TAG) or None,
        device_name=text(info.device_name),
        device_profile=text(info.device_profile_name),
        tags=tags,
        data_rate=whole(event.dr),
        frequency=whole(mapping(event.tx_info).get("frequency")),
        receptions=tuple(
            Reception(
                text(rx.get("gatewayId")), round(finite(rx.get("rssi"))), finite(rx.get("snr"))
            )
            for rx in receptions
        ),
    )


def _gps_moment(value: Any) -> Instant | None:
    """``"1479333504.018750720s"`` → UTC; None for anything else."""
    match = _DURATION.fullmatch(text(value))
    if match is None or match[1]:
        return None
    micros = int((match[3] or "").ljust(6, "0")[:6])
    return gps_to_instant(int(match[2]) * SECOND + micros)


def _without_data() -> UnreadableEvent:
    return UnreadableEvent(
        "missing_field",
        "the event has decoded values (object) and no payload (data): let whatever relays the "
        "events leave the field 'data' in them",
    )


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
    frame_time, source = event_time(times, server_time, received_at, clocks)
    info = event.device_info
    tags = dict(info.tags)
    return Uplink(
        dev_eui=dev_eui(info.dev_eui, TITLE),
        dev_addr=dev_addr(event.dev_addr, TITLE),
        f_cnt=event.f_cnt,
        f_port=event.f_port,
        payload=frame_payload(event.data, event.f_port),
        event_time=frame_time,
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
            Reception(rx.gateway_id, round(finite(rx.rssi)), finite(rx.snr)) for rx in event.rx_info
        ),
    )


def _stamp(message: Any) -> Instant:
    """Microseconds of a protobuf Timestamp or Duration."""
    return Instant(message.seconds * SECOND + message.nanos // 1000)


# --- both ------------------------------------------------------------------------------


def _encrypted() -> UnreadableEvent:
    return UnreadableEvent(
        "encrypted_payload",
        "the payload is encrypted for an external join server (joinServerContext): let ChirpStack "
        "hold the AppSKey of this device",
    )
