"""The kernel's cache: absent, unwritable, out of date. Each run is a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from stadtsinn.decoders import compiled_kernel
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.uplink import Frame

pytestmark = pytest.mark.slow

DECODE = """
from stadtsinn.decoders import compiled_kernel, kernel
from numba.core import caching
{change}
from stadtsinn.decoders.catalogue import catalogue
frames = [("bosch/tps110", 1, b"\\x01", None)] * 200
outcomes = catalogue().decode_batch(frames)
assert outcomes == [catalogue().decode(*frame) for frame in frames]
function = compiled_kernel.decode_rows()
current = compiled_kernel.compiled_fingerprint(function) == kernel._fingerprint()
print(current, sum(function.stats.cache_hits.values()))
"""


def run(cache: Path, change: str = "") -> list[str]:
    """The output of DECODE, run in a new process with numba's cache in that folder."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", DECODE.format(change=change)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.nightly
def test_the_cache_saves_compiling_until_the_sources_change(tmp_path: Path) -> None:
    """Compiling takes seconds, which a restart must not cost. numba compares the time of one
    source file only, but an update may change others."""
    assert run(tmp_path, "kernel.FINGERPRINT = 1") == ["False", "0"]
    assert run(tmp_path)[0] == "True"
    assert run(tmp_path) == ["True", "1"]


@pytest.mark.nightly
def test_without_a_place_for_the_cache_it_still_decodes(tmp_path: Path) -> None:
    """A service without a writable folder starts more slowly."""
    no_cache = (
        "from numba.core import caching; caching.FunctionCache._impl_class._locator_classes = []"
    )
    assert run(tmp_path, no_cache) == ["True", "0"]
    assert not list(tmp_path.iterdir())


def test_more_device_types_compile_nothing() -> None:
    """Device types are rows of the tables: one compiled signature is enough for all."""
    machine = compiled_kernel.decode_rows()
    before = list(machine.signatures)  # type: ignore[attr-defined]
    for count in (1, 20, len(catalogue())):
        devices = list(catalogue())[:count]
        frames: Sequence[Frame] = [(device, 1, bytes(8), None) for device in devices] * 128
        assert len(catalogue().decode_batch(frames)) == len(frames)
        assert list(machine.signatures) == before  # type: ignore[attr-defined]
    assert len(before) == 1
