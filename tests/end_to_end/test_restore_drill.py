"""The drill: everything is killed, the centre's disk is lost, yesterday's backup is restored, and
the edge delivers again what is missing. A real broker, cloud, and agent, by their commands."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fake_chirpstack import FakeChirpstack
from fake_uplinks import at, register_edge
from installed_command import Run
from real_cloud import RealCloud
from real_edge import RealEdge
from real_parts import mosquitto, wait_until
from stadtsinn.base.clock import SharedClock
from stadtsinn.cloud.log.uplinks.repository import read_after
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.simulator.demo.mosquitto import Mosquitto

pytestmark = pytest.mark.slow


def _send(local: Mosquitto, counters: range) -> None:
    with FakeChirpstack(local.port) as chirpstack:
        chirpstack.publish_uplinks(counters, at(3600))


def _counters(path: Path) -> list[int]:
    database = open_database(str(path))
    try:
        with database.read() as connection:
            return sorted(up.f_cnt for up in read_after(connection, 0, 100_000))
    finally:
        database.dispose()


def _acknowledged_on_the_card(spool: Path) -> int:
    with closing(sqlite3.connect(spool)) as opened:
        row = opened.execute("SELECT value FROM meta WHERE key = 'acknowledged'").fetchone()
    return int(row[0]) if row else 0


def test_drill(tmp_path: Path, stadtsinn: Run) -> None:
    centre = tmp_path / "centre"
    centre.mkdir()
    broker, local = mosquitto(tmp_path / "broker"), mosquitto(tmp_path / "local")
    with broker, local:
        cloud = RealCloud(centre, broker.port)
        register_edge(cloud.database, "rathaus-1")
        cloud.database.dispose()
        path, config = centre / "stadtsinn.sqlite", str(cloud.config)
        edge = RealEdge(tmp_path / "edge", local.port, broker.port, clock=cloud.clock, rows=50)
        ingest = cloud.process(["ingest"])
        ingest.start()
        edge.start()
        edge.wait_ready()
        _send(local, range(30))
        wait_until(lambda: len(_counters(path)) == 30, "the first uplinks are committed")
        backup = str(tmp_path / "backups")
        made = stadtsinn("backup", backup, "--config", config)
        assert made.returncode == 0, made.stderr
        sent = 150
        _send(local, range(30, sent))
        while _acknowledged_on_the_card(edge.spool) < 100:
            _send(local, range(sent, sent + 1))
            sent += 1
            wait_until(lambda: len(_counters(path)) == sent, "the later ones are committed")  # noqa: B023

        edge.kill()
        ingest.kill()
        broker.kill()
        shutil.rmtree(centre)
        done = stadtsinn("restore", backup, "--config", config)
        assert done.returncode == 0, done.stderr
        assert _counters(path) == list(range(30))

        SharedClock.create(cloud.clock, at(3600))
        broker.start()
        ingest.start()
        edge.start()
        try:
            wait_until(lambda: len(_counters(path)) >= sent, "the edge delivers again")
            _send(local, range(sent, sent + 10))
            wait_until(lambda: len(_counters(path)) >= sent + 10, "and goes on")
            assert _counters(path) == list(range(sent + 10)), "each once"
            assert "edge_delivers_again" in (centre / "ingest.log").read_text()
        finally:
            ingest.stop()
            edge.kill()
