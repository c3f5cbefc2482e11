"""Uplink events as a ChirpStack v4 writes them, and a publisher for them (QoS 1)."""

from __future__ import annotations

import base64
import json
from types import TracebackType
from typing import Any, Self

from real_parts import PATIENCE_S
from stadtsinn.base.instant import Instant, isoformat
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import MqttLink

APPLICATION = "7a779d4e-06a2-4fb5-ae22-be6384c35edf"
LSE01_PAYLOAD = bytes.fromhex("ce2900f107a5099b6e2890")
GATEWAY = "0016c001f1000001"


def topic(dev_eui: str, kind: str = "up") -> str:
    return f"application/{APPLICATION}/device/{dev_eui}/event/{kind}"


def uplink(
    f_cnt: int,
    moment: Instant,
    *,
    dev_eui: str = "70b3d50000000100",
    payload: bytes = LSE01_PAYLOAD,
    f_port: int = 2,
    profile: str = "dragino/lse01",
    tags: dict[str, str] | None = None,
    **replaced: Any,
) -> dict[str, Any]:
    """One event as the JSON marshaler prints it; `replaced` overrides top-level fields."""
    event: dict[str, Any] = {
        "deduplicationId": f"00000000-0000-4000-8000-{f_cnt:012d}",
        "time": isoformat(moment),
        "deviceInfo": {
            "tenantId": "1089cc5e-85e3-41b5-a36a-3f95a3c14bac",
            "tenantName": "Musterstadt",
            "applicationId": APPLICATION,
            "applicationName": "stadtgruen",
            "deviceProfileName": profile,
            "deviceName": f"sensor {dev_eui[-4:]}",
            "devEui": dev_eui,
            "deviceClassEnabled": "CLASS_A",
            "tags": tags or {},
        },
        "devAddr": "01e8b740",
        "adr": True,
        "dr": 5,
        "fCnt": f_cnt,
        "fPort": f_port,
        "confirmed": False,
        "data": base64.b64encode(payload).decode(),
        "rxInfo": [reception(moment, moment)],
        "txInfo": {
            "frequency": 868_100_000,
            "modulation": {
                "lora": {"bandwidth": 125_000, "spreadingFactor": 7, "codeRate": "CR_4_5"}
            },
        },
        "regionConfigId": "eu868",
    }
    return {**event, **replaced}


def reception(
    gw_time: Instant | None, ns_time: Instant | None, gateway_id: str = GATEWAY
) -> dict[str, Any]:
    """One entry of rxInfo; a clock that says nothing is absent, as in ChirpStack's JSON."""
    entry: dict[str, Any] = {"gatewayId": gateway_id, "uplinkId": 1, "rssi": -80, "snr": 8.5}
    if gw_time is not None:
        entry["gwTime"] = isoformat(gw_time)
    if ns_time is not None:
        entry["nsTime"] = isoformat(ns_time)
    return {**entry, "channel": 1, "location": {}, "context": "AAAAAQ==", "crcStatus": "CRC_OK"}


def encode(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


class FakeChirpstack:
    """Publishes events at a real broker."""

    def __init__(self, port: int, client_id: str = "fake-chirpstack") -> None:
        self._link = MqttLink(Broker("127.0.0.1", port, client_id))

    def __enter__(self) -> Self:
        self._link.start()
        assert self._link.wait_connected(PATIENCE_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._link.stop()

    def hand_over(self, event_topic: str, payload: bytes) -> None:
        """Returns at once: the broker gets it soon."""
        self._link.publish(event_topic, payload)

    def publish(self, event_topic: str, payload: bytes) -> None:
        """Returns when the broker has it."""
        self._link.publish(event_topic, payload).wait_for_publish(PATIENCE_S)

    def publish_uplinks(self, counters: range, moment: Instant, **options: Any) -> None:
        """Uplinks of one device, ten seconds apart."""
        sent = [
            self._link.publish(
                topic(options.get("dev_eui", "70b3d50000000100")),
                encode(uplink(number, Instant(moment + index * 10_000_000), **options)),
            )
            for index, number in enumerate(counters)
        ]
        for info in sent:
            info.wait_for_publish(PATIENCE_S)
