"""Events as ChirpStack 4 publishes them: JSON with its field order and defaults, or protobuf.

JSON prints every scalar of the integration messages, also zeros, but leaves zeros out of what
comes from the gateway (`rxInfo`); times are RFC 3339 with ``+00:00`` and 0, 3, 6 or 9 digits.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stadtsinn.base.instant import Instant
from stadtsinn.simulator.radio.radio import Gateway

_NANOS = 1_000_000_000
_GPS_MINUS_UNIX = -315_964_800 * _NANOS + 18 * _NANOS
"""GPS time began on 1980-01-06 and is 18 leap seconds ahead of UTC."""


@dataclass(frozen=True)
class DeviceInfo:
    """Who sent, as the network server knows it."""

    tenant_id: str
    tenant_name: str
    application_id: str
    application_name: str
    profile_id: str
    profile_name: str
    device_name: str
    dev_eui: str
    tags: dict[str, str]


@dataclass(frozen=True)
class RxInfo:
    """One gateway's reception. Times in nanoseconds UTC, None where the gateway says none."""

    gateway: Gateway
    uplink_id: int
    gw_time: int | None
    ns_time: int
    gps_time: int | None
    rssi: int
    snr: float
    context: bytes


@dataclass(frozen=True)
class UpEvent:
    """An uplink event; `time` in nanoseconds UTC, frequency in Hz."""

    deduplication_id: str
    time: int
    device: DeviceInfo
    dev_addr: str
    data_rate: int
    f_cnt: int
    f_port: int
    data: bytes
    receptions: tuple[RxInfo, ...]
    frequency: int


_SPREADING_FACTORS = {0: 12, 1: 11, 2: 10, 3: 9, 4: 8, 5: 7}


def nanoseconds(moment: Instant) -> int:
    return moment * 1000


def timestamp(nanos: int) -> str:
    """RFC 3339 as ChirpStack prints it."""
    seconds, fraction = divmod(nanos, _NANOS)
    text = datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}{_fraction(fraction)}+00:00"


def duration(nanos: int) -> str:
    """A protobuf duration in JSON, e.g. ``1479333504.018750720s``."""
    seconds, fraction = divmod(nanos, _NANOS)
    return f"{seconds}{_fraction(fraction)}s"


def _fraction(nanos: int) -> str:
    """Nothing, or a dot with 3, 6 or 9 digits."""
    digits = f"{nanos:09d}"
    for kept in (0, 3, 6):
        if not digits[kept:].strip("0"):
            return f".{digits[:kept]}" if kept else ""
    return f".{digits}"


def topic(device: DeviceInfo, event: str) -> str:
    return f"application/{device.application_id}/device/{device.dev_eui}/event/{event}"


def join_json(deduplication_id: str, moment: Instant, device: DeviceInfo, dev_addr: str) -> bytes:
    """A join event."""
    return _compact(
        {
            "deduplicationId": deduplication_id,
            "time": timestamp(nanoseconds(moment)),
            "deviceInfo": _device_json(device),
            "devAddr": dev_addr,
            "regionConfigId": "eu868",
        }
    )


def up_json(event: UpEvent) -> bytes:
    """An uplink event of the JSON marshaler."""
    return _compact(
        {
            "deduplicationId": event.deduplication_id,
            "time": timestamp(event.time),
            "deviceInfo": _device_json(event.device),
            "devAddr": event.dev_addr,
            "adr": True,
            "dr": event.data_rate,
            "fCnt": event.f_cnt,
            "fPort": event.f_port,
            "confirmed": False,
            "data": base64.b64encode(event.data).decode(),
            "rxInfo": [_reception_json(reception) for reception in event.receptions],
            "txInfo": {
                "frequency": event.frequency,
                "modulation": {
                    "lora": {
                        "bandwidth": 125_000,
                        "spreadingFactor": _SPREADING_FACTORS[event.data_rate],
                        "codeRate": "CR_4_5",
                    }
                },
            },
            "regionConfigId": "eu868",
        }
    )


def _device_json(device: DeviceInfo) -> dict[str, Any]:
    return {
        "tenantId": device.tenant_id,
        "tenantName": device.tenant_name,
        "applicationId": device.application_id,
        "applicationName": device.application_name,
        "deviceProfileId": device.profile_id,
        "deviceProfileName": device.profile_name,
        "deviceName": device.device_name,
        "devEui": device.dev_eui,
        "deviceClassEnabled": "CLASS_A",
        "tags": device.tags,
    }


def _reception_json(reception: RxInfo) -> dict[str, Any]:
    gateway = reception.gateway
    everything: dict[str, Any] = {
        "gatewayId": gateway.gateway_id,
        "uplinkId": reception.uplink_id,
        "gwTime": None if reception.gw_time is None else timestamp(reception.gw_time),
        "nsTime": timestamp(reception.ns_time),
        "timeSinceGpsEpoch": (
            None if reception.gps_time is None else duration(reception.gps_time + _GPS_MINUS_UNIX)
        ),
        "rssi": reception.rssi,
        "snr": reception.snr,
        "location": {
            "latitude": gateway.latitude,
            "longitude": gateway.longitude,
            "altitude": gateway.altitude,
        },
        "context": base64.b64encode(reception.context).decode(),
        "crcStatus": "CRC_OK",
    }
    return {key: value for key, value in everything.items() if value not in (None, 0)}


def _compact(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def up_protobuf(event: UpEvent) -> bytes:
    """An uplink event of the protobuf marshaler."""
    from chirpstack_api import gw, integration

    message = integration.UplinkEvent(
        deduplication_id=event.deduplication_id,
        dev_addr=event.dev_addr,
        adr=True,
        dr=event.data_rate,
        f_cnt=event.f_cnt,
        f_port=event.f_port,
        data=event.data,
        region_config_id="eu868",
        device_info=_device_protobuf(event.device),
    )
    message.time.FromNanoseconds(event.time)
    message.tx_info.frequency = event.frequency
    lora = message.tx_info.modulation.lora
    lora.bandwidth = 125_000
    lora.spreading_factor = _SPREADING_FACTORS[event.data_rate]
    lora.code_rate = gw.CR_4_5
    message.rx_info.extend(_reception_protobuf(reception) for reception in event.receptions)
    return bytes(message.SerializeToString())


def _device_protobuf(device: DeviceInfo) -> Any:
    from chirpstack_api import integration

    return integration.DeviceInfo(
        tenant_id=device.tenant_id,
        tenant_name=device.tenant_name,
        application_id=device.application_id,
        application_name=device.application_name,
        device_profile_id=device.profile_id,
        device_profile_name=device.profile_name,
        device_name=device.device_name,
        dev_eui=device.dev_eui,
        tags=device.tags,
    )


def _reception_protobuf(reception: RxInfo) -> Any:
    from chirpstack_api import gw

    info = gw.UplinkRxInfo(
        gateway_id=reception.gateway.gateway_id,
        uplink_id=reception.uplink_id,
        rssi=reception.rssi,
        snr=reception.snr,
        context=reception.context,
        crc_status=gw.CRC_OK,
    )
    info.location.latitude = reception.gateway.latitude
    info.location.longitude = reception.gateway.longitude
    info.location.altitude = reception.gateway.altitude
    info.ns_time.FromNanoseconds(reception.ns_time)
    if reception.gw_time is not None:
        info.gw_time.FromNanoseconds(reception.gw_time)
    if reception.gps_time is not None:
        info.time_since_gps_epoch.FromNanoseconds(reception.gps_time + _GPS_MINUS_UNIX)
    return info
