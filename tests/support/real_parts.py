"""Real servers for tests: Mosquitto, InfluxDB 1.8 and 2, PostgreSQL, Kannel, gammu-smsd, Chromium.

Each is looked for, started on a free port in a folder of the test, and stopped. A part that is
absent skips the test with the way to get it; where CI=true it fails the test instead, so that
a run cannot be green by leaving things out.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest

from stadtsinn.simulator.demo.mosquitto import Mosquitto, Program
from stadtsinn.simulator.demo.ports import free_port

SHARED = Path(__file__).resolve().parents[3] / "shared"
"""Recordings and vectors beside the checkout; absent elsewhere."""

PARTS_CACHE = Path(os.environ.get("STADTSINN_PARTS_CACHE", Path.home() / ".cache" / "stadtsinn"))

PATIENCE_S = 240.0
"""How long a test waits for what must come. It only bounds hanging: a busy machine may be slow."""

HOW_TO_GET = {
    "mosquitto": "apt-get install mosquitto",
    "influxd": "run '.ci/parts influxd' (builds InfluxDB 1.8.10 with Go, about two minutes)",
    "influxd2": "run '.ci/influxdb2' (builds InfluxDB 2.7.11 with Go and Rust, 15 minutes)",
    "postgres": "apt-get install postgresql",
    "bearerbox": "apt-get install kannel",
    "fakesmsc": "apt-get install kannel-extras",
    "chromium": "apt-get install chromium chromium-driver",
    "chromedriver": "apt-get install chromium-driver",
    "node": "apt-get install nodejs",
    "gammu-smsd": "apt-get install gammu-smsd",
}


def absent(what: str, how: str) -> None:
    """Skip with the remedy; fail in CI."""
    message = f"{what} is not here: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def require(program: str) -> Path:
    """Path of a real part's executable."""
    found = _found(program)
    if not found:
        absent(program, HOW_TO_GET.get(program, f"install {program}"))
        raise AssertionError  # absent() never returns
    return Path(found)


def is_here(program: str) -> bool:
    return _found(program) is not None


def _found(program: str) -> str | None:
    folders = [
        str(PARTS_CACHE / "bin"),
        os.environ.get("PATH", ""),
        "/usr/sbin",
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
    ]
    return shutil.which(program, path=":".join(folders)) or _packaged(program)


def _packaged(program: str) -> str | None:
    """Debian ships fakesmsc outside of PATH."""
    hits = sorted(Path("/usr/lib/kannel").rglob(program)) if program == "fakesmsc" else []
    return str(hits[0]) if hits else None


def require_shared(relative: str) -> Path:
    """A path below shared/, or a skip: recordings are not part of the product."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"recordings are missing: {path}")
    return path


def mosquitto(folder: Path, options: Sequence[str] = (), port: int | None = None) -> Mosquitto:
    """A Mosquitto, not started yet: use it as a context manager or call start/kill/start."""
    program = Program(require("mosquitto"), before=dies_with_the_test())
    return Mosquitto(program, folder, port=port, options=options)


def dies_with_the_test() -> tuple[str, ...]:
    """Before a command: the process ends when the test run is killed, which cleans up nothing."""
    return ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()


def wait_until(condition: Callable[[], bool], what: str, timeout: float = PATIENCE_S) -> None:
    """Wait for something to become true; fail naming it. Time only bounds the wait."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:.0f} s in vain: {what}")
        time.sleep(0.02)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class InfluxServer:
    """Where an InfluxDB answers; 1.8 asks for neither token nor organisation."""

    url: str
    token: str = field(default="", repr=False)
    org: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Of a request to it."""
        return {"Authorization": f"Token {self.token}"} if self.token else {}


@contextlib.contextmanager
def influxdb(folder: Path) -> Iterator[InfluxServer]:
    """InfluxDB 1.8.10, empty, for the length of the block."""
    program = require("influxd")
    folder.mkdir(parents=True, exist_ok=True)
    port, rpc = free_port(), free_port()
    config = folder / "influxdb.conf"
    config.write_text(
        f"""
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
index-version = "tsi1"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
max-body-size = 0
[monitor]
store-enabled = false
"""
    )
    with (folder / "influxd.log").open("wb") as log:
        command = ["setpriv", "--pdeathsig", "TERM", str(program), "-config", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/ping"), "InfluxDB answers")
        yield InfluxServer(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextlib.contextmanager
def influxdb_2(folder: Path) -> Iterator[InfluxServer]:
    """InfluxDB 2.7.11, empty, for the length of the block; the token may do everything."""
    program, port = require("influxd2"), free_port()
    url = f"http://127.0.0.1:{port}"
    places = {f"--{name}-path": str(folder / name) for name in ("bolt", "engine", "sqlite")}
    options = [word for option in places.items() for word in option]
    options += ["--http-bind-address", f"127.0.0.1:{port}", "--reporting-disabled"]
    options += ["--log-level", "warn", "--ui-disabled"]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "influxd2.log").open("wb") as log:
        command = ["setpriv", "--pdeathsig", "TERM", str(program), *options]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    server = InfluxServer(url, secrets.token_urlsafe(16), "stadtwerke")
    first = {
        "username": "admin",
        "password": secrets.token_urlsafe(16),
        "token": server.token,
        "org": server.org,
        "bucket": "first",
    }
    try:
        wait_until(lambda: _answers(f"{url}/health"), "InfluxDB 2 answers")
        httpx.post(f"{url}/api/v2/setup", json=first, timeout=PATIENCE_S).raise_for_status()
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status < 300)
    except OSError:
        return False


@contextlib.contextmanager
def postgres_cluster(folder: Path) -> Iterator[str]:
    """A PostgreSQL of our own; yields the URL of its maintenance database.

    PostgreSQL refuses to run as root, so a root test run starts it as user postgres. Give a
    folder outside pytest's own: those are closed to other users.
    """
    initdb, postgres = require("initdb"), require("postgres")
    data = folder / "postgres"
    data.mkdir(parents=True, exist_ok=True)
    prefix = _as_postgres_user(data)
    run = [*prefix, str(initdb), "-D", str(data), "-U", "stadtsinn", "-A", "trust", "-E", "UTF8"]
    subprocess.run(run, check=True, capture_output=True, cwd="/")
    port = free_port()
    settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=60"]
    # The cluster ends with a test run that is killed.
    dies_with_parent = ["setpriv", "--pdeathsig", "TERM", *prefix]
    with (folder / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *dies_with_parent,
                str(postgres),
                "-D",
                str(data),
                "-p",
                str(port),
                "-k",
                str(data),
                *settings,
            ],
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    url = f"postgresql://stadtsinn@127.0.0.1:{port}/postgres"
    try:
        wait_until(lambda: _accepts(url), "PostgreSQL accepts connections")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGINT)  # fast shutdown: does not wait for clients
        process.wait(PATIENCE_S)


def _accepts(postgres: str) -> bool:
    """Wait for a connection: PostgreSQL listens before it accepts clients."""
    try:
        psycopg.connect(postgres).close()
    except psycopg.OperationalError:
        return False
    return True


def _as_postgres_user(data: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        absent("the user postgres", HOW_TO_GET["postgres"])
        raise
    os.chown(data, user.pw_uid, user.pw_gid)
    for parent in data.parents:  # pytest's folders are for their owner only
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    return ["runuser", "-u", "postgres", "--"]
