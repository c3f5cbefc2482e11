"""The probe of a broker: finds brokers that lose what is queued, leaves nothing behind.

Public reports of the kind: Mosquitto with `per_listener_settings true` keeps a session and loses
its messages (https://github.com/eclipse-mosquitto/mosquitto/issues/2618, …/2526, …/3202, …/2806;
mended by https://github.com/eclipse-mosquitto/mosquitto/pull/3366); a session whose expiry is 0
(https://github.com/shamblett/mqtt5_client/issues/28).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from fake_granting_broker import FakeGrantingBroker
from fake_mqtt_gate import FakeMqttGate
from real_parts import PARTS_CACHE, mosquitto
from stadtsinn.base.mqtt import probe as probing
from stadtsinn.base.mqtt.broker import SESSION_DAYS, Broker
from stadtsinn.base.mqtt.probe import Fault, probe
from stadtsinn.simulator.demo.mosquitto import Mosquitto, MosquittoUnavailable, Program

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TOPIC = "stadtsinn/edge/rathaus/check"
PER_LISTENER = "per_listener_settings"


def tried(port: int, timeout: float = 15.0) -> probing.Report:
    return probe(Broker("127.0.0.1", port, "rathaus", longest_pause=1), TOPIC, timeout=timeout)


def test_broker_that_keeps_messages_passes(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "b", options=["max_packet_size 50000"]) as broker:
        report = tried(broker.port)
    assert (report.fault, report.protocol, report.maximum_packet) == (None, "5", 50_000)


def test_broker_of_311_passes(tmp_path: Path) -> None:
    with (
        mosquitto(tmp_path / "b") as broker,
        FakeMqttGate(broker.port, "refuse_mqtt5") as gate,
    ):
        report = tried(gate.port)
    assert (report.fault, report.protocol) == (None, "3.1.1")


@pytest.mark.parametrize("only_311", [False, True])
def test_nothing_is_left_at_the_broker(tmp_path: Path, *, only_311: bool) -> None:
    with (
        mosquitto(tmp_path / "b", options=["sys_interval 1"]) as broker,
        FakeMqttGate(broker.port, "refuse_mqtt5" if only_311 else "open") as gate,
    ):
        tried(gate.port)
        broker.stop()  # it saves its sessions
    kept = (tmp_path / "b" / "mosquitto.db").read_bytes()
    assert b"rathaus-check" not in kept
    assert TOPIC.encode() not in kept


@pytest.mark.parametrize("only_311", [False, True])
def test_broker_that_gives_an_account_one_connection_passes(
    tmp_path: Path, *, only_311: bool
) -> None:
    with (
        mosquitto(tmp_path / "b", options=["use_username_as_clientid true"]) as broker,
        FakeMqttGate(broker.port, "refuse_mqtt5" if only_311 else "open") as gate,
    ):
        report = probe(_account(gate.port), TOPIC)
        broker.stop()
    assert (report.fault, report.warnings) == (None, ())
    assert TOPIC.encode() not in (tmp_path / "b" / "mosquitto.db").read_bytes()


def test_the_same_broker_is_named_where_it_loses_what_waits(tmp_path: Path) -> None:
    options = ["use_username_as_clientid true"]
    with _debian_13(tmp_path, f"{PER_LISTENER} true", options) as broker:
        report = probe(_account(broker.port), TOPIC, timeout=3.0)
    assert (report.fault, report.detail) == (Fault.QUEUE_LOST, "0 of 1 came")


def _account(port: int) -> Broker:
    return Broker("127.0.0.1", port, "x", username="rathaus", password="any", longest_pause=1)


def test_broker_that_is_not_there_is_named() -> None:
    report = tried(1, timeout=1.0)
    assert report.fault is Fault.UNREACHABLE
    assert report.detail


def test_broker_that_grants_only_qos_0_is_named() -> None:
    with FakeGrantingBroker(granted_qos=0) as broker:
        assert tried(broker.port).fault is Fault.QOS_0


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (f"topic read {TOPIC}", Fault.PUBLISH_REFUSED),
        (f"topic write {TOPIC}", Fault.READ_DENIED),
    ],
)
def test_access_list_is_named(tmp_path: Path, rule: str, fault: Fault) -> None:
    access = tmp_path / "acl"
    access.write_text(rule + "\n")
    with mosquitto(tmp_path / "b", options=[f"acl_file {access}"]) as broker:
        assert tried(broker.port, timeout=3.0).fault is fault


def test_broker_that_forgets_sessions_is_named(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "b") as broker, _forgetful(broker) as port:
        assert tried(port, timeout=5.0).fault is Fault.SESSION_FORGOTTEN


def test_mosquitto_of_debian_13_with_settings_per_listener_is_named(tmp_path: Path) -> None:
    with _debian_13(tmp_path, f"{PER_LISTENER} true") as broker:
        report = tried(broker.port, timeout=3.0)
    assert (report.fault, report.detail) == (Fault.QUEUE_LOST, "0 of 3 came")


def test_mosquitto_of_debian_13_without_it_passes(tmp_path: Path) -> None:
    with _debian_13(tmp_path, f"{PER_LISTENER} false") as broker:
        assert tried(broker.port).fault is None


def test_no_file_of_ours_uses_settings_per_listener() -> None:
    option = re.compile(rf"^[\s\"']*{PER_LISTENER}\s+true", re.MULTILINE)
    using = [
        path.relative_to(ROOT)
        for path in _files()
        if option.search(path.read_text("utf-8", "replace"))
    ]
    assert using == []


def test_sessions_are_kept_equally_long_by_every_file_of_ours() -> None:
    """Mosquitto's `persistent_client_expiration` and our own `session_days` are one number."""
    option = re.compile(r"^persistent_client_expiration\s+(\S+)", re.MULTILINE)
    found = {
        (str(path.relative_to(ROOT)), value)
        for path in _files()
        if path.suffix != ".py"
        for value in option.findall(path.read_text("utf-8", "replace"))
        if not value.startswith("$")  # a template: tests/cloud/broker has its default
    }
    assert found
    assert {value for _, value in found} == {f"{SESSION_DAYS}d"}, found


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return [ROOT / name for name in names if (ROOT / name).stat().st_size < 1_000_000]


@contextmanager
def _forgetful(broker: Mosquitto) -> Iterator[int]:
    """A gate that asks the broker for a clean start, whatever the client wants."""

    class Gate(FakeMqttGate):
        def _serve(self, client: object) -> None:
            super()._serve(_CleanStart(client))  # type: ignore[arg-type]

    with Gate(broker.port) as gate:
        yield gate.port


class _CleanStart:
    """A socket whose first packet, the CONNECT, asks for a clean start."""

    def __init__(self, connection: object) -> None:
        self._connection = connection
        self._first = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def recv(self, size: int) -> bytes:
        data: bytes = self._connection.recv(size)  # type: ignore[attr-defined]
        if self._first and data:
            self._first = False
            flags = data.index(b"MQTT") + 5
            data = data[:flags] + bytes([data[flags] | 2]) + data[flags + 1 :]
        return data


@contextmanager
def _debian_13(folder: Path, line: str, options: Sequence[str] = ()) -> Iterator[Mosquitto]:
    """Mosquitto 2.0.21 with this line before all others; skips where there is none."""
    program = _mosquitto_2_0_21(folder)
    broker = _Preceded(program, folder / "b", options=options)
    broker.line = line
    try:
        broker.start()
    except MosquittoUnavailable as error:
        pytest.skip(f"Debian 13's Mosquitto does not run here: {error}")
    try:
        yield broker
    finally:
        broker.stop()


class _Preceded(Mosquitto):
    line = ""

    def _config_lines(self) -> list[str]:
        """Settings that listeners may have of their own follow the listener then."""
        lines = super()._config_lines()
        anonymous = "allow_anonymous true"
        return [self.line, *(one for one in lines if one != anonymous), anonymous]


def _mosquitto_2_0_21(folder: Path) -> Program:
    system = PARTS_CACHE / "debian13"
    binary = system / "usr/sbin/mosquitto"
    loader = system / "lib64/ld-linux-x86-64.so.2"
    if not (binary.exists() and os.path.lexists(loader)):
        pytest.skip("Debian 13's Mosquitto is not here: '.ci/debian13' lays that system")
    libraries = f"{system}/usr/lib/x86_64-linux-gnu:{system}/lib/x86_64-linux-gnu"
    script = folder / "mosquitto-2.0.21"
    script.write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} {binary} "$@"\n')
    script.chmod(0o755)
    return Program(script)
