"""The Things Stack beside ChirpStack, with real brokers: through an edge agent and directly."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import fake_the_things_stack as tts
import real_parts
from by_night import others_by_night
from fake_mqtt_gate import FakeMqttGate
from fake_uplinks import LSE01_PAYLOAD, at, chirpstack_event, event_topic, register_edge, uplink
from installed_command import Run
from real_cloud import RealCloud
from real_edge import RealEdge
from real_parts import PATIENCE_S, mosquitto, wait_until
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import parse
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.cloud.intake.repository import quarantined
from stadtsinn.cloud.log.uplinks.repository import read_after
from stadtsinn.simulator.demo.mosquitto import Mosquitto

pytestmark = pytest.mark.slow

APPLICATION, API_KEY = tts.APPLICATION, "NNSXS.PART.OF.A.KEY"
EUI = "70b3d50000000100"
FRAMES = range(40)


@pytest.fixture
def the_things_stack(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker with the rights of The Things Stack's: an application reads its own topics."""
    folder = tmp_path / "the-things-stack"
    folder.mkdir()
    passwords = folder / "passwords"
    program = real_parts.require("mosquitto_passwd")
    for name, password in ((APPLICATION, API_KEY), ("server", "s")):
        create = [] if passwords.exists() else ["-c"]
        command = [str(program), *create, "-b", str(passwords), name, password]
        subprocess.run(command, check=True, capture_output=True)
    rights = folder / "rights"
    rights.write_text(
        f"user {APPLICATION}\ntopic read v3/{APPLICATION}/#\nuser server\ntopic write #\n"
    )
    passwords.chmod(0o644)
    options = ["allow_anonymous false", f"password_file {passwords}", f"acl_file {rights}"]
    with mosquitto(folder, options) as broker:
        yield broker


@pytest.fixture
def cloud_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "cloud-broker") as broker:
        yield broker


def connected(broker: Broker) -> MqttLink:
    link = MqttLink(broker)
    link.start()
    assert link.wait_connected(PATIENCE_S)
    return link


def settings_of_the_things_stack(folder: Path) -> str:
    key = folder / "api-key"
    key.write_text(API_KEY + "\n")
    return f'username = "{APPLICATION}"\npassword_file = "{key}"\n'


def arrived(health_port: int) -> Counter[str]:
    """Uplinks that reached the ingest, new and known ones together, by source."""
    url = f"http://127.0.0.1:{health_port}/metrics"
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        text = answer.read().decode()
    found: Counter[str] = Counter()
    pattern = r'stadtsinn_ingest_(?:uplinks|duplicates)_total\{source="([^"]+)"\} ([0-9.]+)'
    for source, count in re.findall(pattern, text):
        found[source] += int(float(count))
    return found


def test_one_device_by_three_ways_counts_once(
    tmp_path: Path, the_things_stack: Mosquitto, cloud_broker: Mosquitto
) -> None:
    """The Things Stack to an agent and to the cloud, and ChirpStack, all at the same time.

    The Things Stack's broker speaks MQTT 3.1.1 only and publishes at QoS 0.
    A device of which both servers know the session: each of its frames is logged once. What is no
    event lies in quarantine as The Things Stack's, once for the agent and once for the cloud.
    """
    account = settings_of_the_things_stack(tmp_path)
    gate = FakeMqttGate(the_things_stack.port, "hang_up_on_mqtt5")
    (tmp_path / "cloud").mkdir()
    cloud = RealCloud(
        tmp_path / "cloud",
        cloud_broker.port,
        '[[network_servers]]\nname = "county"\nformat = "the_things_stack"\n'
        f"[network_servers.broker]\nport = {gate.port}\n{account}",
    )
    # Events come at once: what is older than five minutes then has the stamp of a wrong clock.
    SharedClock.create(cloud.clock, at(200))
    register_edge(cloud.database, "rathaus-1")
    edge = RealEdge(
        tmp_path / "edge",
        gate.port,
        cloud_broker.port,
        local_options=f'format = "the_things_stack"\n{account}',
        clock=cloud.clock,
    )
    ingest = cloud.process(["ingest"])
    with gate, contextlib.ExitStack() as ended:
        ended.callback(ingest.stop)
        ended.callback(edge.kill)
        ingest.start()
        cloud.wait_healthy()
        edge.start()
        edge.wait_ready()
        publish(the_things_stack.port, cloud_broker.port)
        sources = ("edge:rathaus-1", "the_things_stack:county", "chirpstack:town")
        wait_until(
            lambda: all(arrived(cloud.health_port)[one] >= len(FRAMES) for one in sources),
            "every frame arrived by all three ways",
        )
        wait_until(lambda: len(in_quarantine(cloud)) == 2, "what is no event is kept")
    with cloud.database.read() as connection:
        logged = read_after(connection, 0, 10_000)
    assert Counter(entry.f_cnt for entry in logged) == dict.fromkeys(FRAMES, 1)
    assert {entry.event_time for entry in logged} == {at(n * 10) for n in FRAMES}
    assert in_quarantine(cloud) == {
        ("edge:rathaus-1", "the_things_stack", "malformed_json"),
        ("the_things_stack:county", "the_things_stack", "malformed_json"),
    }
    assert API_KEY not in edge.log() + (cloud.folder / "ingest.log").read_text()
    cloud.database.dispose()


def publish(the_things_stack: int, chirpstack: int) -> None:
    """Each frame to both servers' brokers, in different orders; QoS 0 as The Things Stack does."""
    things = connected(
        Broker("127.0.0.1", the_things_stack, "server", username="server", password="s")
    )
    chirpstack_link = connected(Broker("127.0.0.1", chirpstack, "chirpstack"))
    try:
        things.publish(tts.topic(EUI), b"{", qos=0)
        for n in FRAMES:
            up = uplink(n, n * 10, payload=LSE01_PAYLOAD)
            event = tts.uplink(n, up.event_time, dev_addr=up.dev_addr, payload=up.payload)
            ways = [
                partial(things.publish, tts.topic(EUI), tts.encode(event), qos=0),
                partial(chirpstack_link.publish, event_topic(EUI), chirpstack_event(up)),
            ]
            for way in ways if n % 2 else ways[::-1]:
                way().wait_for_publish(PATIENCE_S)
    finally:
        things.stop()
        chirpstack_link.stop()


def in_quarantine(cloud: RealCloud) -> set[tuple[str, str | None, str]]:
    with cloud.database.read() as connection:
        return {(row.source, row.format, row.reason) for row in quarantined(connection)}


# --- replay ----------------------------------------------------------------------------


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Twelve frames, one of them twice, and what comes with them: a join, a test, noise."""
    start = parse("2026-06-01T12:00:00+00:00")
    versions = {"brand_id": "dragino", "model_id": "lse01"}
    messages = [(tts.topic(EUI, "join"), b"{}")]
    for n in range(12):
        event = tts.uplink(n, start, message={"version_ids": versions})
        messages.append((tts.topic(EUI), tts.encode(event)))
    messages.append(messages[3])
    messages.append((tts.topic(EUI), tts.encode(tts.uplink(99, start, simulated=True))))
    messages.append((tts.topic(EUI), b"{"))
    path = tmp_path / "the-things-stack.jsonl"
    lines = [json.dumps({"topic": topic, "payload": body.decode()}) for topic, body in messages]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("options", others_by_night([[], ["--format", "the_things_stack"]], [[]]))
def test_a_recording_is_known_by_its_topics_or_by_name(
    stadtsinn: Run, recording: Path, options: list[str]
) -> None:
    done = stadtsinn("replay", recording, "--json", *options)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["up_events"], result["other_events"], result["copies"]) == (14, 2, 1)
    (device,) = result["devices"]
    assert (device["device_type"], device["uplinks"]) == ("dragino/lse01", 12)
    assert device["decoded"] == 12
    assert result["unreadable"] == {"malformed_json": 1}


def test_a_format_that_nobody_knows_is_refused(stadtsinn: Run, recording: Path) -> None:
    done = stadtsinn("replay", recording, "--format", "the_thing_stack")
    assert done.returncode == 2
    assert "the_things_stack" in done.stderr
