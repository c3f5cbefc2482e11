"""The API as a process of its own beside the other roles, so that neither can starve the other.

It is started again when it ends, whatever somebody asked of it. It ends with its parent.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence

import structlog

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.counted import counted
from stadtsinn.base.health import Check
from stadtsinn.base.threads import ended_early

log = structlog.get_logger()

_BACKOFF = Backoff(first=1.0, longest=30.0)
_LOOK_S = 0.5
_STOP_S = 30.0
_CANNOT_START = 2
"""Exit code of a command that needs another configuration: starting it again is no remedy."""


class ApiProcess:
    """Runs a command until it is stopped."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._ends = 0
        self._thread = threading.Thread(target=self._run, name="api-process", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_S + 10)

    def ended(self) -> str | None:
        return ended_early(self._thread, stopped=self._stopping.is_set())

    def check(self) -> Check:
        """Whether it runs. What it says itself is on its own health page."""
        child = self._child
        again = (
            (f"it ended by itself {counted(self._ends, 'time', 'times')}",) if self._ends else ()
        )
        if child is None or child.poll() is not None:
            return Check(False, "its process does not run, it is started again", again)
        return Check(True, f"runs as process {child.pid}", again)

    def _run(self) -> None:
        retries = Retries(_BACKOFF)
        while not self._stopping.is_set():
            code = self._once()
            if self._stopping.is_set():
                return
            self._ends += 1
            log.error("api_ended", code=code, meaning="uplinks are taken and judged all the same")
            if code == _CANNOT_START:
                return  # whoever watches this thread ends the whole
            self._stopping.wait(retries.failed())

    def _once(self) -> int:
        """Until it ends, or is ended here; its exit code."""
        environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        child = self._child = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
        )
        while child.poll() is None and not self._stopping.wait(_LOOK_S):
            pass
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
        return child.wait()
