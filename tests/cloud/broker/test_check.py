"""`check --connect` at the town's broker, where one certificate is one connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from real_parts import PATIENCE_S, mosquitto, wait_until
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.base.mqtt.probe import Fault, probe
from stadtsinn.cli.cloud import app as cloud_app
from stadtsinn.cli.edge import app as edge_app
from stadtsinn.edge.messages.delivery import CHECK_TOPIC, ack_topic, check_topic, status_topic
from stadtsinn.edge.messages.edge_id import INGEST
from town_broker import RawClient, TownBroker

pytestmark = pytest.mark.slow


def test_an_edge_proves_the_broker_by_its_will(town: TownBroker) -> None:
    report = probe(town.edge_broker("prover"), check_topic("prover"))
    assert (report.fault, report.warnings) == (None, ())


def test_the_cloud_proves_it_on_its_own_machine(town: TownBroker) -> None:
    report = probe(town.local_broker(INGEST, "stadtsinn-ingest-edges"), CHECK_TOPIC)
    assert report.fault is None


def test_an_access_list_that_forbids_it_is_named(town: TownBroker) -> None:
    broker = town.edge_broker("curious")
    assert probe(broker, status_topic("curious"), timeout=3).fault is Fault.READ_DENIED
    assert probe(broker, ack_topic("curious"), timeout=3).fault is Fault.PUBLISH_REFUSED


def test_what_waits_for_the_agent_still_comes_to_it(town: TownBroker) -> None:
    """The probe runs in the agent's session, since it has no other: it takes nothing away."""
    broker = town.edge_broker("resting")
    heard: list[Message] = []
    agent = MqttLink(broker, subscriptions=[ack_topic("resting")], on_message=heard.append)
    agent.start()
    assert agent.wait_connected(PATIENCE_S)
    agent.stop()
    word = (INGEST, town.passwords[INGEST])
    with RawClient(town.ports.local_port, "i", account=word) as ingest:
        for number in range(5):
            ingest.publish(ack_topic("resting"), b"%d" % number)
        assert probe(broker, check_topic("resting")).fault is None
        agent = MqttLink(broker, on_message=heard.append, session_expected=True)
        agent.start()
        wait_until(lambda: len(heard) >= 5, "what waited comes")
        ingest.publish(ack_topic("resting"), b"last")
        wait_until(lambda: heard[-1].payload == b"last", "the session goes on")
        agent.stop()
    assert [one.payload for one in heard] == [b"0", b"1", b"2", b"3", b"4", b"last"]
    assert agent.notices.texts() == ()


def test_of_an_edge_without_a_session_nothing_is_left(tmp_path: Path) -> None:
    with TownBroker(tmp_path) as town:
        assert probe(town.edge_broker("visitor"), check_topic("visitor")).fault is None
    kept = (tmp_path / "broker" / "mosquitto.db").read_bytes()
    assert b"visitor" not in kept


def test_an_agent_that_runs_is_named(town: TownBroker) -> None:
    """It comes back at once and takes the connection from the probe."""
    broker = town.edge_broker("running")
    stop = threading.Event()

    def come_back() -> None:
        link = MqttLink(replace(broker, longest_pause=1), subscriptions=[ack_topic("running")])
        link.start()
        stop.wait(PATIENCE_S)
        link.stop()

    agent = threading.Thread(target=come_back)
    agent.start()
    try:
        fault = probe(broker, check_topic("running"), timeout=5).fault
    finally:
        stop.set()
        agent.join()
    assert fault is Fault.IN_USE


@pytest.fixture
def local_broker(tmp_path: Path) -> Iterator[int]:
    with mosquitto(tmp_path / "local") as broker:
        yield broker.port


def test_the_commands_say_that_all_is_well(
    town: TownBroker, tmp_path: Path, local_broker: int
) -> None:
    files = town.edge("rathaus-1")
    (tmp_path / "edge.toml").write_text(
        'edge_id = "rathaus-1"\n'
        f"local_broker = {{ port = {local_broker} }}\n"
        f'[cloud_broker]\nhost = "127.0.0.1"\nport = {town.ports.port}\n'
        f'[cloud_broker.tls]\nca = "{files.ca}"\ncertificate = "{files.certificate}"\n'
        f'key = "{files.key}"\n'
    )
    (tmp_path / "cloud.toml").write_text(
        f'[broker]\nport = {town.ports.local_port}\nusername = "ingest"\n'
        f'password_file = "{town.files.parent}/passwords/ingest.password"\n'
    )
    for app, name in ((edge_app, "edge"), (cloud_app, "cloud")):
        arguments = ["check", "--connect", "--config", str(tmp_path / f"{name}.toml")]
        result = CliRunner().invoke(app, arguments, env={"LC_ALL": "C"})
        assert result.exit_code == 0, result.output
        assert "keeps messages for a client that is away (MQTT 5, at most" in result.output
