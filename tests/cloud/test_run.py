"""No role is missing while its process lives: a thread that ends, ends the process with a code.

In these public cases a thread died and the process stayed, healthy to everybody who asked:

- https://github.com/virtualcell/vcell/issues/2031 (seven hours without messages, pod "ready")
- https://github.com/IBMStreams/streamsx.kafka/issues/98 (its exception was kept and forgotten)
- https://github.com/odpi/egeria/issues/5407 (after a moment without memory)
- https://github.com/uber/uReplicator/pull/38 (a dead thread that is still referred to)
"""

from __future__ import annotations

import configparser
import ctypes
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.clock import SystemClock
from stadtsinn.cli.cloud import app
from stadtsinn.cloud.roles import ROLES
from stadtsinn.cloud.run import Process
from stadtsinn.cloud.settings import parse_settings
from stadtsinn.simulator.demo.ports import free_port

pytestmark = pytest.mark.slow

THREADS = {
    "ingest": "ingest",
    "series": "follower-series",
    "live": "follower-live",
    "alerts": "follower-alerts",
    "notify": "outbox",
    "api": "api",
}
_DROPPED_AFTER_S = 10
OTHERS = [("series", "series-corrections"), ("live", "health"), ("ingest", "paho-mqtt-client")]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[_Running]:
    made = _Running(tmp_path)
    yield made
    made.stop()


class _Running:
    """`stadtsinn cloud run` on a thread of this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Process | None = None
        self._before: set[threading.Thread] = set()
        self.code: int | None = None

    def start(self, *roles: str) -> None:
        """Returns when all roles run."""
        api, health = free_port(), free_port()
        text = f"""
            [database]
            url = "sqlite:///{self._folder / "town.sqlite"}"
            [series]
            url = "sqlite:///{self._folder / "series.sqlite"}"
            [broker]
            port = {free_port()}
            [api]
            bind = "127.0.0.1:{api}"
            [health]
            bind = "127.0.0.1:{health}"
        """
        settings = parse_settings(text, self._folder / "cloud.toml")
        self._before = set(threading.enumerate())
        self._process = Process(settings, SystemClock(), roles)
        self._thread = threading.Thread(target=self._run, name="main")
        self._thread.start()
        port = api if "api" in roles else health
        wait_until(lambda: _listens(port), "its health page is served")

    def _run(self) -> None:
        assert self._process is not None
        self.code = self._process.run()

    def thread(self, name: str) -> threading.Thread:
        def found() -> list[threading.Thread]:
            new = set(threading.enumerate()) - self._before
            return [one for one in new if one.is_alive() and one.name.startswith(name)]

        wait_until(lambda: bool(found()), f"{name} runs")
        return found()[0]

    def wait(self) -> int | None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.code

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._thread.join(PATIENCE_S)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _kill(thread: threading.Thread) -> None:
    """As no `except Exception` would catch it.

    Python drops an exception that arrives inside a finalizer or a callback of the garbage collector
    (Hypothesis has one). Whoever is still alive after a while is killed again.
    """
    assert thread.ident is not None
    ident, error = ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
    for _ in range(int(PATIENCE_S) // _DROPPED_AFTER_S):
        if ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error) == 0:
            return
        thread.join(_DROPPED_AFTER_S)
        if not thread.is_alive():
            return


@pytest.mark.sweep
@pytest.mark.parametrize(("role", "name"), [*THREADS.items(), *OTHERS])
def test_a_thread_that_ends_ends_the_process_with_a_code(
    running: _Running, role: str, name: str
) -> None:
    running.start(role)
    _kill(running.thread(name))
    assert running.wait() == 1


def test_every_role_is_watched() -> None:
    """A new role is named here with its thread."""
    assert set(THREADS) == set(ROLES)


def test_all_roles_in_one_process_end_with_the_one_that_died(running: _Running) -> None:
    running.start(*ROLES)
    _kill(running.thread("follower-alerts"))
    assert running.wait() == 1


def test_who_is_stopped_ends_with_zero(running: _Running) -> None:
    running.start(*ROLES)
    running.thread("api")
    running.stop()
    assert running.wait() == 0


def test_systemd_hears_while_the_process_looks_after_its_threads(
    running: _Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that hangs as a whole is silent, and is begun anew."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        running.start("notify")
        heard = [manager.recv(100) for _ in range(3)]
    assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]


@pytest.mark.parametrize("code", [0, 1])
def test_the_command_hands_the_code_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(Process, "run", lambda _self: code)
    config = tmp_path / "cloud.toml"
    config.write_text('[database]\nurl = "sqlite:///town.sqlite"\n')
    assert CliRunner().invoke(app, ["run", "--config", str(config)]).exit_code == code


@pytest.mark.parametrize("unit", ["edge-agent/stadtsinn-edge", "cloud/stadtsinn-cloud"])
def test_systemd_starts_it_again(unit: str) -> None:
    """Always and for ever: also after many starts in a row, as while a disk is full."""
    path = Path(__file__).parents[2] / "hardware" / f"{unit}.service"
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string(path.read_text(encoding="utf-8"))
    assert parser["Service"]["Restart"] == "always"
    assert int(parser["Service"]["RestartSec"]) > 0
    assert parser["Unit"]["StartLimitIntervalSec"] == "0"
    assert int(parser["Service"]["WatchdogSec"]) > 0
