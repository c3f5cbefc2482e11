"""A real ingest behind a real broker, and agents with local brokers of their own."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fake_chirpstack import FakeChirpstack
from fake_uplinks import at
from real_cloud import RealCloud
from real_parts import mosquitto, wait_until
from running_agent import RunningAgent
from stadtsinn.base.clock import Clock, ManualClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.repository import read_after
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.simulator.demo.children import Child
from stadtsinn.simulator.demo.mosquitto import Mosquitto


class AgentsAndCloud:
    """The cloud's broker and ingest, and local brokers each with an agent."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.folder = folder
        self.broker = broker
        self.clock = ManualClock(at(3600))
        self.cloud = RealCloud(folder, broker.port)
        self.ingest: Child = self.cloud.process(["ingest"])
        self.agents: list[RunningAgent] = []
        self.locals: list[Mosquitto] = []

    def agent(
        self,
        name: str,
        clock: Clock | None = None,
        *,
        edge_id: str = "rathaus",
        keep_hours: float = 48,
    ) -> tuple[RunningAgent, Mosquitto]:
        """An agent with a local broker of its own; without a word all have the same edge id."""
        local = mosquitto(self.folder / f"{name}-local")
        local.start()
        self.locals.append(local)
        agent = RunningAgent(
            self.folder / name,
            clock or self.clock,
            local.port,
            self.broker.port,
            edge_id=edge_id,
            keep_hours=keep_hours,
        )
        self.agents.append(agent)
        return agent, local

    def uplinks(self) -> dict[int, LoggedUplink]:
        """What is in the log, by frame counter."""
        with self.cloud.database.read() as connection:
            return {up.f_cnt: up for up in read_after(connection, 0, 100_000)}

    def counters(self) -> set[int]:
        return set(self.uplinks())

    def wait_for(self, counters: range) -> None:
        expected = set(counters)
        wait_until(lambda: expected <= self.counters(), f"{counters} are in the log")

    def warnings(self) -> str:
        """What the cloud's health page says of its edges."""
        url = f"http://127.0.0.1:{self.cloud.health_port}/healthz"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found = json.load(answer)["checks"]["edges"]
        return " | ".join(found.get("warnings", ()))

    def log(self) -> str:
        return (self.folder / "ingest.log").read_text(errors="replace")


@contextmanager
def with_cloud(folder: Path) -> Iterator[AgentsAndCloud]:
    """The cloud is up; agents are made and started by the test."""
    with mosquitto(folder / "broker") as broker:
        made = AgentsAndCloud(folder, broker)
        made.ingest.start()
        made.cloud.wait_healthy()
        try:
            yield made
        finally:
            for agent in made.agents:
                agent.stop()
            for local in made.locals:
                local.stop()
            made.ingest.stop()
            made.cloud.database.dispose()


def send(local: Mosquitto, counters: range, moment: Instant | None = None, **options: Any) -> None:
    """Uplinks from the fake ChirpStack beside an agent."""
    with FakeChirpstack(local.port) as chirpstack:
        chirpstack.publish_uplinks(counters, at(3600) if moment is None else moment, **options)
