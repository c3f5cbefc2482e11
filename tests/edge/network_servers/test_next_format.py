"""The next network server, made inside this test: one class, one entry in `FORMATS`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fake_chirpstack import LSE01_PAYLOAD
from stadtsinn.base.instant import Instant, isoformat, parse
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cloud.intake.arrival import Kind, Origin, Original
from stadtsinn.cloud.intake.reading import read_original
from stadtsinn.cloud.settings import parse_settings as parse_cloud_settings
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.edge.agent.settings import parse_settings as parse_edge_settings
from stadtsinn.edge.network_servers.event_time import GatewayClocks, event_time
from stadtsinn.edge.network_servers.fields import (
    decoded,
    dev_addr,
    dev_eui,
    frame_payload,
    moment,
    text,
)
from stadtsinn.edge.network_servers.format import (
    ANY,
    MAX_EVENT,
    UP,
    NetworkServerFormat,
    OtherEvent,
    UnreadableEvent,
)
from stadtsinn.edge.network_servers.formats import FORMATS
from stadtsinn.simulator.replay.recording import read_recording

NOW = parse("2026-06-01T12:00:00+00:00")
EUI = "70b3d50000000100"
TOPIC = f"acme/town/{EUI}/uplink"


class _Event(msgspec.Struct):
    eui: str
    addr: str
    counter: int
    port: int
    hex: str
    at: Any = None
    kind: Any = None


_json = msgspec.json.Decoder(_Event)


class Acme(NetworkServerFormat):
    """A server whose events have the payload in hex and no receptions."""

    name = "acme"
    title = "Acme Network Server"
    shares_subscriptions = True
    topic_end = re.compile(r"acme/[^/]+/(?P<device>[0-9a-f]{16})/(?P<kind>uplink|joined)$")

    def topics(self, application: str = ANY) -> tuple[str, ...]:
        return (f"acme/{application}/+/uplink",)

    def kind(self, word: str) -> str:
        return UP if word == "uplink" else "join"

    def device(self, uplink: Uplink) -> str:
        return uplink.dev_eui

    def uplink(self, payload: bytes, received_at: Instant, clocks: GatewayClocks | None) -> Uplink:
        event = decoded(_json, payload, self.title)
        when, source = event_time([], moment(event.at), received_at, clocks)
        return Uplink(
            dev_eui=dev_eui(event.eui, self.title),
            dev_addr=dev_addr(event.addr, self.title),
            f_cnt=event.counter,
            f_port=event.port,
            payload=frame_payload(bytes.fromhex(event.hex), event.port),
            event_time=when,
            time_source=source,
            received_at=received_at,
            deduplication_id=f"{event.addr}:{event.counter}",
            device_profile=text(event.kind),
        )


def event(**changed: Any) -> bytes:
    stated = {
        "eui": EUI,
        "addr": "01e8b740",
        "counter": 7,
        "port": 2,
        "hex": LSE01_PAYLOAD.hex(),
        "at": isoformat(NOW),
        "kind": "dragino/lse01",
    }
    return json.dumps({**stated, **changed}).encode()


@pytest.fixture(autouse=True)
def acme(monkeypatch: pytest.MonkeyPatch) -> Acme:
    made = Acme()
    monkeypatch.setitem(FORMATS, made.name, made)
    return made


def test_its_events_are_read(acme: Acme) -> None:
    uplink = acme.read(TOPIC, event(), NOW)
    assert isinstance(uplink, Uplink)
    assert (uplink.dev_eui, uplink.f_cnt, uplink.payload) == (EUI, 7, LSE01_PAYLOAD)
    assert (uplink.event_time, uplink.time_source) == (NOW, TimeSource.NETWORK_SERVER)
    assert acme.read(TOPIC.replace("uplink", "joined"), b"", NOW) == OtherEvent("join")


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("zigbee2mqtt/lamp", event(), "unknown_topic"),
        (TOPIC, b"{" + b" " * MAX_EVENT, "too_large"),
        (TOPIC, b"{", "malformed_json"),
        (TOPIC, b"{}", "missing_field"),
        (TOPIC, event(counter="seven"), "bad_field"),
        (TOPIC, event(eui="70b3d500000001ff"), "bad_dev_eui"),
        (TOPIC, event(hex="00" * 243), "oversized_payload"),
    ],
)
def test_what_all_formats_refuse_it_refuses_too(
    acme: Acme, topic: str, payload: bytes, reason: str
) -> None:
    with pytest.raises(UnreadableEvent) as refused:
        acme.read(topic, payload, NOW)
    assert refused.value.reason == reason


def test_edge_agent_and_cloud_can_be_configured_for_it(acme: Acme) -> None:
    edge = parse_edge_settings(
        'edge_id = "x"\n[cloud_broker]\nhost = "h"\n[local_broker]\nformat = "acme"',
        Path("edge.toml"),
    )
    assert (edge.network_server, edge.topics) == (acme, ("acme/+/+/uplink",))
    server = '[[network_servers]]\nname = "a"\nformat = "{}"'
    cloud = parse_cloud_settings(server.format("acme"), Path("cloud.toml"))
    assert cloud.network_servers[0].format == "acme"
    with pytest.raises(SettingsError, match="did you mean 'acme'"):
        parse_cloud_settings(server.format("acne"), Path("cloud.toml"))


def test_quarantine_and_recordings_know_it(tmp_path: Path) -> None:
    raw = event()
    original = Original(Kind.EVENT, Origin("acme:a", None), TOPIC, raw, len(raw), NOW, "acme")
    (candidate,) = read_original(original, Directory({}, {})).candidates
    assert candidate.uplink.dev_eui == EUI
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps({"topic": TOPIC, "payload": raw.decode()}) + "\n")
    assert read_recording(file, NOW).server.name == "acme"
