"""For all tests: what `--fast` leaves out, slow files first, logs as they were, no process left
running."""

from __future__ import annotations

import gc
import logging
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

import compiled_once  # noqa: F401  what it does, it does on import
import databases
import one_event_loop
from by_night import repetitions
from databases import new_databases_are_copied
from influx_servers import GENERATIONS
from real_parts import wait_until

__all__ = ["new_databases_are_copied"]

RUN_MARK = "STADTSINN_TEST_RUN"
"""In the environment of every process that a test starts, and of theirs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="leave out tests marked slow")
    parser.addoption("--nightly", action="store_true", help="also tests marked nightly")


def pytest_configure(config: pytest.Config) -> None:
    """By night examples are new ones; else a run that fails fails again."""
    hypothesis.settings.register_profile("the same each time", derandomize=True)
    if not config.getoption("--nightly"):
        hypothesis.settings.load_profile("the same each time")


# A collection of all garbage takes a second in a process that has read all tests. None is needed
# while they are read, and later ones leave out what stays anyway.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow files first: a worker that begins one at the end keeps all others waiting."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    left_out = set() if config.getoption("--nightly") else set(repetitions(items))
    for item in items:
        if item in left_out:
            item.add_marker(pytest.mark.skip(reason="a repetition: 'make test-nightly' runs it"))
        elif config.getoption("--fast") and (why := _left_out(item)):
            item.add_marker(pytest.mark.skip(reason=f"{why}: 'make test' runs it"))


def _left_out(item: pytest.Item) -> str:
    """Why `--fast` leaves it out; empty when it does not."""
    if item.get_closest_marker("slow"):
        return "slow"
    variant = item.name.partition("[")[2].rstrip("]").split("-")
    if "postgres" in variant:
        return "runs on SQLite too"
    if {*variant, *getattr(item, "fixturenames", ())} & {"influx", *GENERATIONS}:
        return "needs InfluxDB"
    return ""


@pytest.fixture(scope="session", autouse=True)
def ending_signals_reach_children() -> None:
    """A shell starts background jobs with Ctrl-C ignored, `nohup` with a closed terminal; all
    their children inherit that."""
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def logs_stay_as_they_were() -> Iterator[None]:
    """A command that a test runs in this process sets up logs, and with them what others hear."""
    root, set_up = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    structlog.configure(**set_up)
    root.handlers, root.level = handlers, level


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    """Fails the run when a process of a test outlives it, and ends that process."""
    mark = secrets.token_hex(8)
    os.environ[RUN_MARK] = mark
    yield
    one_event_loop.close_event_loop()
    databases.close_shared_cluster()
    left: list[str] = []

    def gone() -> bool:
        left[:] = _running_with(mark)
        return not left

    try:
        # A compiler of the kernel outlives an agent that a test killed, at the lowest priority.
        wait_until(gone, "processes of tests end", timeout=600)
    except pytest.fail.Exception:
        for process in left:
            os.kill(int(process.split()[0]), signal.SIGKILL)
        pytest.fail("left running by a test:\n" + "\n".join(left))


def _running_with(mark: str) -> list[str]:
    """'PID COMMAND LINE' of processes that inherited the mark; Python's own helpers end with us."""
    wanted = f"{RUN_MARK}={mark}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it has ended, or is another user's
        ends_with_us = "from multiprocessing." in line and _parent(process) == os.getpid()
        own = process.name == str(os.getpid()) or ends_with_us
        if wanted in environment and line and not own:
            found.append(f"{process.name} {line}")
    return found


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # it has ended
