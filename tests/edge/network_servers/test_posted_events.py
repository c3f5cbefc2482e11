"""Events that people posted, as they were in what matters; ids, places and names are made up.

Each row: what is odd in it and where it was posted, the event, when it came, and what must be read.
Times are kept, since their order is the point.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from stadtsinn.base.instant import SECOND, Instant, isoformat, parse
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.event_time import GatewayClocks
from stadtsinn.edge.network_servers.format import UnreadableEvent
from stadtsinn.edge.network_servers.the_things_stack import TheThingsStack

EUI = "70b3d50000000100"

Event = dict[str, Any]
GPS, GATEWAY, SERVER = TimeSource.GPS, TimeSource.GATEWAY, TimeSource.NETWORK_SERVER


# --- ChirpStack ------------------------------------------------------------------------


def chirpstack(time: str, rx: list[Event], **fields: Any) -> Event:
    """What all posted events of ChirpStack v4 have."""
    return {
        "deduplicationId": "11111111-2222-4333-8444-555555555555",
        "time": time,
        "deviceInfo": {"deviceName": "sensor", "devEui": EUI, "tags": {}},
        "devAddr": "01a2b3c4",
        "dr": 5,
        "fCnt": 4,
        "fPort": 2,
        "data": "Fg==",
        "rxInfo": rx,
        "txInfo": {
            "frequency": 867_300_000,
            "modulation": {"lora": {"bandwidth": 125_000, "spreadingFactor": 7}},
        },
        **fields,
    }


HELIUM_RX: Event = {
    "gatewayId": "aaa8fd0000000001",
    "uplinkId": 24261,
    "time": None,
    "rssi": -30,
    "snr": 12.0,
    "metadata": {"gateway_name": "three-word-name", "region_name": None, "lat": 0.0, "lon": 0.0},
    "crcStatus": "CRC_OK",
}
HELIUM_NULLS: Event = {
    **dict.fromkeys(("level", "code", "description", "gatewayId", "location")),
    "margin": 0,
    "batteryLevel": 0.0,
    "queueItemId": "",
    "acknowledged": False,
    "fCntDown": 0,
}
OLD_RX: Event = {
    "gatewayId": "0016c001ff000001",
    "uplinkId": 3232276575,
    "time": "2022-12-26T12:01:47.709920+00:00",
    "rssi": -45,
    "snr": 14.25,
    "context": "AAAAAAAAAAAAMgABVWHvOA==",
}

CHIRPSTACK: dict[str, tuple[Event, str, str, TimeSource]] = {
    "Helium: null for what is absent, fields of all events in one (chirpstack issue 349)": (
        chirpstack("2024-01-06T11:34:06+00:00", [HELIUM_RX], object={"x": "y"}, **HELIUM_NULLS),
        "2024-01-06T11:34:07Z",
        "2024-01-06T11:34:06Z",
        SERVER,
    ),
    "Helium: a time in milliseconds, metadata all texts (projecthorus/sondehub-infra issue 148)": (
        chirpstack(
            "2024-10-27T21:19:12.136+00:00",
            [{**HELIUM_RX, "gwTime": "2024-10-27T21:19:12.136+00:00", "metadata": {"lat": "51.5"}}],
        ),
        "2024-10-27T21:19:13Z",
        "2024-10-27T21:19:12.136Z",
        GATEWAY,
    ),
    "until 4.5 the gateway's time was called time (thingsix notes on fine timestamps)": (
        chirpstack("2022-12-26T12:01:50.1+00:00", [OLD_RX]),
        "2022-12-26T12:01:50.5Z",
        "2022-12-26T12:01:47.709920Z",
        GATEWAY,
    ),
    "the same gateway with a GNSS receiver, whose time is the best": (
        chirpstack(
            "2022-12-26T12:01:50.1+00:00",
            [
                {
                    **OLD_RX,
                    "timeSinceGpsEpoch": "1356091325.709920s",
                    "fineTimeSinceGpsEpoch": "1356091325.263021396s",
                }
            ],
        ),
        "2022-12-26T12:01:50.5Z",
        "2022-12-26T12:01:47.709920Z",
        GPS,
    ),
    "neither gwTime nor nsTime, a first frame, data rate 0 (a POST in a script)": (
        chirpstack(
            "2023-11-02T09:15:00.123456789+00:00",
            [{"gatewayId": "0281660000000001", "rssi": -46, "snr": -17.5, "channel": 4}],
            fCnt=0,
            dr=0,
        ),
        "2023-11-02T09:15:01Z",
        "2023-11-02T09:15:00.123456Z",
        SERVER,
    ),
    "a gateway without a clock: nsTime only, in nanoseconds (a guide to the LHT52)": (
        chirpstack(
            "2024-02-29T16:01:17.868407010+00:00",
            [
                {
                    "gatewayId": "0016c00100000002",
                    "uplinkId": 1966232800,
                    "nsTime": "2024-02-29T16:01:17.868407010+00:00",
                    "rssi": -49,
                    "snr": 14.2,
                    "location": {},
                }
            ],
        ),
        "2024-02-29T16:01:18Z",
        "2024-02-29T16:01:17.868407Z",
        SERVER,
    ),
    "class C, umlauts, numbers as 0.0, time a second before nsTime (ioBroker.lorawan)": (
        chirpstack(
            "2024-01-24T16:47:01.573381+00:00",
            [
                {
                    "gatewayId": "5030354100000003",
                    "gwTime": "2024-01-24T16:47:01.573381+00:00",
                    "nsTime": "2024-01-24T16:47:02.370171527+00:00",
                    "rssi": -54,
                    "snr": 8.5,
                    "metadata": {"region_config_id": "eu868", "region_common_name": "EU868"},
                }
            ],
            deviceInfo={
                "deviceName": "Relaistestgerät",
                "devEui": EUI,
                "deviceClassEnabled": "CLASS_C",
                "tags": {},
            },
            object={"ACI2_mA": 0.0, "Battery": None},
        ),
        "2024-01-24T16:47:02.5Z",
        "2024-01-24T16:47:01.573381Z",
        GATEWAY,
    ),
}


@pytest.mark.parametrize("name", CHIRPSTACK)
def test_a_posted_event_of_chirpstack(name: str) -> None:
    event, arrival, event_time, source = CHIRPSTACK[name]
    uplink = read_chirpstack(event, parse(arrival))
    assert (uplink.dev_eui, uplink.payload, uplink.f_port) == (EUI, b"\x16", 2)
    assert (uplink.event_time, uplink.time_source) == (parse(event_time), source)
    assert uplink.receptions[0].rssi == event["rxInfo"][0]["rssi"]


def read_chirpstack(event: Event, arrival: Instant, clocks: GatewayClocks | None = None) -> Uplink:
    topic = f"application/7a779d4e-06a2-4fb5-ae22-be6384c35edf/device/{EUI}/event/up"
    found = ChirpStack().read(topic, json.dumps(event).encode(), arrival, clocks)
    assert isinstance(found, Uplink)
    return found


@pytest.mark.parametrize("data", [{}, {"data": None}])
def test_an_event_whose_payload_was_taken_out_is_no_empty_frame(data: Event) -> None:
    """Posted in tests of TagoIO: a relay moved the payload to another field and left `object`.

    Taken for an empty frame it would stand in the log instead of the real one.
    """
    event = chirpstack("2024-10-25T12:31:53Z", [], fPort=4, object={"Valve": "1", "Battery": None})
    del event["data"]
    with pytest.raises(UnreadableEvent) as caught:
        read_chirpstack({**event, **data}, parse("2024-10-25T12:31:54Z"))
    assert caught.value.reason == "missing_field"
    assert "data" in str(caught.value)


def test_a_gateway_that_is_always_42_seconds_behind_is_found_out() -> None:
    """ioBroker.lorawan, August 2024: gwTime 42 s before nsTime, on a frame that was not late."""
    clocks = GatewayClocks()
    found: list[Uplink] = []
    for minute in range(4):
        arrived = Instant(parse("2024-08-25T07:11:29.787667Z") + minute * 60 * SECOND)
        behind = Instant(arrived - 42 * SECOND)
        rx = {"gatewayId": "5030354100000003", "rssi": -68, "snr": 9.25}
        times = {"gwTime": isoformat(behind), "nsTime": isoformat(arrived)}
        event = chirpstack(isoformat(behind), [{**rx, **times}], fCnt=8264 + minute)
        found.append(read_chirpstack(event, Instant(arrived + SECOND), clocks))
    assert found[0].time_source is GATEWAY
    assert (found[-1].time_source, found[-1].event_time) == (SERVER, arrived)


# --- The Things Stack ------------------------------------------------------------------


def things_stack(received: str, rx: list[Event], correlation: list[str], **message: Any) -> Event:
    """What all posted messages of The Things Stack v3 have."""
    return {
        "end_device_ids": {
            "device_id": "sensor",
            "application_ids": {"application_id": "stadt"},
            "dev_eui": EUI.upper(),
            "join_eui": "70B3D57ED0000000",
            "dev_addr": "260BC3D6",
        },
        "correlation_ids": correlation,
        "received_at": received,
        "uplink_message": {
            "session_key_id": "AXuyqD7znKml0qbj",
            "f_port": 5,
            "f_cnt": 41,
            "frm_payload": "Fg==",
            "rx_metadata": rx,
            "settings": {
                "data_rate": {"lora": {"bandwidth": 125_000, "spreading_factor": 12}},
                "frequency": "868100000",
            },
            "received_at": received,
            **message,
        },
    }


OF_ANOTHER_NETWORK: Event = {
    "gateway_ids": {"gateway_id": "packetbroker"},
    "packet_broker": {
        "message_id": "01KMSRSP6R5T5PZJQ04MSEXKY1",
        "forwarder_tenant_id": "ttn",
        "forwarder_gateway_eui": "58A0CB0000000001",
    },
    "rssi": -119,
    "channel_rssi": -119,
    "snr": -15.5,
}


def gateway(name: str, time: str | None, received: str | None = None, **fields: Any) -> Event:
    stated = {"time": time, "received_at": received}
    return {
        "gateway_ids": {"gateway_id": name, "eui": "A84041FF000000" + name[-2:]},
        "rssi": -111,
        "snr": 0.5,
        **{key: value for key, value in stated.items() if value},
        **fields,
    }


THINGS_STACK: dict[str, tuple[Event, str, TimeSource, str]] = {
    "through another network's gateway, and no other id (ioBroker.lorawan, 2026)": (
        things_stack(
            "2026-03-28T08:26:01.821949208Z",
            [
                {
                    **OF_ANOTHER_NETWORK,
                    "time": "2026-03-28T08:26:01.625602006Z",
                    "received_at": "2026-03-28T08:26:01.813256353Z",
                }
            ],
            ["pba:uplink:01KMSRSP6R5T5PZJQ04MSEXKY1"],
            normalized_payload=[{"air": {"temperature": 13.3}, "battery": 3.12}],
            last_battery_percentage={"f_cnt": 108, "value": 100},
        ),
        "2026-03-28T08:26:01.625602Z",
        GATEWAY,
        "pba:uplink:01KMSRSP6R5T5PZJQ04MSEXKY1",
    ),
    "the same in 2021: more ids, no times, no index of the data rate (clairttn)": (
        things_stack(
            "2021-09-21T10:35:57.125514417Z",
            [OF_ANOTHER_NETWORK],
            [
                "as:up:01FG3YTC0K0KPEFA5FDKCZKF8E",
                "ns:uplink:01FG3YTBT578KF54GBQ4F4071G",
                "pba:conn:up:01FG2QC930NHK24X1NYE3VRZPB",
                "pba:uplink:01FG3YTBSMERJP80229JDGN90N",
            ],
        ),
        "2021-09-21T10:35:57.125514Z",
        SERVER,
        "pba:uplink:01FG3YTBSMERJP80229JDGN90N",
    ),
    "one gateway 17 minutes ahead, one right, one without times (clairttn)": (
        things_stack(
            "2021-09-14T20:38:54.020897204Z",
            [
                gateway("gateway-01", "2021-09-14T20:56:08.912647Z"),
                gateway("gateway-02", "2021-09-14T20:38:53.992307901Z"),
                OF_ANOTHER_NETWORK,
            ],
            ["gs:uplink:01FFK0HBT3ZRZGYF0M2E93CV86"],
        ),
        "2021-09-14T20:38:53.992307Z",
        GATEWAY,
        "gs:uplink:01FFK0HBT3ZRZGYF0M2E93CV86",
    ),
    "one gateway 113 seconds behind, one that was received before it sent (a student's gateway)": (
        things_stack(
            "2023-03-29T07:54:40.949193829Z",
            [
                gateway("a-01", "2023-03-29T07:52:47.923841Z", "2023-03-29T07:54:40.931424018Z"),
                gateway("b-02", "2023-03-29T07:54:40.882231Z", "2023-03-29T07:54:38.670753107Z"),
                gateway("c-03", "2023-03-29T07:54:40.908189Z", "2023-03-29T07:54:40.951077424Z"),
            ],
            ["gs:uplink:01GWP5S8DKWWE5VT69M4RDK8TA"],
        ),
        "2023-03-29T07:54:40.908189Z",
        GATEWAY,
        "gs:uplink:01GWP5S8DKWWE5VT69M4RDK8TA",
    ),
    "GNSS time beside the clock's, offset of the frequency as text (koestler/go-mqtt-to-influx)": (
        things_stack(
            "2022-08-25T21:12:53.621251971Z",
            [
                gateway(
                    "gateway-01",
                    "2022-08-25T21:12:53.549410Z",
                    "2022-08-25T21:12:53.604523434Z",
                    gps_time="2022-08-25T21:12:53.549410Z",
                    frequency_offset="9922",
                )
            ],
            ["gs:uplink:01GBBDKJKM548KSK2W5P3PT5WS"],
            confirmed=True,
            decoded_payload={"TempC_DS": 327.67},
        ),
        "2022-08-25T21:12:53.549410Z",
        GPS,
        "gs:uplink:01GBBDKJKM548KSK2W5P3PT5WS",
    ),
    "index and rate where 2021 had them, the formatter failed (issue 4115)": (
        things_stack(
            "2021-11-11T08:33:34.926321616Z",
            [gateway("gateway-01", "2021-11-11T08:33:34.909192Z", channel_index=1)],
            ["gs:uplink:01FM722YPE81K7NM4PKRWMNB65"],
            settings={
                "data_rate": {"lora": {"bandwidth": 125_000, "spreading_factor": 12}},
                "data_rate_index": 0,
                "coding_rate": "4/5",
                "frequency": "868100000",
            },
        ),
        "2021-11-11T08:33:34.909192Z",
        GATEWAY,
        "gs:uplink:01FM722YPE81K7NM4PKRWMNB65",
    ),
}


def read_things_stack(event: Event) -> Uplink:
    arrival = Instant(parse(event["received_at"]) + SECOND)
    found = TheThingsStack().read(
        "v3/stadt@ttn/devices/sensor/up", json.dumps(event).encode(), arrival
    )
    assert isinstance(found, Uplink)
    return found


@pytest.mark.parametrize("name", THINGS_STACK)
def test_a_posted_message_of_the_things_stack(name: str) -> None:
    event, event_time, source, identity = THINGS_STACK[name]
    uplink = read_things_stack(event)
    assert (uplink.dev_eui, uplink.payload, uplink.f_port) == (EUI, b"\x16", 5)
    assert (uplink.event_time, uplink.time_source) == (parse(event_time), source)
    assert uplink.deduplication_id == identity
    assert (uplink.data_rate, uplink.frequency) == (0, 868_100_000)


def test_a_posted_message_without_port_and_payload() -> None:
    """clairttn: MAC commands only. It counts as a frame without data."""
    event = deepcopy(next(iter(THINGS_STACK.values()))[0])
    del event["uplink_message"]["f_port"], event["uplink_message"]["frm_payload"]
    uplink = read_things_stack(event)
    assert (uplink.f_port, uplink.payload, uplink.f_cnt) == (0, b"", 41)


def test_a_frame_forwarded_twice_through_another_networks_gateway_has_one_id() -> None:
    """As with an own gateway: what the network server adds when it forwards is not the identity."""
    pba = "pba:uplink:01FG3YTBSMERJP80229JDGN90N"
    first = things_stack("2021-09-21T10:35:57Z", [], [pba, "ns:uplink:A", "as:up:A"])
    second = things_stack("2021-09-21T10:35:59Z", [], [pba, "ns:uplink:B", "as:up:B"])
    assert read_things_stack(first).deduplication_id == pba
    assert read_things_stack(second).deduplication_id == pba
