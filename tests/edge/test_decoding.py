"""Groups decoded by interpreter and kernel: the same outcomes, and the fallback from one to the
other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_examples import ALL_CONSTRUCTS, all_constructs, device_types_and_all_constructs
from real_parts import wait_until
from stadtsinn.base.instant import SECOND, Instant, parse
from stadtsinn.decoders.batch_decoder import BatchDecoder
from stadtsinn.decoders.catalogue import Catalogue, catalogue
from stadtsinn.decoders.compiled_kernel import cached_kernel, note_ready
from stadtsinn.decoders.reading import Decoded, Outcome, Undecoded
from stadtsinn.decoders.uplink import Frame
from stadtsinn.edge.agent import decoding
from stadtsinn.edge.agent.decoding import (
    KERNEL_FROM,
    GroupDecoder,
    KernelUnavailable,
    decode_one_by_one,
    load_kernel,
)
from stadtsinn.edge.agent.metrics import Metrics

pytestmark = pytest.mark.slow

LSE01: Frame = ("dragino/lse01", 2, bytes.fromhex("ce2900f107a5099b6e2890"), None)
NOW = parse("2026-06-01T08:00:00+00:00")

CALIBRATED = "decentlab/dl-pr26:p_min=0,p_max=2"


@cache
def known_frames() -> list[Frame]:
    """The examples of every device type."""
    return [
        (device.id, one.port, bytes.fromhex(one.bytes), NOW)
        for device in device_types_and_all_constructs()
        for one in device.file.examples
    ]


@cache
def names() -> list[str | None]:
    """Every device type, and names that mean none."""
    wrong = ["decentlab/dl-pr26:nonsense=1", "dragino/lse01:x", "none/such", "", ":", None]
    return [*sorted({str(frame[0]) for frame in known_frames()}), CALIBRATED, *wrong]


def with_own_devices(folder: Path) -> Catalogue:
    """A catalogue with the built-in device types and a town's own device type."""
    own = folder / "test" / "all.toml"
    own.parent.mkdir(exist_ok=True)
    own.write_text(ALL_CONSTRUCTS, encoding="utf-8")
    known = Catalogue(catalogue()._files)
    known.add_folder(folder)
    return known


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return with_own_devices(tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="module")
def kernel(known: Catalogue) -> Callable[[Sequence[Frame]], list[Outcome]]:
    """One decoder for all tests: each device type is added to its tables at its first use."""
    return BatchDecoder(known.find, known.unknown).decode


@st.composite
def any_frame(draw: st.DrawFn) -> Frame:
    """An example, unchanged or with other bytes, port or type, or truncated; or random bytes."""
    device, port, payload, received = draw(st.sampled_from(known_frames()))
    received = draw(st.sampled_from([received, None, Instant(0), Instant(NOW + 90 * SECOND)]))
    if draw(st.booleans()):
        return device, port, payload, received
    changed = bytearray(payload)
    for _ in range(draw(st.integers(0, 3))):
        if changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    payload = bytes(changed)[: draw(st.integers(0, 300))] + draw(st.binary(max_size=8))
    return (
        draw(st.sampled_from([device, device, *names()])),
        draw(st.sampled_from([port, port, 0, 1, 85, 255, 256, -1, 10**30])),
        draw(st.sampled_from([payload, payload, b"", draw(st.binary(max_size=300))])),
        received,
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(any_frame(), min_size=1, max_size=3 * KERNEL_FROM))
def test_both_give_the_same_outcomes(
    known: Catalogue, kernel: Callable[[Sequence[Frame]], list[Outcome]], group: list[Frame]
) -> None:
    """Names, values, quality, reason, event time, decoder, and the text of a refusal."""
    assert kernel(group) == [known.decode(*frame) for frame in group]


def test_both_give_the_same_for_every_example_of_every_type(
    known: Catalogue, kernel: Callable[[Sequence[Frame]], list[Outcome]]
) -> None:
    group = [*known_frames(), *((name, 2, b"\x01", None) for name in names())]
    assert kernel(group) == [known.decode(*frame) for frame in group]


def test_a_type_that_becomes_known_while_it_runs_is_decoded(tmp_path: Path) -> None:
    """A type that was unknown at first is decoded once the catalogue has it."""
    growing = Catalogue(catalogue()._files)
    batch = BatchDecoder(growing.find, growing.unknown)
    example = all_constructs().file.examples[0]
    group: list[Frame] = [LSE01, ("test/all", example.port, bytes.fromhex(example.bytes), None)]
    before = batch.decode(group)
    assert isinstance(before[1], Undecoded)
    assert before[1].reason == "unknown_device"
    own = tmp_path / "test" / "all.toml"
    own.parent.mkdir()
    own.write_text(ALL_CONSTRUCTS, encoding="utf-8")
    growing.add_folder(tmp_path)
    after = batch.decode(group)
    assert isinstance(after[1], Decoded)
    assert after == [growing.decode(*frame) for frame in group]


# --- which of them decodes -------------------------------------------------------------


class Calls:
    """A decode function that records the sizes of its groups."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, frames: Sequence[Frame]) -> list[Outcome]:
        self.sizes.append(len(frames))
        return decode_one_by_one(frames)


def count(metrics: Metrics, decoder: str) -> float | None:
    return metrics.registry.get_sample_value("stadtsinn_edge_decoded_total", {"decoder": decoder})


def loaded(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("stadtsinn_edge_kernel_loaded")


def test_the_interpreter_decodes_until_the_kernel_is_loaded() -> None:
    """The first uplink does not wait, however long loading takes."""
    may_load = threading.Event()
    interpreter, kernel, metrics = Calls(), Calls(), Metrics()

    def load(_: threading.Event) -> Calls:
        may_load.wait()
        return kernel

    decoder = GroupDecoder(metrics, interpreter, load)
    decoder.start()
    group = [LSE01] * KERNEL_FROM
    assert decoder.decode(group) == decode_one_by_one(group)
    assert (interpreter.sizes, kernel.sizes) == ([KERNEL_FROM], [])
    assert decoder.state.startswith("interpreter; the kernel is being loaded")
    assert loaded(metrics) == 0
    may_load.set()
    wait_until(lambda: loaded(metrics) == 1, "loaded")
    decoder.decode(group)
    decoder.decode(group[1:])
    assert (interpreter.sizes, kernel.sizes) == ([KERNEL_FROM, KERNEL_FROM - 1], [KERNEL_FROM])
    assert decoder.state.startswith("kernel for groups of")
    assert count(metrics, "kernel") == KERNEL_FROM
    assert count(metrics, "interpreter") == 2 * KERNEL_FROM - 1
    decoder.stop()


@pytest.mark.parametrize(
    "error",
    [
        KernelUnavailable("numba is not installed"),
        ImportError("llvmlite needs another libc"),
        MemoryError(),
        OSError("no space left"),
        RuntimeError("LLVM is broken"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_without_the_kernel_the_interpreter_decodes_and_says_why(error: Exception) -> None:
    metrics = Metrics()

    def load(_: threading.Event) -> Calls:
        raise error

    decoder = GroupDecoder(metrics, load=load)
    decoder.start()
    wait_until(lambda: "being loaded" not in decoder.state, "it gave up")
    assert decoder.state.startswith("interpreter; ")
    assert str(error) in decoder.state
    assert decoder.decode([LSE01] * 200) == decode_one_by_one([LSE01] * 200)
    assert loaded(metrics) == 0
    decoder.stop()


def test_a_kernel_that_raises_loses_no_uplink_and_is_not_used_again() -> None:
    metrics = Metrics()
    sizes = []

    def broken(frames: Sequence[Frame]) -> list[Outcome]:
        sizes.append(len(frames))
        raise MemoryError

    decoder = GroupDecoder(metrics, load=lambda _: broken)
    decoder.start()
    wait_until(lambda: loaded(metrics) == 1, "loaded")
    for _ in range(2):
        assert decoder.decode([LSE01] * 100) == decode_one_by_one([LSE01] * 100)
    assert sizes == [100]
    assert "MemoryError" in decoder.state
    assert loaded(metrics) == 0
    decoder.stop()


# --- loading it ------------------------------------------------------------------------


def test_the_loaded_kernel_decodes() -> None:
    decode = load_kernel(threading.Event())
    assert decode([LSE01] * 100) == decode_one_by_one([LSE01] * 100)


def test_a_kernel_that_is_ready_needs_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that starts again on a small board loads numba once, not twice."""
    cached_kernel()
    note_ready()
    monkeypatch.setattr(decoding, "_COMPILER", [sys.executable, "-c", "raise SystemExit('child')"])
    assert load_kernel(threading.Event())([LSE01]) == decode_one_by_one([LSE01])


@pytest.fixture
def not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stadtsinn.decoders.compiled_kernel.is_ready", lambda: False)


@pytest.mark.usefixtures("not_ready")
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("import os; os.abort()", "ended by signal 6"),
        ("raise MemoryError('LLVM')", "MemoryError: LLVM"),
    ],
)
def test_a_crash_of_the_compiler_ends_its_child_only(
    program: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_COMPILER", [sys.executable, "-c", program])
    with pytest.raises(KernelUnavailable, match=expected):
        load_kernel(threading.Event())


@pytest.mark.usefixtures("not_ready")
def test_an_agent_that_stops_does_not_wait_for_the_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forever = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(decoding, "_COMPILER", forever)
    children: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def noted(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        children.append(popen(*arguments, **options))  # type: ignore[call-overload]
        return children[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    decoder = GroupDecoder(Metrics())
    decoder.start()
    wait_until(lambda: bool(children), "the compiler is running")
    decoder.stop()
    wait_until(lambda: children[0].returncode is not None, "the compiler was ended")


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_cache_that_cannot_be_written_is_an_error() -> None:
    """Otherwise each start would compile for minutes, at last in the agent's own process."""
    done = run_python(
        "-c",
        "from numba.core import caching;"
        "caching.FunctionCache._impl_class._locator_classes = [];"
        "import sys; from stadtsinn.decoders.kernel_cache import main; sys.exit(main())",
    )
    assert done.returncode == 1
    assert "cannot cache function" in done.stderr.splitlines()[-1]


FIND_INDEX = """
from stadtsinn.decoders.compiled_kernel import _lazy_kernel
print(_lazy_kernel()._cache._cache_file._index_path)
"""


@pytest.mark.nightly
def test_a_damaged_cache_is_compiled_again(tmp_path: Path) -> None:
    """After a power cut, files on some SD cards contain zeros only."""
    found = run_python("-c", FIND_INDEX, NUMBA_CACHE_DIR=str(tmp_path))
    index = Path(found.stdout.strip())
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_bytes(b"\0" * 400)
    done = run_python(*decoding._COMPILER[1:], NUMBA_CACHE_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert index.read_bytes().strip(b"\0")


WITHOUT_NUMBA = """
import importlib, pkgutil, sys, threading
sys.modules["numba"] = sys.modules["llvmlite"] = None
import stadtsinn.edge
for module in pkgutil.walk_packages(stadtsinn.edge.__path__, "stadtsinn.edge."):
    importlib.import_module(module.name)
from stadtsinn.edge.agent.decoding import GroupDecoder
from stadtsinn.edge.agent.metrics import Metrics
decoder = GroupDecoder(Metrics())
decoder.start()
decoder._thread.join()
frames = [("dragino/lse01", 2, bytes.fromhex("ce2900f107a5099b6e2890"), None)] * 200
print(len(decoder.decode(frames)), decoder.state)
"""


def test_without_numba_the_whole_agent_imports_and_decodes() -> None:
    """As with the extra edge-small: no module of the agent needs numba or llvmlite."""
    done = run_python("-c", WITHOUT_NUMBA)
    assert done.returncode == 0, done.stderr
    assert "200 interpreter; numba is not installed" in done.stdout


def test_the_agent_starts_without_importing_numba() -> None:
    """Only the loader's thread imports it, after the agent has started."""
    program = (
        "import sys, stadtsinn.edge.agent.agent;"
        "sys.exit(' '.join({'numba', 'llvmlite', 'numpy'} & sys.modules.keys()) or None)"
    )
    done = run_python("-c", program)
    assert (done.returncode, done.stderr) == (0, "")
