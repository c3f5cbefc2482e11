"""Recorded events go through broker, edge agent and cloud into either store."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

import real_parts
from installed_command import Run
from stadtsinn.simulator.market_day.day import MarketDay
from stadtsinn.simulator.radio.network_servers import NetworkServer

pytestmark = pytest.mark.slow

UPLINKS = 60


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """The first uplinks of the simulated day as a recording, in all three spellings.

    With three lines that no recorder should have written.
    """
    lines = []
    ups = 0
    for message in MarketDay(seed=3).publications():
        if message.server is NetworkServer.TOWN:
            as_text = {"topic": message.topic, "payload": message.payload.decode()}
            as_hex = {"topic": message.topic, "payload_hex": message.payload.hex()}
            lines.append(as_hex if ups % 2 else as_text)
        else:
            encoded = base64.b64encode(message.payload).decode()
            lines.append({"topic": message.topic, "payload_base64": encoded})
        ups += message.topic.endswith("/up") and message.server is NetworkServer.TOWN
        if ups == UPLINKS:
            break
    broken = ["{not json", '{"topic": "a/b"}', '{"topic": "a/b", "payload_base64": "%%%"}']
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join([*map(json.dumps, lines), *broken]) + "\n")
    return path


def check(result: dict[str, object]) -> None:
    devices = result["devices"]
    assert isinstance(devices, list)
    assert sum(device["uplinks"] for device in devices) == UPLINKS
    assert sum(device["decoded"] for device in devices) == UPLINKS
    assert all(device["latest"] for device in devices)
    assert all(device["first"].startswith("2026-09-26") for device in devices)
    assert result["copies"] == result["up_events"] - UPLINKS  # type: ignore[operator]
    assert len(result["faults"]) == 3  # type: ignore[arg-type]


@pytest.mark.nightly
def test_a_recording_into_the_embedded_store(stadtsinn: Run, recording: Path) -> None:
    """Every readable line arrives once, copies of a second server count once, faults are named."""
    done = stadtsinn("replay", recording, "--json")
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout))


def test_a_recording_into_influxdb(stadtsinn: Run, recording: Path, tmp_path: Path) -> None:
    """The same, read back from a real InfluxDB."""
    with real_parts.influxdb(tmp_path / "influx") as server:
        address = server.url.removeprefix("http://")
        done = stadtsinn("replay", recording, "--json", "--store", f"influxdb://{address}")
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout))


@pytest.mark.nightly
@pytest.mark.parametrize("marshaler", ["json", "protobuf"])
def test_a_real_chirpstacks_recording(stadtsinn: Run, marshaler: str) -> None:
    """Both marshalers of the same recorded session come out alike, device by device."""
    path = real_parts.require_shared(f"chirpstack-events/events-{marshaler}.jsonl")
    done = stadtsinn("replay", path, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    by_type = {device["device_type"]: device for device in result["devices"]}
    assert {name: device["uplinks"] for name, device in by_type.items()} == {
        "dragino/lse01": 15,
        "decentlab/dl-atm41": 2,
        "bosch/tps110": 2,
        "milesight/vs133": 2,
        "parametric/pcr2": 2,
    }
    assert by_type["dragino/lse01"]["undecoded"] == {"no_payload": 2, "unknown_port": 1}
    # The late frame's own time, six hours before its arrival, is the first of the device.
    assert by_type["dragino/lse01"]["first"].startswith("2026-11-21T21:5")
    latest = {value["quantity"]: value["value"] for value in by_type["dragino/lse01"]["latest"]}
    assert latest["soil_moisture"] == 19.57


def test_a_speed_that_is_none_is_refused(stadtsinn: Run, recording: Path) -> None:
    """Bad usage ends with code 2 and the remedy."""
    done = stadtsinn("replay", recording, "--speed", "fast")
    assert done.returncode == 2
    assert "'max'" in done.stderr


@pytest.mark.nightly
def test_a_table_for_people(stadtsinn: Run, recording: Path) -> None:
    """Without --json a table shows device, counts and latest values with their channels."""
    done = stadtsinn("replay", recording, "--speed", "100000")
    assert done.returncode == 0, done.stderr
    assert "people_in_total [line_1]" in done.stdout
    assert done.stderr.count("line ") == 3
