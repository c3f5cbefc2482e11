"""Processes of a test that a crash point kills. They begin with everything loaded.

They are forked by a server of this process (`multiprocessing`), which imports once what takes an
interpreter of its own a second each time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

from stadtsinn.base import crash_points
from stadtsinn.base.private_files import private_file
from stadtsinn.cli.main import run
from stadtsinn.simulator.demo.children import Child

_LOADED = [
    "loaded_late",
    "stadtsinn.cli.cloud",
    "stadtsinn.cloud.alarms.alerts.follower",
    "stadtsinn.cloud.alarms.notify.senders.open",
    "stadtsinn.cloud.alarms.notify.worker",
    "stadtsinn.cloud.log.archive_files.archiving",
    "stadtsinn.cloud.log.followers.loop",
    "stadtsinn.cloud.run",
    "stadtsinn.cloud.schema",
    "stadtsinn.cloud.series.corrections.service",
    "stadtsinn.cloud.series.redecode.service",
    "stadtsinn.cloud.series.stores.opening",
    "stadtsinn.cloud.town_file.apply",
]


def start_child(
    main: Callable[..., object],
    *given: str,
    crash_at: str = "",
    environment: Mapping[str, str] | None = None,
) -> BaseProcess:
    """Begin `main(*given)` in a process of its own, which is killed at the crash point. Its
    environment is ours where none is given."""
    child = _context().Process(
        target=_run, args=(main, given, crash_at, dict(environment or os.environ))
    )
    child.start()
    return child


def run_child(main: Callable[..., object], *given: str, crash_at: str = "") -> int:
    """The same, to its end; how it ended: 0, or -9 for killed."""
    child = start_child(main, *given, crash_at=crash_at)
    child.join()
    code = child.exitcode
    assert code is not None
    child.close()
    return code


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    return context


def _run(
    main: Callable[..., object],
    given: tuple[str, ...],
    crash_at: str,
    environment: Mapping[str, str],
) -> None:
    """Without this the environment would be that in which the server was started."""
    os.environ.clear()
    os.environ.update(environment)
    name, _, count = crash_at.partition(":")
    crash_points._name, crash_points._left = name, int(count or 1)
    main(*given)


class LoadedCommand(Child):
    """`stadtsinn …` as a process that begins with everything loaded."""

    def start(self) -> None:
        private_file(self.log)
        child = start_child(
            _command,
            str(self.log),
            *self._arguments,
            crash_at=self._environment.get("STADTSINN_CRASH_AT", ""),
            environment=self._environment,
        )
        self._process = cast("subprocess.Popen[bytes]", _AsPopen(child))


class _AsPopen:
    """What `Child` asks of its process."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, how: signal.Signals) -> None:
        os.kill(self.pid, how)

    def wait(self, timeout: float) -> None:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("stadtsinn", timeout)


def _command(log: str, *arguments: str) -> None:
    os.setsid()
    with Path(os.devnull).open() as nothing, Path(log).open("ab") as sink:
        for descriptor, file in ((0, nothing), (1, sink), (2, sink)):
            os.dup2(file.fileno(), descriptor)
    sys.argv = ["stadtsinn", *arguments]
    run()
