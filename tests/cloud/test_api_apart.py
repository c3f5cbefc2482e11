"""`stadtsinn cloud run`: the API is a process of its own, and its health page names every role.

So requests cannot starve the ingest, nor uplinks the API, and what ends one ends not the other.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.health import Check, HealthServer
from stadtsinn.cloud.child import ApiProcess
from stadtsinn.simulator.demo.ports import free_port

pytestmark = pytest.mark.slow

ROLES = {"ingest", "follower series", "follower live", "follower alerts", "outbox", "api"}


def health(port: int) -> dict[str, dict[str, Any]]:
    """The checks of a health page; empty while nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/healthz")
        return dict(json.loads(connection.getresponse().read())["checks"])
    except (OSError, HTTPException):
        return {}
    finally:
        connection.close()


class Installation:
    """All roles, as they run by default."""

    def __init__(self, folder: Path) -> None:
        self.api, self.beside = free_port(), free_port()
        config = folder / "cloud.toml"
        config.write_text(
            f"""
            [database]
            url = "sqlite:///town.sqlite"
            [series]
            url = "sqlite:///series.sqlite"
            [broker]
            port = {free_port()}
            [api]
            bind = "127.0.0.1:{self.api}"
            [health]
            bind = "127.0.0.1:{self.beside}"
            """
        )
        command = [sys.executable, "-m", "stadtsinn.cli", "cloud", "run", "--config", str(config)]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: set(health(self.api)) >= ROLES, "every role is named")

    def api_process(self) -> int:
        """Its number; 0 while it does not run."""
        said = health(self.beside).get("api", {"ok": False})
        return int(said["detail"].split()[-1]) if said["ok"] else 0

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(PATIENCE_S)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.close()


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_the_api_is_started_again_and_what_ends_it_ends_nothing_else(
    running: Installation,
) -> None:
    first = running.api_process()
    assert first not in (0, running.process.pid)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: running.api_process() not in (0, first), "another one runs")
    wait_until(lambda: set(health(running.api)) >= ROLES, "it answers")
    assert health(running.api)["api"]["warnings"] == ["it ended by itself 1 time"]
    assert running.process.poll() is None
    running.process.terminate()
    assert running.process.wait(PATIENCE_S) == 0
    assert health(running.api) == {}


@pytest.mark.slow
@pytest.mark.nightly
def test_the_api_answers_while_the_others_are_held_up_and_names_who_does_not(
    running: Installation,
) -> None:
    running.process.send_signal(signal.SIGSTOP)
    try:
        said = health(running.api)
    finally:
        running.process.send_signal(signal.SIGCONT)
    assert said["database"]["ok"]
    assert not said[f"process at 127.0.0.1:{running.beside}"]["ok"]
    wait_until(lambda: set(health(running.api)) >= ROLES, "all are named again")


@pytest.mark.slow
def test_the_api_ends_with_its_parent_however_that_ends(running: Installation) -> None:
    api = running.api_process()
    running.process.kill()
    running.process.wait(PATIENCE_S)
    wait_until(lambda: not lives(api), "it has ended")


def test_a_page_shows_the_checks_of_the_pages_beside_it() -> None:
    other = HealthServer(checks={"ingest": lambda: Check(False, "cannot commit")})
    other.start()
    address = f"127.0.0.1:{other.port}"
    page = HealthServer(checks={"series": lambda: Check(True, "answers")}, beside=[address])
    report = page.report()
    assert not report.ok
    assert report.checks["ingest"] == Check(False, "cannot commit")
    same = HealthServer(checks={"ingest": lambda: Check(True, "here")}, beside=[address])
    assert set(same.report().checks) == {"ingest", f"ingest at {address}"}
    other.stop()
    gone = page.report().checks[f"process at {address}"]
    assert not gone.ok
    assert "stadtsinn cloud run" in gone.detail


def test_a_command_that_needs_another_configuration_is_not_started_again() -> None:
    process = ApiProcess([sys.executable, "-c", "raise SystemExit(2)"])
    process.start()
    wait_until(lambda: process.ended() == "api-process", "the whole ends, and says why")
    assert not process.check().ok
    process.stop()
