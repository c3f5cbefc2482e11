"""The kernel's cache: absent, unwritable, out of date. Each run is a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

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


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that is ready; its files need not be numba's."""
    for name in ("kernel.machine-1.py311.nbi", "kernel.machine-1.py311.1.nbc"):
        (tmp_path / name).write_bytes(b"of numba")
    lazy = SimpleNamespace(stats=SimpleNamespace(cache_path=str(tmp_path)))
    monkeypatch.setattr(compiled_kernel, "_lazy_kernel", lambda: lazy)
    assert not compiled_kernel.is_ready()
    compiled_kernel.note_ready()
    assert compiled_kernel.is_ready()
    return tmp_path


@pytest.mark.parametrize("file", ["*.nbi", "*.nbc", "*.ready"])
@pytest.mark.parametrize("damage", [b"\0\0\0\0\0\0\0\0", b"", b"\xff\xfe", None])
def test_a_cache_whose_files_changed_is_not_ready(
    folder: Path, file: str, damage: bytes | None
) -> None:
    """Power cuts leave zeros or nothing at all; then a child compiles, as if it were the first."""
    (damaged,) = folder.glob(file)
    if damage is None:
        damaged.unlink()
    else:
        damaged.write_bytes(damage)
    assert not compiled_kernel.is_ready()


@pytest.mark.parametrize(
    ("what", "another"),
    [
        ("stadtsinn.decoders.compiled_kernel.FINGERPRINT", 1),
        ("llvmlite.binding.get_host_cpu_name", lambda: "cortex-a53"),
        ("numba.__version__", "0.1"),
        ("sys.version", "3.99"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_cache_of_another_version_or_processor_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, what: str, another: object
) -> None:
    """A card that moves from one board to another has a kernel of the first."""
    monkeypatch.setattr(what, another)
    assert not compiled_kernel.is_ready()


@pytest.mark.usefixtures("folder")
def test_numbas_own_settings_may_make_another_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert not compiled_kernel.is_ready()
