"""A real Mosquitto as a child process, found or fetched from the distribution.

The one on PATH is used; else the distribution's own package: installed by apt where we are
root, otherwise downloaded and unpacked into a cache, which needs no rights at all.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.private_files import private_file, private_folder, write_private
from stadtsinn.base.sentence import Explained, Sentence
from stadtsinn.simulator.demo.children import interrupt_waits
from stadtsinn.simulator.demo.ports import free_port

PACKAGE = "mosquitto"
# These only bound hanging; a busy machine may be slow.
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
HOW_TO_INSTALL = Sentence(
    "Mosquitto was not found and could not be fetched. Install it with your system's package "
    "manager (Debian, Ubuntu, Raspberry Pi OS: 'sudo apt-get install mosquitto'; Fedora: "
    "'sudo dnf install mosquitto'; macOS: 'brew install mosquitto') and try again.",
    "Mosquitto wurde nicht gefunden und ließ sich nicht holen. Mit der Paketverwaltung des Systems "
    "installieren (Debian, Ubuntu, Raspberry Pi OS: 'sudo apt-get install mosquitto'; Fedora: "
    "'sudo dnf install mosquitto'; macOS: 'brew install mosquitto') und noch einmal versuchen.",
)


_CONNECTING = Backoff(first=0.01, longest=0.1)


class MosquittoUnavailable(Explained):
    """There is no Mosquitto on this machine; the text says how to install it."""


class _Ended(Exception):
    """The process ended while it was waited for."""


@dataclass(frozen=True)
class Program:
    """An executable, the environment it needs, and what starts it, where that is something else."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()


def find_mosquitto(cache: Path) -> Program:
    """The Mosquitto of this machine; fetched into `cache` or installed when there is none."""
    found = _on_path() or _unpacked(cache)
    if found:
        return found
    if not shutil.which("apt-get"):
        raise MosquittoUnavailable.of(HOW_TO_INSTALL)
    try:
        if os.geteuid() == 0:
            _install()
        else:
            _unpack(cache)
    except (OSError, subprocess.CalledProcessError) as error:
        said = _last_line(error)
        raise MosquittoUnavailable(
            f"{HOW_TO_INSTALL.english} ({said})", f"{HOW_TO_INSTALL.german} ({said})"
        ) from error
    found = _on_path() or _unpacked(cache)
    if not found:
        raise MosquittoUnavailable.of(HOW_TO_INSTALL)
    return found


def _on_path() -> Program | None:
    # Debian puts daemons into /usr/sbin, which is not on every user's PATH.
    path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return Program(Path(path)) if path else None


def _unpacked(cache: Path) -> Program | None:
    root = cache / PACKAGE
    path = root / "usr/sbin/mosquitto"
    if not path.exists():
        return None
    libraries = sorted({str(found.parent) for found in root.rglob("*.so*")})
    inherited = os.environ.get("LD_LIBRARY_PATH")
    search = ":".join([*libraries, *([inherited] if inherited else [])])
    return Program(path, {"LD_LIBRARY_PATH": search})


def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", PACKAGE],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment)


def _unpack(cache: Path) -> None:
    """Download the package with the libraries that are missing here, unpack all into the cache."""
    downloads = cache / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["apt-get", "download", "-q", *_missing_packages()],
        check=True,
        capture_output=True,
        text=True,
        cwd=downloads,
    )
    # Unpack beside the target and rename, so that a broken download never looks complete.
    part = cache / f"{PACKAGE}.part"
    shutil.rmtree(part, ignore_errors=True)
    for package in sorted(downloads.glob("*.deb")):
        subprocess.run(
            ["dpkg-deb", "-x", str(package), str(part)], check=True, capture_output=True, text=True
        )
    part.rename(cache / PACKAGE)
    shutil.rmtree(downloads)


def _missing_packages() -> list[str]:
    simulated = subprocess.run(
        ["apt-get", "install", "--simulate", "-q", "--no-install-recommends", PACKAGE],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [line.split()[1] for line in simulated.splitlines() if line.startswith("Inst ")]


def _last_line(error: Exception) -> str:
    text = getattr(error, "stderr", None) or str(error)
    lines = [line for line in text.strip().splitlines() if line]
    return lines[-1] if lines else type(error).__name__


# What every broker here has: its output in our log file.
_OURS = ("log_dest stderr", "log_type error", "log_type warning")

# One reader may hold as many unacknowledged messages as it asked for, and a reader that is
# away loses nothing until the memory bound is reached.
OPEN_CONFIG = (
    "persistence true",
    "autosave_interval 30",
    "set_tcp_nodelay true",  # without it a single message is delayed by 40 ms (Nagle's algorithm)
    "max_inflight_messages 0",
    # Not 0 for "no limit": with it Mosquitto ends the connection at each message that it refuses.
    "max_queued_messages 1000000",
    "max_queued_bytes 268435456",
    "message_size_limit 1048576",
    "allow_anonymous true",
)


class Mosquitto:
    """One broker as a child process, by default with an open port on the loopback.

    `options` are further lines of configuration for that port; `configuration` takes the place of
    all of them, for a broker that listens on `port` as well.
    """

    def __init__(
        self,
        program: Program,
        folder: Path,
        *,
        port: int | None = None,
        options: Sequence[str] = (),
        configuration: str | None = None,
    ) -> None:
        self.port = port or free_port()
        self._program = program
        self._folder = folder
        self._options = tuple(options)
        self._configuration = configuration
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout: float = _START_SECONDS) -> None:
        """Start and wait until it listens; raises MosquittoUnavailable with Mosquitto's output."""
        private_folder(self._folder)
        config = self._folder / "mosquitto.conf"
        write_private(config, "\n".join(self._config_lines()) + "\n")
        log = self._folder / "mosquitto.log"
        private_file(log)
        with log.open("ab") as sink, interrupt_waits():
            self._process = subprocess.Popen(
                [*self._program.before, str(self._program.path), "-c", str(config)],
                stdout=sink,
                stderr=sink,
                env={**os.environ, **self._program.environment},
                start_new_session=True,  # Ctrl-C in the terminal is for us to pass on, in order
            )
        self._wait_listening(timeout, log)

    def stop(self) -> None:
        """End it in order; it saves its sessions first."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=_STOP_SECONDS)
        self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process:
            self._process.kill()
            self._process.wait(timeout=_STOP_SECONDS)
        self._process = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # also Ctrl-C while it is waited for
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _config_lines(self) -> list[str]:
        lines = [*_OURS, f"persistence_location {self._folder}/"]
        if self._configuration is not None:
            lines.append(self._configuration)
        else:
            lines += [*OPEN_CONFIG, f"listener {self.port} 127.0.0.1", *self._options]
        if os.geteuid() == 0:
            lines.append("user root")  # else it drops to a user who cannot write our folder
        return lines

    def _wait_listening(self, timeout: float, log: Path) -> None:
        assert self._process
        with suppress(OSError, _Ended):
            for attempt in _CONNECTING.attempts(OSError, timeout=timeout):
                with attempt:
                    if self._process.poll() is not None:
                        raise _Ended
                    socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return
        said = log.read_text(errors="replace").strip().splitlines()[-2:]
        raise MosquittoUnavailable(
            f"Mosquitto did not start on port {self.port}: {' / '.join(said) or 'no message'}",
            f"Mosquitto startete auf Port {self.port} nicht: {' / '.join(said) or 'keine Meldung'}",
        )
