"""What the cloud does not take stays with its sender, and comes when it may. Real brokers, a real
ingest and a real agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents_and_cloud import AgentsAndCloud as Town
from agents_and_cloud import send, with_cloud
from fake_uplinks import register, register_edge
from real_parts import wait_until
from stadtsinn.cloud.operations.edges import Presence, edges

pytestmark = pytest.mark.slow

NEIGHBOURS, NOBODYS = "70b3d50000000200", "70b3d50000000900"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with with_cloud(tmp_path) as made:
        yield made


def test_foreign_devices_wait_at_the_edge_and_stop_nobody(town: Town) -> None:
    agent, local = town.agent("a")
    agent.start()
    send(local, range(100, 110), dev_eui=NOBODYS)
    send(local, range(200, 205), dev_eui=NEIGHBOURS)
    send(local, range(20))
    town.wait_for(range(20))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "all is acknowledged")
    assert agent.metric("stadtsinn_edge_items_kept") == 15
    assert NOBODYS in agent.warnings("delivery")
    agent.stop()
    agent.start()
    assert agent.metric("stadtsinn_edge_items_kept") == 15, "they are on the card"
    register(town.cloud.database, NOBODYS)
    town.wait_for(range(100, 110))
    wait_until(lambda: agent.metric("stadtsinn_edge_items_kept") == 5, "only the neighbour's")
    assert set(range(200, 205)).isdisjoint(town.counters())
    assert town.uplinks()[100].tenant_id == "musterstadt"


def test_an_unknown_edge_keeps_everything_until_it_is_registered(town: Town) -> None:
    agent, local = town.agent("b", edge_id="bauhof")
    agent.start()
    send(local, range(5))
    wait_until(lambda: "unknown_edge" in town.log(), "the ingest names it")
    assert agent.metric("stadtsinn_edge_spool_items") == 5
    wait_until(lambda: "know edge 'bauhof'" in agent.check("delivery")["detail"], "it is told why")
    assert "give-edge" in agent.warnings("delivery")
    register_edge(town.cloud.database, "bauhof")
    town.wait_for(range(5))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    assert "give-edge" not in agent.warnings("delivery")
    wait_until(lambda: seen(town, "bauhof") is Presence.ONLINE, "the cloud hears that it is there")
    agent.stop()
    wait_until(lambda: seen(town, "bauhof") is Presence.STOPPED, "and that it was stopped")


def seen(town: Town, edge_id: str) -> Presence:
    with town.cloud.database.read() as connection:
        found = {one.id: one.presence for one in edges(connection, town.clock.now())}
    return found[edge_id]
