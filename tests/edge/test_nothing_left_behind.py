"""A test run that is killed takes its brokers and agents along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from real_parts import absent, dies_with_the_test, listens, require, wait_until

pytestmark = pytest.mark.slow

RUN = """
import os, signal, sys
from pathlib import Path
from real_edge import RealEdge
from real_parts import mosquitto
folder = Path(sys.argv[1])
broker = mosquitto(folder / "broker")
broker.start()
edge = RealEdge(folder / "edge", broker.port, broker.port)
edge.start()
edge.wait_ready()
print(broker.port, edge.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_run_leaves_no_broker_and_no_agent(tmp_path: Path) -> None:
    require("mosquitto")
    if not dies_with_the_test():
        absent("setpriv", "apt-get install util-linux")
    path = os.pathsep.join(sys.path)
    ended = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    port, pid = map(int, ended.stdout.split())
    wait_until(lambda: not listens(port), "the broker is gone")
    wait_until(lambda: not _runs(pid), "the agent is gone")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False
