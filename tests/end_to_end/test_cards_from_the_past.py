"""Spools that disagree with the cloud: cards restored, copied, swapped; databases restored.

A real ingest, real brokers, real agents. Whatever was never committed arrives, and both sides say
what they noticed. Public reports of the kind: one client id in two devices
(https://github.com/knolleary/pubsubclient/issues/129, https://github.com/emqx/emqx/issues/151,
https://github.com/nabovarme/MeterLogger/issues/75), databases that a card lost or tore
(https://github.com/aaronwmorris/indi-allsky/issues/1534).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents_and_cloud import AgentsAndCloud as Town
from agents_and_cloud import send, with_cloud
from fake_uplinks import register_edge
from real_parts import wait_until
from running_agent import RunningAgent
from stadtsinn.simulator.demo.mosquitto import Mosquitto

pytestmark = pytest.mark.slow


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with with_cloud(tmp_path) as made:
        yield made


def named(agent: RunningAgent) -> bool:
    """Does this agent say that there is another one?"""
    cloud, delivery = agent.warnings("cloud_broker"), agent.warnings("delivery")
    return "same client id" in cloud or "another agent" in delivery


def restored(town: Town) -> tuple[RunningAgent, Mosquitto]:
    """60 uplinks delivered; then the card of a time when it had 18, its agent not yet started."""
    agent, local = town.agent("a")
    agent.start()
    send(local, range(18))
    town.wait_for(range(18))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    agent.stop()
    image = agent.image("older.sqlite")
    agent.start()
    send(local, range(18, 60))
    town.wait_for(range(60))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    agent.stop()
    agent.restore(image)
    return agent, local


def test_card_restored_from_an_older_image_loses_nothing(town: Town) -> None:
    agent, local = restored(town)
    agent.start()
    send(local, range(60, 120))
    town.wait_for(range(120))
    wait_until(lambda: "from the past" in agent.warnings("delivery"), "the edge says so")
    assert "rathaus" in town.warnings()
    assert "from the past" in town.warnings()
    assert "edge_of_an_older_life" in town.log()
    assert agent.metric("stadtsinn_edge_streams_begun_anew_total") == 1


def test_restored_card_that_gathers_more_than_the_cloud_knows_before_it_delivers(
    town: Town,
) -> None:
    """Its newest position is beyond the cloud's then: only what it was at the start tells."""
    agent, local = restored(town)
    town.broker.stop()
    agent.start(wait_for=("local_broker",))
    send(local, range(60, 160))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 100, "spooled")
    town.broker.start()
    town.wait_for(range(160))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    assert "from the past" in agent.warnings("delivery")
    assert "from the past" in town.warnings()


def test_two_agents_with_one_card_are_named_and_lose_nothing(town: Town) -> None:
    agent, local = town.agent("a")
    agent.start()
    send(local, range(10))
    town.wait_for(range(10))
    agent.stop()
    twin, other = town.agent("b")
    twin.restore(agent.image("copy.sqlite"))
    agent.start(wait_for=("local_broker",))
    twin.start(wait_for=("local_broker",))
    sent = 10

    def both_send() -> bool:
        nonlocal sent
        send(local, range(sent, sent + 15))
        send(other, range(sent + 15, sent + 30))
        sent += 30
        town.wait_for(range(sent))
        return "two agents" in town.warnings()

    wait_until(both_send, "the cloud names the copied card", timeout=120)
    for one in (agent, twin):
        wait_until(
            lambda: one.metric("stadtsinn_edge_spool_items") == 0,  # noqa: B023
            "each got its acknowledgements",
        )
    wait_until(lambda: any(named(one) for one in (agent, twin)), "the edge names it, too")
    assert "edge_runs_twice" in town.log()


def test_spool_that_was_deleted_begins_a_new_stream(town: Town) -> None:
    agent, local = town.agent("a")
    agent.start()
    send(local, range(20))
    town.wait_for(range(20))
    agent.stop()
    agent.spool.unlink()
    agent.start()
    send(local, range(20, 50))
    town.wait_for(range(50))
    assert agent.warnings("delivery") == ""


def test_spool_without_its_newest_rows_begins_a_new_stream(town: Town) -> None:
    """Half of the file is of another time: acknowledged up to 20, rows only up to 10."""
    agent, local = town.agent("a")
    agent.start()
    send(local, range(20))
    town.wait_for(range(20))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    agent.stop()
    spool = sqlite3.connect(agent.spool)
    with spool:
        spool.execute("DELETE FROM item WHERE position > 10")
    spool.close()
    agent.start()
    send(local, range(20, 50))
    town.wait_for(range(50))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")


def test_spool_of_another_edge_is_delivered_as_a_stream_of_its_own(town: Town) -> None:
    """Two cards were swapped: neither edge's positions mean anything in the other's stream."""
    register_edge(town.cloud.database, "bauhof")
    first, local = town.agent("a")
    second, other = town.agent("b", edge_id="bauhof")
    for agent, broker, counters in ((first, local, range(10)), (second, other, range(10, 30))):
        agent.start()
        send(broker, counters)
        town.wait_for(counters)
        wait_until(
            lambda: agent.metric("stadtsinn_edge_spool_items") == 0,  # noqa: B023
            "acknowledged",
        )
        agent.stop()
    images = first.image("image.sqlite"), second.image("image.sqlite")
    first.restore(images[1])
    second.restore(images[0])
    for agent, broker, counters in ((first, local, range(30, 60)), (second, other, range(60, 80))):
        agent.start()
        send(broker, counters)
        town.wait_for(counters)
        wait_until(
            lambda: agent.metric("stadtsinn_edge_spool_items") == 0,  # noqa: B023
            "acknowledged",
        )
    assert "stream_gap_given_up" not in town.log()


def _database_of_yesterday(town: Town) -> None:
    """As it was before any uplink; what runs goes on with it."""
    with town.cloud.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM uplinks")
        connection.exec_driver_sql("DELETE FROM edge_streams")


def test_cloud_restored_from_a_backup_asks_for_what_is_missing(town: Town) -> None:
    agent, local = town.agent("a")
    agent.start()
    send(local, range(20))
    town.wait_for(range(20))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    _database_of_yesterday(town)
    send(local, range(20, 40))
    town.wait_for(range(40))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    assert agent.metric("stadtsinn_edge_resends_total") == 0
    assert "items again that it had acknowledged" in agent.warnings("delivery")
    assert "is asked for all behind position 0" in town.warnings()
    assert "stream_gap_given_up" not in town.log()


def test_an_edge_that_has_nothing_new_is_asked_too(town: Town) -> None:
    """It may stand where no sensor lives any more; the ingest's start is what it answers."""
    agent, local = town.agent("a")
    agent.start()
    send(local, range(20))
    town.wait_for(range(20))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    town.ingest.kill()
    _database_of_yesterday(town)
    town.ingest.start()
    town.wait_for(range(20))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")


def test_an_edge_that_keeps_nothing_is_asked_in_vain_and_goes_on(town: Town) -> None:
    """What it no longer holds is given up and said, without waiting for proofs."""
    agent, local = town.agent("a", keep_hours=0)
    agent.start()
    send(local, range(20))
    town.wait_for(range(20))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    _database_of_yesterday(town)
    send(local, range(20, 40))
    town.wait_for(range(20, 40))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
    assert agent.metric("stadtsinn_edge_resends_total") == 0
    assert "stream_gap_given_up" in town.log()


def test_card_and_cloud_both_restored_to_different_times(town: Town) -> None:
    agent, local = restored(town)
    with town.cloud.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM uplinks")
        connection.exec_driver_sql("DELETE FROM edge_streams")
    agent.start()
    send(local, range(60, 120))
    town.wait_for(range(60, 120))
    wait_until(lambda: agent.metric("stadtsinn_edge_spool_items") == 0, "acknowledged")
