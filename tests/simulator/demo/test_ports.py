"""Ports for servers that are configured before they start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from stadtsinn.simulator.demo import ports

# Four ports that no server of another test has, nor this test in another process.
FIRST = 10_000 + 4 * (os.getpid() % 2_000)
FOUR = range(FIRST, FIRST + 4)

ANOTHER_PROCESS = f"""
from stadtsinn.base.sentence import Explained
from stadtsinn.simulator.demo import ports
ports._CANDIDATES = {FOUR}
try:
    print(ports.free_port())
except Explained as error:
    print(error)
"""


@pytest.fixture(autouse=True)
def four_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_CANDIDATES", FOUR)
    monkeypatch.setattr(ports, "_reservations", type(ports._reservations)())


def another_process() -> str:
    command = [sys.executable, "-c", ANOTHER_PROCESS]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_reserved_port_is_not_given_out_again() -> None:
    mine = {ports.free_port() for _ in range(3)}
    assert int(another_process()) in set(FOUR) - mine
    mine.add(ports.free_port())
    assert mine == set(FOUR)
    assert "is taken" in another_process()


def test_a_port_somebody_listens_on_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", FIRST)):
        assert {ports.free_port() for _ in range(3)} == set(FOUR[1:])


def test_old_reservations_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run does not hold ever more ports."""
    monkeypatch.setattr(ports, "_RESERVATIONS_KEPT", 2)
    assert {ports.free_port() for _ in range(40)} == set(FOUR)
    assert len(ports._reservations) == 2
