"""Uplink messages as The Things Stack v3 publishes them over MQTT."""

from __future__ import annotations

import base64
import json
from typing import Any

from stadtsinn.base.instant import Instant, isoformat

APPLICATION = "stadtgruen@musterstadt"
LSE01_PAYLOAD = bytes.fromhex("ce2900f107a5099b6e2890")
GATEWAY = "0016c001f1000001"


def topic(dev_eui: str, kind: str = "up") -> str:
    return f"v3/{APPLICATION}/devices/{device_id(dev_eui)}/{kind}"


def device_id(dev_eui: str) -> str:
    return f"eui-{dev_eui}"


def uplink(
    f_cnt: int,
    moment: Instant,
    *,
    dev_eui: str = "70b3d50000000100",
    dev_addr: str = "01e8b740",
    payload: bytes = LSE01_PAYLOAD,
    f_port: int = 2,
    message: dict[str, Any] | None = None,
    **replaced: Any,
) -> dict[str, Any]:
    """One event; zero, empty and false are left out as the server does.

    `message` replaces fields of ``uplink_message``, `replaced` those at the top.
    """
    event: dict[str, Any] = {
        "end_device_ids": {
            "device_id": device_id(dev_eui),
            "application_ids": {"application_id": "stadtgruen"},
            "dev_eui": dev_eui.upper(),
            "join_eui": "70B3D57ED0000000",
            "dev_addr": dev_addr.upper(),
        },
        "correlation_ids": [f"gs:uplink:01J{f_cnt:023d}"],
        "received_at": isoformat(moment),
        "uplink_message": {
            "session_key_id": "AX",
            "f_port": f_port,
            "f_cnt": f_cnt,
            "frm_payload": base64.b64encode(payload).decode(),
            "rx_metadata": [reception(moment, moment)],
            "settings": {
                "data_rate": {
                    "lora": {
                        "bandwidth": 125_000,
                        "spreading_factor": 7,
                        "coding_rate": "4/5",
                    }
                },
                "frequency": "868100000",
                "timestamp": 1,
            },
            "received_at": isoformat(moment),
            "consumed_airtime": "0.061696s",
            "network_ids": {"net_id": "000013", "tenant_id": "musterstadt"},
        },
    }
    stated = {**event["uplink_message"], **(message or {})}
    event["uplink_message"] = {
        name: value for name, value in stated.items() if value not in (0, "", False, [])
    }
    return {**event, **replaced}


def reception(
    time: Instant | None,
    received_at: Instant | None,
    gateway_id: str = GATEWAY,
    gps_time: Instant | None = None,
) -> dict[str, Any]:
    """One entry of rx_metadata; a clock that says nothing is absent."""
    entry: dict[str, Any] = {
        "gateway_ids": {"gateway_id": f"gateway-{gateway_id[-2:]}", "eui": gateway_id.upper()},
        "timestamp": 1,
        "rssi": -80,
        "channel_rssi": -80,
        "snr": 8.5,
        "uplink_token": "x",
    }
    clocks = {"time": time, "received_at": received_at, "gps_time": gps_time}
    for name, moment in clocks.items():
        if moment is not None:
            entry[name] = isoformat(moment)
    return entry


def encode(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
