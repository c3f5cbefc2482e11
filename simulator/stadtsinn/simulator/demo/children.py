"""Our own programs as child processes: started, watched, stopped, killed on purpose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stadtsinn.base.private_files import private_file
from stadtsinn.base.sentence import Explained

_STOP_SECONDS = 60


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""How a user, a service manager or a closed terminal ends us."""


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Within the block SIGTERM and a closed terminal end it as Ctrl-C does: children first.

    What the caller told this process to ignore (nohup) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread has signals
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupt_waits() -> Iterator[None]:
    """What would interrupt the block counts at its end.

    Between a child's start and the note of it, it would leave the child behind.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python interrupts the main thread only
        return
    pending: list[int] = []
    handled = [number for number in ENDING if callable(signal.getsignal(number))]
    before = {
        number: signal.signal(number, lambda came, _frame: pending.append(came))
        for number in handled
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if pending:
        raise KeyboardInterrupt


class ChildFailed(Explained):
    """A child ended by itself; the text names its log file and the last lines of it."""


class Child:
    """One `stadtsinn …` command as a process, with its output in a log file."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._arguments = arguments
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ChildFailed(
                f"{self.name} does not run",
                f"{self.name} läuft nicht",
            )
        return self._process.pid

    def start(self) -> None:
        private_file(self.log)
        with self.log.open("ab") as sink, interrupt_waits():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stadtsinn.cli", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=self._environment,
                start_new_session=True,  # Ctrl-C reaches us; we end the children in order
            )

    def check(self) -> None:
        """Raise ChildFailed if it has ended without being stopped."""
        if self._process is not None and self._process.poll() is not None:
            raise ChildFailed(
                f"{self.name} ended with code {self._process.returncode}: "
                f"{self._log_tail()} (see {self.log})",
                f"{self.name} endete mit Rückgabewert {self._process.returncode}: "
                f"{self._log_tail()} (siehe {self.log})",
            )

    def kill(self) -> None:
        """SIGKILL, as a power cut would end it."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM and wait; SIGKILL after a timeout."""
        try:
            self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(timeout=_STOP_SECONDS)
        self._process = None

    def _log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
