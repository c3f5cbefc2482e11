"""Logs without secrets, health checks, notifications to systemd, crash points, clocks."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter

from real_parts import PATIENCE_S
from stadtsinn.base import systemd
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.health import Check, HealthServer, parse_address
from stadtsinn.base.instant import Instant
from stadtsinn.base.logs import configure_logs, mask_secrets


@pytest.fixture
def plain_logs() -> Iterator[None]:
    """Restore the logging configuration after each test."""
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)


# --- logs ------------------------------------------------------------------------------


@pytest.mark.usefixtures("plain_logs")
def test_log_lines_are_json_with_service_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("edge", json=True)
    structlog.get_logger().warning("spool_refuses", items=3)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["service"], line["level"]) == ("spool_refuses", "edge", "warning")
    assert line["items"] == 3
    assert line["timestamp"].endswith("Z")


@pytest.mark.usefixtures("plain_logs")
def test_lines_of_libraries_are_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("edge", json=True)
    logging.getLogger("library").warning("calling +49 171 2345678 via http://u:pw@host/")
    line = capsys.readouterr().err
    assert "2345678" not in line
    assert ":pw@" not in line
    assert json.loads(line)["service"] == "edge"


@pytest.mark.usefixtures("plain_logs")
@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_line_has_an_address_that_is_called(
    capsys: pytest.CaptureFixture[str], level: str
) -> None:
    """A monitor's address is a secret, and some providers take number and password in it."""
    configure_logs("cloud", json=True, level=level)
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get("https://monitor.example/ping/geheim")
    assert "geheim" not in capsys.readouterr().err


@pytest.mark.usefixtures("plain_logs")
def test_exceptions_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("edge", json=True)
    try:
        int("+49 171 2345678 x")
    except ValueError:
        structlog.get_logger().exception("sending_failed")
    assert "2345678" not in capsys.readouterr().err


@pytest.mark.usefixtures("plain_logs")
def test_level_is_obeyed_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("edge", json=True, level="warning")
    structlog.get_logger().info("quiet")
    assert capsys.readouterr().err == ""
    with pytest.raises(ValueError, match="use debug, info"):
        configure_logs("edge", level="loud")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "geheim"),
        ("api_token", "geheim"),
        ("app_key", "geheim"),
        ("key", "geheim"),
        ("phone", "geheim"),
        ("recipient", "geheim"),
        ("Authorization", "geheim"),
        ("detail", "SMS to +49 (171) 23-45678 geheim"[:25]),
        ("url", "https://user:geheim@sms.example/send"),
        ("header", "Bearer geheimgeheim"),
        ("nested", {"token": "geheim"}),
        ("list", ["0049 171 2345678"]),
        ("national", "0171/2345678"),
        ("address", "cannot reach postgresql://stadtsinn:ge/heim@geheim@host/db"),
        ("address", "http://host:8086/query?u=s&p=geheim"),
        ("address", "postgresql://host/db?user=s&password=geheim"),
    ],
)
def test_secrets_are_masked(key: str, value: object) -> None:
    shown = str(mask_secrets(None, "info", {key: value}))
    assert "geheim" not in shown
    assert "2345" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "value",
    [
        "2026-06-01T08:00:00.123456Z",
        "70b3d50000000100",
        "position 4912345678",
        "a+b",
        "1e+10",
        "0016001100000012",
        "http://localhost:8086/api/v2/write?bucket=town",
        "mqtts://broker.example:8883, asked by mail@example.org",
    ],
)
def test_ordinary_values_stay(value: str) -> None:
    assert mask_secrets(None, "info", {"detail": value})["detail"] == value


# --- health ----------------------------------------------------------------------------


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def checks() -> dict[str, Check]:
    return {"database": Check(True, "fine")}


@pytest.fixture
def server(checks: dict[str, Check]) -> Iterator[HealthServer]:
    registry = CollectorRegistry()
    Counter("uplinks", "Uplinks.", registry=registry).inc(3)
    running = HealthServer(checks={"database": lambda: checks["database"]}, registry=registry)
    running.start()
    yield running
    running.stop()


def test_health_is_200_or_503_with_each_check(
    server: HealthServer, checks: dict[str, Check]
) -> None:
    status, body = get(server.port, "/healthz")
    assert (status, json.loads(body)["ok"]) == (200, True)
    checks["database"] = Check(False, "away")
    status, body = get(server.port, "/healthz")
    assert status == 503
    assert json.loads(body)["checks"]["database"] == {"ok": False, "detail": "away"}


def test_check_that_raises_is_a_failed_check(
    server: HealthServer, checks: dict[str, Check]
) -> None:
    del checks["database"]
    status, body = get(server.port, "/healthz")
    assert status == 503
    assert "KeyError" in body


def test_metrics_and_other_paths(server: HealthServer) -> None:
    assert "uplinks_total 3.0" in get(server.port, "/metrics")[1]
    assert get(server.port, "/secrets")[0] == 404


@pytest.mark.slow
def test_port_is_free_after_stop() -> None:
    server = HealthServer()
    server.start()
    port = server.port
    server.stop()
    again = HealthServer(f"127.0.0.1:{port}")
    again.start()
    again.stop()


@pytest.mark.parametrize("address", ["9801", ":9801", "host:", "host:http", "host:70000"])
def test_wrong_address_is_explained(address: str) -> None:
    with pytest.raises(ValueError, match=r"host:port"):
        parse_address(address)


# --- systemd ---------------------------------------------------------------------------


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket that systemd would listen on."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "20000000")
        yield listening


def test_ready_reaches_the_service_manager(manager: socket.socket) -> None:
    assert systemd.notify("READY=1")
    assert manager.recv(100) == b"READY=1"


def test_outside_a_unit_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert not systemd.notify("READY=1")
    assert systemd.watchdog_seconds() is None


def test_watchdog_pings_while_all_loops_run_and_stops_when_one_does_not(
    manager: socket.socket,
) -> None:
    now = 0.0
    watchdog = systemd.Watchdog(lambda: now, patience=60)
    watchdog.beat("intake")
    assert manager.recv(100) == b"WATCHDOG=1"
    watchdog.beat("delivery")
    with pytest.raises(BlockingIOError):  # not more often than asked for
        manager.recv(100)
    now = 11.0
    watchdog.beat("delivery")
    assert manager.recv(100) == b"WATCHDOG=1"
    now = 75.0  # delivery goes on alone
    watchdog.beat("delivery")
    assert watchdog.stuck() == ["intake"]
    with pytest.raises(BlockingIOError):
        manager.recv(100)


def test_watchdog_of_another_process_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert systemd.watchdog_seconds() is None


# --- crash points ----------------------------------------------------------------------

_PASSES = """
from stadtsinn.base.crash_points import crash_point
for n in range(5):
    crash_point("other")
    crash_point("here")
    print(n, flush=True)
"""


@pytest.mark.parametrize(("at", "passed"), [("here", 0), ("here:3", 2), ("nowhere", 5), ("", 5)])
def test_crash_point_kills_at_the_named_pass(at: str, passed: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PASSES],
        env={"STADTSINN_CRASH_AT": at},
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(done.stdout.split()) == passed
    assert done.returncode == (0 if passed == 5 else -signal.SIGKILL)


def test_a_shared_clock_is_never_seen_half_written(tmp_path: Path) -> None:
    """Another process that reads all the time sees only moments that were set."""
    path = tmp_path / "clock"
    first, second = Instant(1_790_000_000_000_000), Instant(1_790_000_000_000_001 + 2**40)
    clock = SharedClock.create(path, first)
    script = (
        "import sys; from pathlib import Path\n"
        "from stadtsinn.base.clock import SharedClock\n"
        "clock = SharedClock(Path(sys.argv[1])); print('ready', flush=True)\n"
        "seen = {clock.now() for _ in range(300_000)}\n"
        "print(*sorted(seen))\n"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout
    assert reader.stdout.readline() == "ready\n"
    while reader.poll() is None:
        for _ in range(1000):
            clock.set(second)
            clock.set(first)
    assert set(map(int, reader.stdout.read().split())) <= {first, second}
