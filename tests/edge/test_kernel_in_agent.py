"""The kernel in an agent of its own process: memory, and a compiler that is killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_chirpstack import FakeChirpstack
from fake_ingest import FakeIngest
from real_edge import RealEdge
from real_parts import mosquitto, wait_until
from stadtsinn.base.instant import parse
from stadtsinn.decoders.reading import Decoded
from stadtsinn.simulator.demo.mosquitto import Mosquitto

pytestmark = pytest.mark.slow

MOMENT = parse("2026-06-01T08:00:00+00:00")
UPLINKS = 3000
MEGABYTE = 1_000_000
LIMIT = (200 if sys.version_info < (3, 13) else 240) * MEGABYTE
"""What a board with 1 GB can spare. Python 3.13 needs some 35 MB more than 3.11 for the same."""


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[tuple[Mosquitto, Mosquitto]]:
    with mosquitto(tmp_path / "local") as local, mosquitto(tmp_path / "cloud") as cloud:
        yield local, cloud


def started(edge: RealEdge) -> str:
    """The address of its health page."""
    edge.start()
    edge.wait_ready()
    lines = [json.loads(line) for line in edge.log().splitlines() if '"edge_started"' in line]
    return str(lines[-1]["health"])


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def decoder_state(address: str) -> str:
    return str(json.loads(get(f"{address}/healthz"))["checks"]["decoder"]["detail"])


def peak_memory(pid: int) -> int:
    """Highest resident memory so far, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def children(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]


def test_large_groups_go_through_the_kernel_within_the_memory(
    brokers: tuple[Mosquitto, Mosquitto], tmp_path: Path
) -> None:
    """With the kernel loaded and a backlog decoded, the agent's process stays within its limit."""
    local, cloud = brokers
    edge = RealEdge(tmp_path / "edge", local.port, cloud.port, rows=50, batch_items=500)
    with FakeIngest(cloud.port) as ingest, FakeChirpstack(local.port) as chirpstack:
        try:
            address = started(edge)
            wait_until(
                lambda: decoder_state(address).startswith("kernel for"), "kernel loaded", 120
            )
            chirpstack.publish_uplinks(range(UPLINKS), MOMENT)
            wait_until(lambda: ingest.counters() == list(range(UPLINKS)), "delivered", 60)
            assert all(isinstance(item.outcome, Decoded) for item in ingest.uplinks())
            assert 'stadtsinn_edge_decoded_total{decoder="kernel"}' in get(f"{address}/metrics")
            assert peak_memory(edge.pid) < LIMIT
            assert edge.stop() == 0
        finally:
            edge.kill()


def test_a_compiler_that_is_killed_loses_nothing(
    brokers: tuple[Mosquitto, Mosquitto], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the OOM killer: the agent continues with the interpreter."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "empty"))
    local, cloud = brokers
    edge = RealEdge(tmp_path / "edge", local.port, cloud.port)
    with FakeIngest(cloud.port) as ingest, FakeChirpstack(local.port) as chirpstack:
        try:
            address = started(edge)
            wait_until(lambda: bool(children(edge.pid)), "the compiler runs")
            chirpstack.publish_uplinks(range(100), MOMENT)
            os.kill(children(edge.pid)[0], signal.SIGKILL)
            chirpstack.publish_uplinks(range(100, 200), MOMENT)
            wait_until(lambda: ingest.counters() == list(range(200)), "delivered", 60)
            wait_until(
                lambda: "ended by signal 9" in decoder_state(address),
                "the health page has the reason",
            )
            assert edge.stop() == 0
        finally:
            edge.kill()
