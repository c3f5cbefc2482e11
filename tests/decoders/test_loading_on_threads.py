"""Device files are loaded by several threads of a process at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOAD = """
import sys, threading
sys.setswitchinterval(1e-6)
from stadtsinn.decoders.catalogue import catalogue
known = catalogue()
names = list(known)[:8]
start = threading.Barrier(len(names))
def load(name):
    start.wait()
    known.device(name)
threads = [threading.Thread(target=load, args=(name,)) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.slow
def test_threads_that_load_first_device_files_at_once_end_no_process() -> None:
    """Without the lock every third of these processes ends with a segmentation fault."""
    for _ in range(8):
        assert subprocess.run([sys.executable, "-c", _LOAD], check=False).returncode == 0
