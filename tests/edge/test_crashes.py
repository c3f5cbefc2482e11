"""SIGKILL at each commit point of the edge agent: nothing is lost, no position is used twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_chirpstack import FakeChirpstack
from fake_ingest import FakeIngest
from real_edge import RealEdge
from real_parts import mosquitto, wait_until
from stadtsinn.base.instant import parse
from stadtsinn.simulator.demo.mosquitto import Mosquitto

pytestmark = pytest.mark.slow

MOMENT = parse("2026-06-01T08:00:00+00:00")
UPLINKS = 60

POINTS = [
    "edge.received",
    "edge.received:3",
    "edge.spool_uncommitted",
    "edge.spool_committed",
    "edge.spool_committed:2",
    "edge.acknowledged",
    "edge.published",
    "edge.published:3",
    "edge.ack_received",
    "edge.ack_received:2",
]


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[tuple[Mosquitto, Mosquitto]]:
    with mosquitto(tmp_path / "local") as local, mosquitto(tmp_path / "cloud") as cloud:
        yield local, cloud


@pytest.mark.sweep
@pytest.mark.parametrize("point", POINTS)
def test_killed_agent_loses_and_doubles_nothing(
    point: str, brokers: tuple[Mosquitto, Mosquitto], tmp_path: Path
) -> None:
    """At whichever point the agent is killed, each uplink reaches the ingest, with one position."""
    local, cloud = brokers
    edge = RealEdge(tmp_path / "edge", local.port, cloud.port)
    with FakeIngest(cloud.port) as ingest, FakeChirpstack(local.port) as chirpstack:
        try:
            edge.start(crash_at=point)
            edge.wait_ready()
            sent = _send_until_killed(chirpstack, ingest, edge)
            edge.wait_killed()
            edge.start()
            wait_until(lambda: ingest.counters() == list(range(sent)), f"all after {point}")
            assert edge.stop() == 0
        finally:
            edge.kill()
        positions = [position for _, position in sorted(ingest.items)]
        assert positions == list(range(1, len(positions) + 1)), "positions have no gap"


def test_killed_while_it_deletes_what_was_acknowledged(
    brokers: tuple[Mosquitto, Mosquitto], tmp_path: Path
) -> None:
    """A kill right after the deletion does not change positions and stream."""
    local, cloud = brokers
    edge = RealEdge(tmp_path / "edge", local.port, cloud.port)
    with FakeIngest(cloud.port) as ingest, FakeChirpstack(local.port) as chirpstack:
        try:
            edge.start(crash_at="edge.deleted")
            edge.wait_ready()
            chirpstack.publish_uplinks(range(30), MOMENT)
            wait_until(lambda: ingest.counters() == list(range(30)), "first half delivered")
            assert edge.process is not None
            edge.process.terminate()  # stopping deletes acknowledged rows, where it is killed
            edge.wait_killed()
            edge.start()
            edge.wait_ready()
            chirpstack.publish_uplinks(range(30, UPLINKS), MOMENT)
            wait_until(lambda: ingest.counters() == list(range(UPLINKS)), "second half delivered")
            assert edge.stop() == 0
        finally:
            edge.kill()
    assert sorted(ingest.items) == [(ingest.batches[0].stream, n + 1) for n in range(UPLINKS)]


def _send_until_killed(chirpstack: FakeChirpstack, ingest: FakeIngest, edge: RealEdge) -> int:
    """Groups of uplinks until the point is reached, and one more after; how many were sent.

    Each group follows when the one before has arrived: how many it takes depends on how the
    agent's groups fall, not on its speed.
    """
    process = edge.process
    assert process is not None
    sent = 0
    while process.poll() is None:
        assert sent < 2_000, f"the point was never reached: {edge.log()[-2000:]}"
        chirpstack.publish_uplinks(range(sent, sent + 15), MOMENT)
        sent += 15
        wait_until(
            lambda: process.poll() is not None or len(ingest.counters()) >= sent,  # noqa: B023
            "the point or the delivery",
        )
    chirpstack.publish_uplinks(range(sent, sent + 15), MOMENT)
    return sent + 15
