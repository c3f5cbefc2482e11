"""What people feed to `stadtsinn replay` is read, or named with what to do.

Shapes after public posts and manuals (forum.chirpstack.io, thethingsnetwork.org/forum, issue 2213
of eclipse-mosquitto/mosquitto, the manuals of Milesight, RAKwireless, MultiTech, Helium, The Things
Industries, Actility); ids and values are our own.
"""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chirpstack_api import integration
from google.protobuf import json_format

import fake_the_things_stack as tts
import real_parts
from fake_uplinks import NINE, at, chirpstack_event, event_topic, uplink
from stadtsinn.base.clock import SystemClock
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.simulator.replay.recording import Recording, read_recording, town_of
from stadtsinn.simulator.replay.refusal import NotARecording

TOPIC = event_topic()
UPS = [uplink(n, n * 60, payload=b"\xce\x29") for n in (1, 2)]
DOCUMENTS: list[dict[str, Any]] = [json.loads(chirpstack_event(up)) for up in UPS]
for _document in DOCUMENTS:
    _document["deviceInfo"]["deviceName"] = "Bäume am Markt"
    _document["deviceInfo"]["applicationId"] = TOPIC.split("/")[1]
TEXTS = [json.dumps(document, ensure_ascii=False) for document in DOCUMENTS]
PROTOBUF = [
    json_format.ParseDict(document, integration.UplinkEvent()).SerializeToString()
    for document in DOCUMENTS
]
LINES = "\n".join(json.dumps({"topic": TOPIC, "payload": text}) for text in TEXTS) + "\n"
UMLAUTS = "\n".join(f"{TOPIC} {text}" for text in TEXTS)
WEIRD = "Topic: {t} QoS: 0\n"


def lines(make: Callable[[int], str]) -> bytes:
    return "".join(make(n) + "\n" for n in (0, 1)).encode()


def zipped(content: bytes) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("events.jsonl", content)
    return into.getvalue()


def table(rows: list[list[str]], delimiter: str = ",") -> bytes:
    into = io.StringIO()
    csv.writer(into, delimiter=delimiter).writerows(rows)
    return into.getvalue().encode()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def snake(value: Any) -> Any:
    """As a program prints that keeps the names of the schema."""
    message = json_format.ParseDict(value, integration.UplinkEvent())
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


READ: dict[str, bytes] = {
    "mosquitto_sub -F %j": LINES.encode(),
    "mosquitto_sub -F %J": lines(
        lambda n: json.dumps({"tst": "x", "topic": TOPIC, "qos": 0, "payload": DOCUMENTS[n]})
    ),
    "mosquitto_sub -v": lines(lambda n: f"{TOPIC} {TEXTS[n]}"),
    "mosquitto_sub -v with a region's prefix": lines(lambda n: f"eu868/{TOPIC} {TEXTS[n]}"),
    "mosquitto_sub -F '%I %t %p'": lines(lambda n: f"2026-11-26T15:00:00+0100 {TOPIC} {TEXTS[n]}"),
    "mosquitto_sub -d": lines(
        lambda n: (
            f"Client x received PUBLISH (d0, q0, r0, m0, '{TOPIC}', ... (900 bytes))\n{TEXTS[n]}"
        )
    ),
    "mosquitto_sub -F '%t %x'": lines(lambda n: f"{TOPIC} {PROTOBUF[n].hex()}"),
    "mosquitto_sub -F '%t\\t%X'": lines(lambda n: f"{TOPIC}\t{PROTOBUF[n].hex().upper()}"),
    "JSON of it": lines(lambda n: json.dumps({"topic": TOPIC, "payload": PROTOBUF[n].hex()})),
    "payload_hex": lines(
        lambda n: json.dumps({"topic": TOPIC, "payload_hex": TEXTS[n].encode().hex()})
    ),
    "payload_base64": lines(
        lambda n: json.dumps({"topic": TOPIC, "payload_base64": b64(PROTOBUF[n])})
    ),
    "a topic and base64": lines(lambda n: f"{TOPIC}: {b64(PROTOBUF[n])}"),
    "protobuf in hex, no topic": lines(lambda n: PROTOBUF[n].hex()),
    "protobuf in hex with blanks": lines(lambda n: PROTOBUF[n].hex(" ")),
    "protobuf in base64, no topic": lines(lambda n: b64(PROTOBUF[n])),
    "bare events": lines(lambda n: TEXTS[n]),
    "bare events, pretty": lines(lambda n: json.dumps(DOCUMENTS[n], indent=2)),
    "an array": json.dumps(DOCUMENTS).encode(),
    "the console's download, newest first": json.dumps(DOCUMENTS[::-1], indent=4).encode(),
    "an array that is cut off": json.dumps([*DOCUMENTS, DOCUMENTS[0]], indent=4)[:-200].encode(),
    "an array in one line that is cut off": json.dumps([*DOCUMENTS, {"a": [1]}])[:-3].encode(),
    "a topic above pretty JSON": lines(
        lambda n: (
            f"Topic: {TOPIC} QoS: 0\n".replace(" QoS: 0", "") + json.dumps(DOCUMENTS[n], indent=2)
        )
    ),
    "a topic of one's own": lines(lambda n: f"stadt/sensoren/uplink {TEXTS[n]}"),
    "an envelope with such a topic": lines(
        lambda n: json.dumps({"topic": "stadt/sensoren", "payload": TEXTS[n]})
    ),
    "names of the schema": lines(lambda n: json.dumps(snake(DOCUMENTS[n]))),
    "print of Paho's payload": lines(lambda n: f"{TOPIC} {TEXTS[n].encode()!r}"),
    "print of protobuf": lines(lambda n: f"{TOPIC} {PROTOBUF[n]!r}"),
    "print of a dict": lines(lambda n: f"{TOPIC} {DOCUMENTS[n]!r}"),
    "a forum's quotation marks": lines(
        lambda n: json.dumps(DOCUMENTS[n], indent=1).replace('": ', "”: ").replace('"', "“")
    ),
    "Node-RED": json.dumps(
        [
            {"_msgid": "a1b2c3d4e5f60718", "topic": TOPIC, "payload": one, "qos": 0}
            for one in DOCUMENTS
        ]
    ).encode(),
    "Node-RED with a buffer": lines(
        lambda n: json.dumps(
            {"topic": TOPIC, "payload": {"type": "Buffer", "data": [*PROTOBUF[n]]}}
        )
    ),
    "an array of octets": lines(lambda n: json.dumps({"topic": TOPIC, "payload": [*PROTOBUF[n]]})),
    "MQTTX": json.dumps(
        [{"clientId": "x", "messages": [{"topic": TOPIC, "payload": text} for text in TEXTS]}]
    ).encode(),
    "Docker's log": lines(
        lambda n: json.dumps({"log": f"{TOPIC} {TEXTS[n]}\n", "stream": "stdout"})
    ),
    "journald": lines(lambda n: f"Nov 26 15:00:00 gw subscriber[77]: {TOPIC} {TEXTS[n]}"),
    "Python's logging": b"2026-11-26 15:00:00,123 - INFO - connected, ok\n"
    + lines(lambda n: f"2026-11-26 15:00:01,123 - INFO - [mqtt] {TOPIC}: {TEXTS[n]}"),
    "Elasticsearch": json.dumps(
        {"hits": {"hits": [{"_source": {"message": f"{TOPIC} {text}"}} for text in TEXTS]}}
    ).encode(),
    "gRPC's log items": lines(
        lambda n: json.dumps({"id": f"1-{n}", "description": "up", "body": TEXTS[n]})
    ),
    "a webhook's body": lines(
        lambda n: json.dumps({"url": "/?event=up", "headers": {}, "body": b64(TEXTS[n].encode())})
    ),
    "a table of topics and base64": table(
        [[TOPIC, b64(one), "0", "1700000000.1"] for one in PROTOBUF]
    ),
    "a table with heads": table(
        [["time", "topic", "payload"], *(["x", TOPIC, text] for text in TEXTS)], ";"
    ),
    "JSON encoded twice": lines(lambda n: json.dumps(TEXTS[n])),
    "base64 in several lines": lines(
        lambda n: base64.encodebytes(PROTOBUF[0]).decode() if n else ""
    ),
    "hex in several lines": "\n".join(re.findall(".{1,64}", PROTOBUF[0].hex())).encode(),
    "two objects in a line": "".join(TEXTS).encode(),
    "JavaScript": f"const events = [{','.join(TEXTS)}];\n".encode(),
    "a page of notes": lines(
        lambda n: f"## {n}\n```json\n{json.dumps(DOCUMENTS[n], indent=2)}\n```"
    ),
    "HiveMQ's client": lines(
        lambda n: json.dumps({"topic": TOPIC, "payload": DOCUMENTS[n], "qos": "AT_LEAST_ONCE"})
    ),
    "Kafka": lines(lambda n: json.dumps({"offset": n, "key": TOPIC, "value": TEXTS[n]})),
    "Loki": lines(lambda n: json.dumps({"timestamp": "1", "line": f"{TOPIC} {TEXTS[n]}"})),
    "a web server's dump": lines(lambda n: f"> POST /?event=up HTTP/1.1\n> \n{TEXTS[n]}\n< 200 OK"),
    "webhook.site": table([["uuid", "content"], *(["1", text] for text in TEXTS)]),
    "classic Mac line ends": LINES.replace("\n", "\r").encode(),
    "Windows' line ends": LINES.replace("\n", "\r\n").encode(),
    "Windows-1252": UMLAUTS.encode("cp1252"),
    "UTF-8 with a mark": UMLAUTS.encode("utf-8-sig"),
    "PowerShell's >": UMLAUTS.replace("\n", "\r\n").encode("utf-16"),
    "UTF-16 without a mark": UMLAUTS.encode("utf-16-le"),
    "UTF-16, big end first": UMLAUTS.encode("utf-16-be"),
    "UTF-32": UMLAUTS.encode("utf-32"),
    "gzip": gzip.compress(LINES.encode()),
    "two gzips": gzip.compress(f"{TOPIC} {TEXTS[0]}\n".encode()) + gzip.compress(TEXTS[1].encode()),
    "bzip2": bz2.compress(LINES.encode()),
    "xz": lzma.compress(LINES.encode()),
    "ZIP": zipped(LINES.encode()),
    "a gzip in a ZIP": zipped(gzip.compress(LINES.encode())),
}


def read(folder: Path, content: bytes) -> Recording:
    path = folder / "recording"
    path.write_bytes(content)
    return read_recording(path, SystemClock().now())


@pytest.mark.parametrize("shape", READ)
def test_it_is_read(tmp_path: Path, shape: str) -> None:
    """Two uplinks, oldest first, on the topic that agents subscribe to."""
    recording = read(tmp_path, READ[shape])
    assert recording.server.name == "chirpstack"
    uplinks = [message.uplink for message in recording.messages]
    counters = [1] if shape.endswith("in several lines") else [1, 2]
    assert [one and (one.f_cnt, one.payload) for one in uplinks] == [
        (n, b"\xce\x29") for n in counters
    ]
    assert {one.device_name for one in uplinks if one} == {"Bäume am Markt"}
    for message in recording.messages:
        assert message.is_up
        application, _, device, _, _, _ = message.topic.rsplit("/", 5)
        assert application == "application"
        assert device == "device"


def test_what_stands_beside_the_events_is_said_once_with_its_line(tmp_path: Path) -> None:
    content = f"connected\n{LINES}{{broken\n{LINES}connected\n".encode()
    recording = read(tmp_path, content)
    assert len(recording.messages) == 4
    assert [str(fault) for fault in recording.faults] == [
        "line 1 and 2 more: no event, but other text"
    ]
    assert read(tmp_path, LINES.encode()).faults == ()


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (json.dumps(DOCUMENTS[0])[:-30], "line 1: JSON that cannot be read"),
        (json.dumps(DOCUMENTS[0], indent=2)[:-300], "line 1: JSON that cannot be read"),
    ],
)
def test_an_event_that_is_cut_off_is_one_fault_and_the_next_is_read(
    tmp_path: Path, cut: str, words: str
) -> None:
    recording = read(tmp_path, f"{cut}\n{LINES}".encode())
    assert [
        fault.english.split(":")[0] + ":" + fault.english.split(":")[1]
        for fault in recording.faults
    ] == [words]
    assert len(recording.messages) == 2


def test_other_events_are_no_uplinks(tmp_path: Path) -> None:
    info = DOCUMENTS[0]["deviceInfo"]
    events = [
        {"deviceInfo": info, "devAddr": "01020304", "deduplicationId": "x"},
        {"deviceInfo": info, "level": "ERROR", "code": "UPLINK_CODEC", "description": "x"},
        {"deviceInfo": info, "margin": 7, "batteryLevel": 90.5},
        {"deviceInfo": info, "queueItemId": "x", "acknowledged": True},
        {"deviceInfo": info, "downlinkId": 3, "gatewayId": "0016c001f1000001"},
    ]
    recording = read(tmp_path, json.dumps([*events, *DOCUMENTS]).encode())
    kinds = [message.topic.rsplit("/", 1)[1] for message in recording.messages]
    assert kinds == ["join", "log", "status", "ack", "txack", "up", "up"]
    with pytest.raises(NotARecording, match=r"no uplink can be read \(events: 5\)"):
        read(tmp_path, json.dumps(events).encode()).require_uplinks()


# --- The Things Stack ------------------------------------------------------------------

THINGS = [tts.uplink(n, at(n * 60)) for n in (1, 2)]


@pytest.mark.parametrize(
    "content",
    [
        lines(lambda n: json.dumps({"result": THINGS[n]})),  # its storage
        lines(lambda n: json.dumps(THINGS[n])),  # a webhook
        lines(lambda n: f"prefix/{tts.topic('70b3d50000000100')} {json.dumps(THINGS[n])}"),
        json.dumps(
            [
                {"name": name, "identifiers": [{}], "data": {"@type": "x", **one}}
                for one in THINGS[::-1]
                for name in ("as.up.data.forward", "as.up.data.receive", "ns.up.data.process")
            ],
            indent=2,
        ).encode(),  # the console's export
    ],
)
def test_the_things_stack_is_read_too(tmp_path: Path, content: bytes) -> None:
    recording = read(tmp_path, content)
    assert recording.server.name == "the_things_stack"
    assert [one.uplink and one.uplink.f_cnt for one in recording.messages] == [1, 2]
    assert recording.faults == ()
    assert all(one.topic.startswith("v3/stadtgruen") for one in recording.messages)


def test_of_two_network_servers_the_one_with_more_events_is_played(tmp_path: Path) -> None:
    content = LINES.encode() + lines(lambda n: json.dumps(THINGS[0]) if n else "")
    recording = read(tmp_path, content)
    assert len(recording.messages) == 2
    (fault,) = recording.faults
    assert "--format the_things_stack" in fault.english
    path = tmp_path / "recording"
    assert len(read_recording(path, NINE, "the_things_stack").messages) == 1


# --- what is named ---------------------------------------------------------------------

KEY = "00112233445566778899AABBCCDDEEFF"
DATA = {"fCnt": 1, "fPort": 2, "data": "ziI="}
NAMED: list[tuple[object, str, str]] = [
    (
        {
            "applicationID": "1",
            "devEUI": "a840410000000001",
            "rxInfo": [{"gatewayID": "x"}],
            **DATA,
        },
        "ChirpStack 3",
        "'deviceInfo'",
    ),
    (
        {"applicationID": "1", "devEUI": "qEBBAAAAAAE=", "objectJSON": "{}", **DATA},
        "ChirpStack 3",
        "'deviceInfo'",
    ),
    (
        {
            "applicationID": 1,
            "devEUI": "a840410000000001",
            "rxInfo": [{"mac": "c0ba1ffffe000001"}],
            **DATA,
        },
        "gateway's own network server",
        "packet forwarding",
    ),
    (
        {"devEUI": "a840410000000001", "data_encode": "hexstring", "timestamp": 1, **DATA},
        "gateway's own network server",
        "packet forwarding",
    ),
    (
        {"deveui": "a8-40-41-00-00-00-00-01", "tmst": 1, "datr": "SF7BW125", "data": "ziI="},
        "gateway's own network server",
        "packet forwarding",
    ),
    (
        {"app_id": "stadt", "dev_id": "linde", "port": 2, "counter": 1, "payload_raw": "ziI="},
        "Stack 2",
        "The Things Stack 3",
    ),
    (
        {"dev_eui": "A840410000000001", "hotspots": [{"id": "x"}], "payload": "ziI=", "port": 2},
        "Helium",
        "ChirpStack 4",
    ),
    ({"rxpk": [{"tmst": 1, "freq": 868.1, "data": "QAEC"}]}, "Semtech UDP", "encrypted"),
    ({"stat": {"time": "x", "rxnb": 1, "rxok": 1}}, "Semtech UDP", "encrypted"),
    ({"msgtype": "updf", "DevAddr": 1, "FRMPayload": "01"}, "Basics Station", "encrypted"),
    (
        [{"phy_payload": {"mhdr": {"f_type": "UnconfirmedDataUp"}}, "tx_info": {}, "rx_info": []}],
        "encrypted",
        "application/#",
    ),
    ({"phyPayload": "QAEC", "rxInfo": {"gatewayId": "x"}}, "encrypted", "application/#"),
    (
        {"cmd": "rx", "EUI": "A840410000000001", "fcnt": 1, "port": 2, "data": "ce22"},
        "LORIOT",
        "ChirpStack 4",
    ),
    (
        {"DevEUI_uplink": {"DevEUI": "A840410000000001", "payload_hex": "ce22"}},
        "ThingPark",
        "ChirpStack 4",
    ),
    (
        {"WirelessDeviceId": "x", "PayloadData": "ziI=", "WirelessMetadata": {}},
        "AWS",
        "ChirpStack 4",
    ),
    (
        {"meta": {"device": "a840410000000001", "packet_id": "x"}, "params": {"payload": "ziI="}},
        "Everynet",
        "ChirpStack 4",
    ),
    ({"device": "1A2B3C", "seqNumber": 1, "data": "ce22"}, "Sigfox", "LoRaWAN only"),
    (
        {"results": [{"statement_id": 0, "series": [{"name": "x"}]}]},
        "InfluxDB",
        "without the bytes",
    ),
    (
        {"ids": {"dev_eui": "A840410000000001"}, "root_keys": {"app_key": {"key": KEY}}},
        "description of devices",
        "import-devices",
    ),
    (
        {"EndDevice": {"DevEui": "a840410000000001"}, "Payload": "ce22"},
        "not known here",
        "ChirpStack 4",
    ),
    (
        {"temperature": 21.5, "time": "2026-11-26T15:00:00Z"},
        "JSON without an event",
        "mosquitto_sub",
    ),
    (b"<!DOCTYPE html><html><body>Login</body></html>", "web page", "download"),
    (b"<?xml version='1.0'?><DevEUI_uplink/>", "XML", "ChirpStack 4"),
    (
        b"device_uplink,application_name=a,dev_eui=a840410000000001 f_cnt=1i 1700000000000000000\n"
        * 2,
        "line protocol",
        "without the bytes",
    ),
    (
        b"#group,false,false\n#datatype,string,long\n,result,table\n",
        "dump of InfluxDB",
        "without the bytes",
    ),
    (b"name,time,value\nx,1,2\n", "dump of InfluxDB", "without the bytes"),
    (
        f"DevEUI;AppKey\na840410000000001;{KEY}\n".encode(),
        "table (CSV) with devices",
        "import-devices",
    ),
    (f"a840410000000001;{KEY}\na840410000000002;{KEY}\n".encode(), "table (CSV)", "mosquitto_sub"),
    (b"zeit;wert\n1;2\n", "table (CSV)", "mosquitto_sub"),
    (
        {"devEui": "a840410000000001", "payload": "ce22", "fPort": "2"},
        "not known here",
        "ChirpStack 4",
    ),
    ([], "no event was found", ""),
    ('{"a": ' * 50_000, "no event was found", ""),
    (b'{"deduplicationId"=>"x"}', "line 1: JSON that cannot be read", ""),
    ([{"name": "gs.up.receive", "identifiers": [{}], "data": {}}], "events: 1", ""),
    (b"", "empty", "was anything sent"),
    (b" \r\n", "empty", "was anything sent"),
    (b"PK\x03\x04 rest", "damaged", "unpack"),
    (b"\xd4\xc3\xb2\xa1" + bytes(20), "pcap", "mosquitto_sub"),
    (b"SQLite format 3\0" + bytes(20), "SQLite", "mosquitto_sub"),
    (b"\x0a\x24" + bytes(range(256)) + bytes(40), "no text", "payload_hex"),
    (b"hello\nworld\n", "no event, but other text", "line 1"),
    ({"topic": TOPIC, "payloadlen": 300, "payload": ""}, "payload is missing", "payload_hex"),
    (
        {"topic": "eu868/gateway/0016c001f1000001/event/up", "payload_hex": PROTOBUF[0].hex()},
        "encrypted",
        "application/#",
    ),
    (
        f"gateway/0016c001f1000001/event/up {PROTOBUF[0].hex()}\n".encode(),
        "encrypted",
        "application/#",
    ),
    (f"{TOPIC} $\x02\x03nix\n".encode(), "neither JSON nor hex nor base64", "payload_hex"),
]


@pytest.mark.parametrize(("content", "what", "remedy"), NAMED, ids=lambda one: str(one)[:40])
def test_it_is_named_with_what_to_do(
    tmp_path: Path, content: object, what: str, remedy: str
) -> None:
    raw = content if isinstance(content, bytes) else json.dumps(content, indent=1).encode()
    with pytest.raises(NotARecording) as refused:
        read(tmp_path, raw).require_uplinks()
    said = refused.value.sentence
    assert what in said.english
    assert remedy in said.english
    assert said.german != said.english
    assert KEY not in said.english + said.german


def test_the_same_on_a_topic_of_chirpstack_is_named_too(tmp_path: Path) -> None:
    """ChirpStack 3 has the topics of version 4."""
    old, _, _ = NAMED[0]
    content = lines(lambda n: json.dumps({"topic": TOPIC, "payload": json.dumps(old)}))
    with pytest.raises(NotARecording, match=r"line 1 and 1 more: an event of ChirpStack 3"):
        read(tmp_path, content).require_uplinks()


@pytest.mark.parametrize("name", ["bare", "bigJ", "prefix", "tts", "v3"])
def test_what_people_really_fed_in(name: str) -> None:
    path = real_parts.require_shared(f"cases/recordings/{name}.jsonl")
    recording = read_recording(path, SystemClock().now())
    if name == "v3":
        with pytest.raises(NotARecording, match="ChirpStack 3"):
            recording.require_uplinks()
        return
    recording.require_uplinks()
    assert all(message.uplink is not None for message in recording.messages)
    if name != "tts":
        town = town_of(recording.messages, catalogue(), "replay")
        assert {device.device_type for device in town.devices} == {"dragino/lht65n"}


@pytest.mark.parametrize("marshaler", ["json", "protobuf"])
def test_a_real_session_is_read_without_a_fault(marshaler: str) -> None:
    path = real_parts.require_shared(f"chirpstack-events/events-{marshaler}.jsonl")
    recording = read_recording(path, SystemClock().now())
    assert recording.faults == ()
    assert len(recording.messages) == len(path.read_text().splitlines())
