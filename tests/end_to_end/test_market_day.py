"""The main job, from sensor to phone and page, with everything going wrong once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

import real_parts
from installed_command import Run, command


@pytest.mark.timeout(900)
def test_the_day_survives_its_disasters(stadtsinn: Run, tmp_path: Path) -> None:
    """An hour without a line, three SIGKILLs and a second network server change nothing."""
    done = stadtsinn("demo", "--check", "--json", "--folder", tmp_path / "day", timeout=800)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["ok"]
    assert len(report["checks"]) == 4
    assert all(check["ok"] and check["found"] > 0 for check in report["checks"])
    assert report["counts"]["copies"] > 500
    assert report["counts"]["incidents_hidden"] >= 1  # "late never fires" had its chance
    for disaster in ("line to the cloud cut", "edge agent killed", "ingest killed"):
        assert disaster in done.stderr


def test_the_show_serves_pages_and_ends_in_time(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """`--for` ends it by itself; meanwhile counter, API documentation and phone answer."""
    real_parts.require("mosquitto")
    show = subprocess.Popen(
        command(["demo", "--for", "12", "--folder", str(tmp_path), "--speed", "600"]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    assert show.stdout
    said = ""
    while "sandbox-phone" not in said:
        line = show.stdout.readline()
        assert line, said
        said += line
    pages = re.findall(r"http://127\.0\.0\.1:\d+/\S+", said)
    assert len(pages) == 3
    for page in pages:
        with urllib.request.urlopen(page, timeout=20) as answer:
            assert answer.status == 200
            assert "<html" in answer.read().decode()
    rest, _ = show.communicate(timeout=120)
    assert show.returncode == 0, said + rest
    assert "Traceback" not in said + rest
    assert children_of(tmp_path) == []


def test_ctrl_c_ends_the_show_in_order(environment: dict[str, str], tmp_path: Path) -> None:
    """No traceback, nothing left running."""
    real_parts.require("mosquitto")
    show = subprocess.Popen(
        command(["demo", "--folder", str(tmp_path)]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    real_parts.wait_until((tmp_path / "cloud.log").exists, "the stage is being set", 120)
    time.sleep(1)  # anywhere on the way up is a moment to press Ctrl-C
    show.send_signal(signal.SIGINT)
    said, _ = show.communicate(timeout=120)
    assert "Traceback" not in said
    assert show.returncode == 0, said
    assert children_of(tmp_path) == []


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
