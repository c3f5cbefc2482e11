"""The uplinks that benchmarks send: a mix of four device types, as events and as edge batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import msgspec

from stadtsinn.base.instant import Instant, isoformat
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.uplink import Reception, TimeSource, Uplink
from stadtsinn.edge.messages.delivery import Batch, UplinkItem, batch_topic, encode

BATCH = 500
_SPACING = 50_000
"""Microseconds between two uplinks."""

MIX = (
    ("dragino/lse01", 2, "CE2900F107A5099B6E2890", 6),
    ("milesight/vs133", 85, "03D24800000004D2C800000006D20000000007D200000000", 2),
    (
        "decentlab/dl-atm41",
        1,
        "02035A0003800A8000800080008009812B8014810880B4A57C820C810980027FE88056800880040BF5",
        1,
    ),
    ("bosch/tps110", 1, "01", 1),
)
"""Device type, port, payload, and how many of ten devices are of it."""

Messages = list[tuple[str, bytes]]


def device_mix(count: int) -> list[tuple[str, str, int, bytes]]:
    """DevEUI, device type, port and payload of each device, types mixed evenly."""
    ten = [(kind, port, bytes.fromhex(payload)) for kind, port, payload, n in MIX for _ in range(n)]
    return [(f"70b3d5b0000{number:05x}", *ten[number % len(ten)]) for number in range(count)]


def make_uplinks(devices: int, base: Instant, count: int, dev_addr: str) -> Iterator[Uplink]:
    """Uplinks of all devices in turn, in a session of their own."""
    mix = device_mix(devices)
    for number in range(count):
        dev_eui, device_type, f_port, payload = mix[number % len(mix)]
        yield Uplink(
            dev_eui=dev_eui,
            dev_addr=dev_addr,
            f_cnt=number // len(mix),
            f_port=f_port,
            payload=payload,
            event_time=Instant(base + number * _SPACING),
            time_source=TimeSource.GATEWAY,
            received_at=base,
            deduplication_id=f"{dev_addr}-{number}",
            device_type=device_type,
            device_name=dev_eui,
            device_profile=device_type,
            data_rate=5,
            frequency=868_100_000,
            receptions=(Reception("0016c001f1000001", -90, 7.5),),
        )


def batches(edge_id: str, stream: str, made: Sequence[Uplink], sent_at: Instant) -> Messages:
    """As an edge agent sends them."""
    outcomes = catalogue().decode_batch([one.frame(one.device_type) for one in made])
    items = [
        UplinkItem(position, one, outcome)
        for position, (one, outcome) in enumerate(zip(made, outcomes, strict=True), start=1)
    ]
    parts = [tuple(items[start : start + BATCH]) for start in range(0, len(items), BATCH)]
    topic = batch_topic(edge_id)
    return [
        (topic, encode(Batch(edge_id=edge_id, stream=stream, sent_at=sent_at, items=part)))
        for part in parts
    ]


def events(made: Sequence[Uplink]) -> Messages:
    """As ChirpStack publishes them."""
    return [event(one) for one in made]


def event(uplink: Uplink) -> tuple[str, bytes]:
    """Topic and event as ChirpStack's JSON marshaler writes it."""
    return f"application/bench/device/{uplink.dev_eui}/event/up", _event_json(uplink)


def _event_json(uplink: Uplink) -> bytes:
    moment = isoformat(uplink.event_time).replace("Z", "+00:00")
    return msgspec.json.encode(
        {
            "deduplicationId": uplink.deduplication_id,
            "time": moment,
            "deviceInfo": {
                "tenantId": "t",
                "tenantName": "Bench",
                "applicationId": "bench",
                "applicationName": "bench",
                "deviceProfileName": uplink.device_profile,
                "deviceName": uplink.device_name,
                "devEui": uplink.dev_eui,
                "deviceClassEnabled": "CLASS_A",
                "tags": {},
            },
            "devAddr": uplink.dev_addr,
            "adr": True,
            "dr": uplink.data_rate,
            "fCnt": uplink.f_cnt,
            "fPort": uplink.f_port,
            "confirmed": False,
            "data": uplink.payload,
            "rxInfo": [
                {
                    "gatewayId": one.gateway_id,
                    "uplinkId": 7,
                    "gwTime": moment,
                    "nsTime": moment,
                    "rssi": one.rssi,
                    "snr": one.snr,
                    "location": {},
                    "context": b"\0\0\0\1",
                    "crcStatus": "CRC_OK",
                }
                for one in uplink.receptions
            ],
            "txInfo": {
                "frequency": uplink.frequency,
                "modulation": {
                    "lora": {
                        "bandwidth": 125_000,
                        "spreadingFactor": 7,
                        "codeRate": "CR_4_5",
                    }
                },
            },
            "regionConfigId": "eu868",
        }
    )


def connect(port: int) -> MqttLink:
    """A publisher at a broker of the loopback."""
    link = MqttLink(Broker("127.0.0.1", port, client_id=f"bench-{os.getpid()}"))
    link.start()
    if not link.wait_connected(20):
        raise TimeoutError(f"no broker on port {port}")
    return link


def publish(port: int, messages: Sequence[tuple[str, bytes]]) -> None:
    """Hand everything to the broker and wait until it has it."""
    link = connect(port)
    pending = []
    for topic, payload in messages:
        pending.append(link.publish(topic, payload))
        if len(pending) >= 200:
            pending.pop(0).wait_for_publish(60)
    for info in pending:
        info.wait_for_publish(60)
    link.stop()
