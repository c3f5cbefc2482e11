"""An application uplink of The Things Stack v3 (also of The Things Network) → `Uplink`.

The JSON omits values that are zero, empty or false: an absent ``f_cnt`` is 0, an absent
``f_port`` is port 0, an absent ``frm_payload`` is empty. Null counts as absent, since software
that relays events writes it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.decoders.uplink import Reception, Uplink
from stadtsinn.edge.network_servers.event_time import (
    EARLIEST,
    GatewayClocks,
    ReceptionTimes,
    event_time,
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
from stadtsinn.edge.network_servers.format import (
    ANY,
    UP,
    NetworkServerFormat,
    OtherEvent,
    UnreadableEvent,
)

TITLE = "The Things Stack"

DEVICE_ATTRIBUTE = "stadtsinn-device"
"""End device attribute that names the catalogue id; attribute keys take no underscore."""

SIMULATED = "simulated"
"""The kind of an uplink that was entered in the console for a test."""

_KINDS = {
    "up": UP,
    "up/normalized": "normalized",
    "join": "join",
    "location/solved": "location",
    "service/data": "service_data",
}

_ANY_GATEWAY = "packetbroker"
"""The id of every gateway of another network."""

_EVENT_IDS = ("gs:uplink:", "pba:uplink:", "ns:uplink:", "as:up:")
"""Prefixes of correlation ids that identify one uplink. The first two name its reception, by an own
gateway or by one of another network: they stay the same when the network server forwards an uplink
twice, and newer versions state no other id."""
_LONGEST_EVENT_ID = 64

_EU868 = range(863_000_000, 870_000_001)
_EU868_DATA_RATES = {
    (12, 125_000): 0,
    (11, 125_000): 1,
    (10, 125_000): 2,
    (9, 125_000): 3,
    (8, 125_000): 4,
    (7, 125_000): 5,
    (7, 250_000): 6,
}
_EU868_FSK = 7

_OUR_BRANDS = {"milesight-iot": "milesight"}
_OUR_MODELS = {
    "parametric/pcr2-id": "parametric/pcr2",
    "parametric/pcr2-od": "parametric/pcr2",
    "parametric/pcr2-ods": "parametric/pcr2",
}
"""Where the device repository's ids differ from the catalogue's for the same device."""

_U32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Port = Annotated[int, msgspec.Meta(ge=0, le=255)]


class _DeviceIds(msgspec.Struct):
    device_id: str | None = None
    dev_eui: str | None = None
    dev_addr: str | None = None


class _UplinkMessage(msgspec.Struct):
    """What makes the frame has its type; what is `Any` may be missing or unreadable."""

    f_port: _Port | None = None
    f_cnt: _U32 | None = None
    frm_payload: str | None = None
    rx_metadata: Any = None
    settings: Any = None
    received_at: Any = None
    app_s_key: Any = None
    version_ids: Any = None
    attributes: Any = None


class _ApplicationUp(msgspec.Struct):
    end_device_ids: _DeviceIds
    uplink_message: _UplinkMessage
    correlation_ids: Any = None
    received_at: Any = None
    simulated: Any = None


_json = msgspec.json.Decoder(_ApplicationUp)


class TheThingsStack(NetworkServerFormat):
    """The Things Stack v3 over MQTT: its own server, or its Pub/Sub integration at any broker."""

    name = "the_things_stack"
    title = TITLE
    shares_subscriptions = False
    topic_end = re.compile(
        r"(?:^|/)v3/[^/]+/(?:devices/(?P<device>[^/]+)/)?"
        r"(?P<kind>up|join|(?:up|down|location|service)/[a-z_]{1,32})$"
    )

    def topics(self, application: str = ANY) -> tuple[str, ...]:
        """`application` is ``application@tenant``. The second topic is Pub/Sub's: no device."""
        return (f"v3/{application}/devices/+/up", f"v3/{application}/up")

    def kind(self, word: str) -> str:
        return "downlink" if word.startswith("down/") else _KINDS.get(word, "unknown")

    def uplink(
        self, payload: bytes, received_at: Instant, clocks: GatewayClocks | None
    ) -> Uplink | OtherEvent:
        event = decoded(_json, payload, f"{TITLE} v3")
        return OtherEvent(SIMULATED) if event.simulated else _uplink(event, received_at, clocks)

    def device(self, uplink: Uplink) -> str:
        return uplink.device_name


def _uplink(event: _ApplicationUp, received_at: Instant, clocks: GatewayClocks | None) -> Uplink:
    ids, message = event.end_device_ids, event.uplink_message
    if message.app_s_key:
        raise UnreadableEvent(
            "encrypted_payload",
            "the payload is still encrypted (app_s_key is present): switch off 'skip payload "
            "encryption and decryption' for this end device or its application",
        )
    receptions = mappings(message.rx_metadata)
    times = [
        ReceptionTimes(
            _own_gateway(rx),
            moment(rx.get("time")),
            moment(rx.get("gps_time")),
            moment(rx.get("received_at")),
        )
        for rx in receptions
    ]
    frame_time, source = event_time(times, _server_time(event), received_at, clocks)
    f_port = message.f_port or 0
    data = base64_payload(message.frm_payload or "", "frm_payload")
    settings = mapping(message.settings)
    frequency = whole(settings.get("frequency"))
    attributes = texts(message.attributes)
    return Uplink(
        dev_eui=dev_eui(_stated(ids.dev_eui, "dev_eui"), TITLE),
        dev_addr=dev_addr(_stated(ids.dev_addr, "dev_addr"), TITLE),
        f_cnt=message.f_cnt or 0,
        f_port=f_port,
        payload=frame_payload(data, f_port),
        event_time=frame_time,
        time_source=source,
        received_at=received_at,
        deduplication_id=_event_id(event.correlation_ids),
        device_type=attributes.get(DEVICE_ATTRIBUTE) or None,
        device_name=ids.device_id or "",
        device_profile=_model(message.version_ids),
        tags=attributes,
        data_rate=_data_rate(mapping(settings.get("data_rate")), frequency),
        frequency=frequency,
        receptions=tuple(
            Reception(_gateway(rx), round(finite(rx.get("rssi"))), finite(rx.get("snr")))
            for rx in receptions
        ),
    )


def _stated(value: str | None, field: str) -> str:
    if not value:
        raise UnreadableEvent(
            "missing_field",
            f"end_device_ids.{field} is absent: give the end device a DevEUI and a session in "
            "The Things Stack; devices activated by personalisation may have been added without",
        )
    return value


def _server_time(event: _ApplicationUp) -> Instant | None:
    """When the network server received it, else when the application server did.

    Some versions write year 1 for an unknown time.
    """
    for value in (event.uplink_message.received_at, event.received_at):
        stated = moment(value)
        if stated is not None and stated >= EARLIEST:
            return stated
    return None


def _gateway(rx: dict[str, Any]) -> str:
    """The gateway's EUI in lower case, as other servers write it; else its id.

    Frames through Packet Broker all name the gateway ``packetbroker``; the real one is in
    `packet_broker` if its network reveals it.
    """
    broker, ids = mapping(rx.get("packet_broker")), mapping(rx.get("gateway_ids"))
    if eui := text(broker.get("forwarder_gateway_eui")):
        return eui.lower()
    if forwarder := text(broker.get("forwarder_gateway_id")):
        tenant = text(broker.get("forwarder_tenant_id"))
        return forwarder + (f"@{tenant}" if tenant else "")
    return text(ids.get("eui")).lower() or text(ids.get("gateway_id"))


def _own_gateway(rx: dict[str, Any]) -> str:
    """The gateway of the reception's times; empty if its network does not reveal it."""
    gateway = _gateway(rx)
    return "" if gateway == _ANY_GATEWAY else gateway


def _event_id(correlation_ids: Any) -> str:
    stated = correlation_ids if isinstance(correlation_ids, list) else []
    for prefix in _EVENT_IDS:
        for one in map(text, stated):
            if one.startswith(prefix) and len(one) <= _LONGEST_EVENT_ID:
                return one
    return ""


def _model(version_ids: Any) -> str:
    """``brand/model`` of the device repository, which usually equals the catalogue's id."""
    versions = mapping(version_ids)
    brand, name = text(versions.get("brand_id")), text(versions.get("model_id"))
    if not brand or not name:
        return ""
    model = f"{_OUR_BRANDS.get(brand, brand)}/{name}"
    return _OUR_MODELS.get(model, model)


def _data_rate(stated: dict[str, Any], frequency: int) -> int:
    """The data rate's index in EU863-870, which the JSON no longer states; 0 in other regions."""
    if frequency not in _EU868:
        return 0
    if isinstance(stated.get("fsk"), dict):
        return _EU868_FSK
    lora = mapping(stated.get("lora"))
    spread = (whole(lora.get("spreading_factor")), whole(lora.get("bandwidth")))
    return _EU868_DATA_RATES.get(spread, 0)
