"""The ingest as a process with a real broker, killed at each of its commit points.

Whatever the moment: after a restart every uplink is in the log exactly once, everything is
acknowledged, and at no time was anything acknowledged that was not committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_edge import FakeEdge
from fake_uplinks import chirpstack_event, event_topic, uplink
from real_cloud import RealCloud, wait_dead
from real_parts import PATIENCE_S, mosquitto, wait_until
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.cloud.log.uplinks.repository import head, read_after
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.simulator.demo.mosquitto import Mosquitto

pytestmark = pytest.mark.slow

EDGE_UPLINKS = [uplink(n, n * 10) for n in range(120)]
SERVER_UPLINKS = [uplink(n, n * 10, dev_eui="70b3d50000000101") for n in range(60)]

POINTS = [
    "ingest.received",
    "ingest.committed",
    "ingest.answered",
    "ingest.acknowledged",
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def server(broker: Mosquitto) -> Iterator[MqttLink]:
    """The network server's connection."""
    link = MqttLink(Broker("127.0.0.1", broker.port, "chirpstack"))
    link.start()
    assert link.wait_connected(PATIENCE_S)
    yield link
    link.stop()


def publish(server: MqttLink, uplinks: list[Uplink]) -> None:
    for up in uplinks:
        server.publish(event_topic(up.dev_eui), chirpstack_event(up)).wait_for_publish(PATIENCE_S)


def counted(database: Database) -> Counter[tuple[str, int]]:
    with database.read() as connection:
        return Counter((u.dev_eui, u.f_cnt) for u in read_after(connection, 0, 10_000))


EVERYTHING = {(up.dev_eui, up.f_cnt): 1 for up in (*EDGE_UPLINKS, *SERVER_UPLINKS)}


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_commit_point_it_loses_and_doubles_nothing(
    tmp_path: Path, broker: Mosquitto, server: MqttLink, point: str
) -> None:
    cloud = RealCloud(tmp_path, broker.port)
    # Once up and down: the sessions at the broker exist before anything is sent.
    first = cloud.process(["ingest"])
    first.start()
    cloud.wait_healthy()
    first.stop()
    edge = FakeEdge(broker.port, EDGE_UPLINKS)
    edge.start()
    publish(server, SERVER_UPLINKS)
    edge.send()
    doomed = cloud.process(["ingest"], f"{point}:2")
    doomed.start()
    wait_dead(doomed)
    committed = counted(cloud.database)
    for up in EDGE_UPLINKS[: edge.acknowledged]:
        assert committed[up.dev_eui, up.f_cnt] == 1
    survivor = cloud.process(["ingest"])
    survivor.start()
    try:
        edge.deliver()
        wait_until(lambda: len(counted(cloud.database)) == len(EVERYTHING), "all are logged")
        edge.send()  # and once more for good measure
        publish(server, SERVER_UPLINKS[:5])
        cloud.wait_healthy()
    finally:
        survivor.stop()
        edge.stop()
    assert counted(cloud.database) == EVERYTHING
    cloud.database.dispose()


def test_what_is_acknowledged_to_the_broker_does_not_come_again(
    tmp_path: Path, broker: Mosquitto, server: MqttLink
) -> None:
    """After an orderly run a new process finds an empty queue: its log stays as it is."""
    cloud = RealCloud(tmp_path, broker.port)
    ingest = cloud.process(["ingest"])
    ingest.start()
    cloud.wait_healthy()
    publish(server, SERVER_UPLINKS)
    wait_until(lambda: len(counted(cloud.database)) == len(SERVER_UPLINKS), "all are logged")
    ingest.stop()
    with cloud.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM uplinks")
    again = cloud.process(["ingest"])
    again.start()
    cloud.wait_healthy()
    publish(server, [uplink(999, 999)])
    wait_until(lambda: bool(counted(cloud.database)), "the newest is logged")
    again.stop()
    assert counted(cloud.database) == {("70b3d50000000100", 999): 1}
    cloud.database.dispose()


def test_a_killed_broker_and_ingest_together_lose_nothing_of_an_edge(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """The edge's spool is the durable part: brokers may forget."""
    cloud = RealCloud(tmp_path, broker.port)
    ingest = cloud.process(["ingest"])
    ingest.start()
    cloud.wait_healthy()
    edge = FakeEdge(broker.port, EDGE_UPLINKS)
    edge.start()
    edge.send()
    ingest.kill()
    broker.kill()
    broker.start()
    ingest.start()
    edge.deliver()
    ingest.stop()
    edge.stop()
    with cloud.database.read() as connection:
        assert head(connection) >= len(EDGE_UPLINKS)
    assert counted(cloud.database) == {(up.dev_eui, up.f_cnt): 1 for up in EDGE_UPLINKS}
    cloud.database.dispose()
