"""The demo brings its own broker: found, or fetched without any rights."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import real_parts
from stadtsinn.simulator.demo import mosquitto


@pytest.fixture
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Mosquitto, an ordinary user, and an apt that serves one package.

    dpkg-deb is the real one; apt-get answers in apt's own words from a folder.
    """
    package = tmp_path / "package"
    daemon = package / "usr/sbin/mosquitto"
    daemon.parent.mkdir(parents=True)
    daemon.write_text("#!/bin/sh\necho fetched $LD_LIBRARY_PATH\n")
    daemon.chmod(0o755)
    library = package / "usr/lib/x86_64-linux-gnu/libcjson.so.1"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"")
    control = package / "DEBIAN/control"
    control.parent.mkdir()
    control.write_text(
        "Package: mosquitto\nVersion: 2.0.11\nArchitecture: all\nMaintainer: t\nDescription: t\n"
    )
    deb = tmp_path / "mosquitto_2.0.11_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(package), str(deb)], check=True, capture_output=True)
    tools = tmp_path / "tools"
    tools.mkdir()
    apt = tools / "apt-get"
    apt.write_text(
        "#!/bin/sh\n"
        'case "$1 $2" in\n'
        '"install --simulate") echo "Inst mosquitto (2.0.11 Debian:12)";;\n'
        f'"download -q") [ "$3" = mosquitto ] && cp {deb} .;;\n'
        '*) echo "E: Could not open lock file" >&2; exit 100;;\n'
        "esac\n"
    )
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setattr(mosquitto, "_on_path", lambda: None)
    return tools


def test_an_ordinary_user_gets_it_unpacked_into_the_cache(
    empty_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without root the package is downloaded and unpacked, libraries on the search path."""
    if not Path("/usr/bin/dpkg-deb").exists():
        pytest.skip("dpkg-deb is not here: only Debian-like machines unpack packages")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program = mosquitto.find_mosquitto(tmp_path / "cache")
    said = subprocess.run(
        [str(program.path)],
        env={**os.environ, **program.environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.startswith("fetched ")
    assert "lib/x86_64-linux-gnu" in said
    (empty_machine / "apt-get").unlink()
    assert mosquitto.find_mosquitto(tmp_path / "cache") == program  # found again, not fetched


def test_a_failed_download_says_how_to_install_and_leaves_no_half_copy(
    empty_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error contains apt's reason."""
    (empty_machine / "apt-get").write_text('#!/bin/sh\necho "E: no network" >&2\nexit 100\n')
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(mosquitto.MosquittoUnavailable, match=r"apt-get install.*E: no network"):
        mosquitto.find_mosquitto(tmp_path / "cache")
    assert not (tmp_path / "cache" / "mosquitto").exists()


def test_on_a_machine_without_apt_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On systems without apt the error says how to install Mosquitto."""
    monkeypatch.setattr(mosquitto, "_on_path", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(mosquitto.MosquittoUnavailable, match="package manager"):
        mosquitto.find_mosquitto(tmp_path / "cache")


def test_a_bad_option_is_reported_with_the_brokers_output(tmp_path: Path) -> None:
    """A broker that does not start says why."""
    broker = real_parts.mosquitto(tmp_path, options=["no_such_option true"])
    with pytest.raises(mosquitto.MosquittoUnavailable, match="no_such_option"):
        broker.start()


def test_stop_can_be_called_twice_and_the_port_is_free_again(tmp_path: Path) -> None:
    """A broker can be stopped and started again on its port, with its sessions."""
    broker = real_parts.mosquitto(tmp_path)
    broker.start()
    broker.stop()
    broker.stop()
    broker.start()
    assert real_parts.listens(broker.port)
    broker.kill()
    assert not real_parts.listens(broker.port)
