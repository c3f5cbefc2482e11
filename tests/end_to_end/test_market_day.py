"""The whole system, from sensor to phone and page, with failures."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import real_parts
from by_night import others_by_night
from installed_command import Run, command

pytestmark = pytest.mark.slow


@pytest.mark.timeout(1800)
def test_the_day_survives_its_disasters(stadtsinn: Run, tmp_path: Path) -> None:
    """An hour without a line, three SIGKILLs and a second network server change nothing."""
    done = stadtsinn("demo", "--check", "--json", "--folder", tmp_path / "day")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["ok"]
    assert len(report["checks"]) == 6
    assert all(check["ok"] and check["found"] > 0 for check in report["checks"])
    assert report["counts"]["copies"] > 500
    assert report["counts"]["incidents_hidden"] >= 1  # a late alarm would have been sent by then
    for disaster in ("line to the cloud cut", "edge agent killed", "ingest killed"):
        assert disaster in done.stderr


def test_the_show_serves_pages_until_ctrl_c(environment: dict[str, str], tmp_path: Path) -> None:
    """Counter, API documentation and phone answer; then no traceback, nothing left running."""
    with the_show(environment, tmp_path, "--speed", "60") as show:
        assert show.stdout
        said = ""
        while "sandbox-phone" not in said:
            line = show.stdout.readline()
            assert line, said
            said += line
        pages = re.findall(r"http://127\.0\.0\.1:\d+/\S+", said)
        assert len(pages) == 3
        for page in pages:
            with urllib.request.urlopen(page, timeout=real_parts.PATIENCE_S) as answer:
                assert answer.status == 200
                assert "<html" in answer.read().decode()
        show.send_signal(signal.SIGINT)
        ended_in_order(show, tmp_path)


@pytest.mark.nightly
def test_the_show_ends_by_itself(environment: dict[str, str], tmp_path: Path) -> None:
    with the_show(environment, tmp_path, "--for", "1") as show:
        ended_in_order(show, tmp_path)


@pytest.mark.parametrize(
    "how", others_by_night([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], [signal.SIGTERM])
)
def test_ctrl_c_on_the_way_up_ends_the_show_in_order(
    how: signal.Signals, environment: dict[str, str], tmp_path: Path
) -> None:
    """At the worst moment: while a child is being started."""
    with the_show(environment, tmp_path) as show:
        real_parts.wait_until((tmp_path / "cloud.log").exists, "the stage is being set")
        show.send_signal(how)
        ended_in_order(show, tmp_path)


@contextlib.contextmanager
def the_show(
    environment: dict[str, str], folder: Path, *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    real_parts.require("mosquitto")
    show = subprocess.Popen(
        command(["demo", "--folder", str(folder), *arguments]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    try:
        yield show
    finally:
        if show.poll() is None:
            show.send_signal(signal.SIGINT)  # it ends its children; SIGKILL would leave them
            show.communicate()


def ended_in_order(show: subprocess.Popen[str], folder: Path) -> None:
    said, _ = show.communicate(timeout=real_parts.PATIENCE_S)
    assert "Traceback" not in said
    assert show.returncode == 0, said
    assert children_of(folder) == []


def children_of(folder: Path) -> list[str]:
    """Command lines of processes that still work for this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line and process.name != str(os.getpid()):
            found.append(line)
    return found
