"""What a real broker retains for an edge ends with the edge; a real ingest sees to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents_and_cloud import AgentsAndCloud as Town
from agents_and_cloud import with_cloud
from fake_uplinks import register_edge
from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.cloud.erasure.slices import Storage
from stadtsinn.cloud.erasure.town import TownErasure
from stadtsinn.cloud.intake.repository import configured_edges
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.town.model import Edge
from stadtsinn.cloud.town.service import change, delete_edge, give_edge
from stadtsinn.edge.messages.delivery import config_topic

pytestmark = pytest.mark.slow


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with with_cloud(tmp_path) as made:
        yield made


def retained(town: Town) -> dict[str, bytes]:
    """What a newcomer is sent: a message of our own, retained last, says that it was all."""
    found: dict[str, bytes] = {}

    def take(message: Message) -> None:
        found[message.topic] = message.payload
        link.acknowledge(message)

    link = MqttLink(
        Broker("127.0.0.1", town.broker.port, f"newcomer-{uuid.uuid4().hex}"),
        subscriptions=[config_topic("+"), "last"],
        on_message=take,
    )
    link.start()
    try:
        assert link.wait_connected(PATIENCE_S)
        link.publish("last", b"x", retain=True).wait_for_publish(PATIENCE_S)
        wait_until(lambda: "last" in found, "all retained messages came")
    finally:
        link.stop()
    return {topic: payload for topic, payload in found.items() if topic != "last"}


def configured(town: Town) -> set[str]:
    with town.cloud.database.read() as connection:
        return configured_edges(connection)


def delete(town: Town, edge_id: str) -> None:
    with change(town.cloud.database) as connection:
        delete_edge(connection, operator_scope("musterstadt"), edge_id)


def test_it_is_taken_back_when_the_edge_is_deleted(town: Town) -> None:
    topic = config_topic("rathaus")
    wait_until(lambda: b"70b3d50000000100" in retained(town).get(topic, b""), "pushed")
    delete(town, "rathaus")
    wait_until(lambda: "rathaus" not in configured(town), "the broker has taken it back")
    assert retained(town) == {}


def test_it_is_taken_back_when_the_town_is_erased(town: Town, tmp_path: Path) -> None:
    wait_until(lambda: config_topic("rathaus") in retained(town), "pushed")
    series = open_store(str(tmp_path / "series.sqlite"))
    storage = Storage(town.cloud.database, Archive(tmp_path / "archive"), series, town.clock)
    TownErasure(storage).run("musterstadt")
    wait_until(lambda: "rathaus" not in configured(town), "the broker has taken it back")
    assert config_topic("rathaus") not in retained(town)
    series.close()


def test_it_is_taken_back_though_the_ingest_was_away(town: Town) -> None:
    wait_until(lambda: config_topic("rathaus") in retained(town), "pushed")
    town.ingest.stop()
    delete(town, "rathaus")
    register_edge(town.cloud.database, "bauhof")
    assert config_topic("rathaus") in retained(town), "nobody was there to take it back"
    town.ingest.start()
    wait_until(lambda: "rathaus" not in configured(town), "the broker has taken it back")
    wait_until(lambda: retained(town).keys() == {config_topic("bauhof")}, "the other's is there")


def test_an_edge_that_moves_keeps_nothing_of_its_former_town(town: Town) -> None:
    topic = config_topic("rathaus")
    wait_until(lambda: b"70b3d50000000100" in retained(town).get(topic, b""), "pushed")
    with change(town.cloud.database) as connection:
        give_edge(
            connection, operator_scope("nachbar"), Edge(id="rathaus", name="R"), town.clock.now()
        )
    wait_until(lambda: b"70b3d50000000200" in retained(town)[topic], "the new town's")
    assert b"70b3d50000000100" not in retained(town)[topic]
