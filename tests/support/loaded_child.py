"""Processes of a test that a crash point kills. They begin with everything loaded.

They are forked by a server of this process (`multiprocessing`), which imports once what takes an
interpreter of its own a second each time.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess

from stadtsinn.base import crash_points

_LOADED = [
    "stadtsinn.cloud.alarms.alerts.follower",
    "stadtsinn.cloud.alarms.notify.senders.open",
    "stadtsinn.cloud.alarms.notify.worker",
    "stadtsinn.cloud.log.archive_files.archiving",
    "stadtsinn.cloud.log.followers.loop",
    "stadtsinn.cloud.schema",
    "stadtsinn.cloud.series.corrections.service",
    "stadtsinn.cloud.series.redecode.service",
    "stadtsinn.cloud.series.stores.opening",
    "stadtsinn.cloud.town_file.apply",
]


def start_child(main: Callable[..., object], *given: str, crash_at: str = "") -> BaseProcess:
    """Begin `main(*given)` in a process of its own, which is killed at the crash point."""
    child = _context().Process(target=_run, args=(main, given, crash_at))
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


def _run(main: Callable[..., object], given: tuple[str, ...], crash_at: str) -> None:
    name, _, count = crash_at.partition(":")
    crash_points._name, crash_points._left = name, int(count or 1)
    main(*given)
