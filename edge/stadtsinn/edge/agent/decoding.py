"""Decoding of groups: by the interpreter, and by the kernel once it is loaded.

Both give the same outcomes. The interpreter is always ready. The kernel needs numba (extra `edge`,
not `edge-small`) and seconds to load, so a thread of low priority loads it while the agent already
works.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import structlog

from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import Outcome
from stadtsinn.decoders.uplink import Frame
from stadtsinn.edge.agent.metrics import Metrics

log = structlog.get_logger()

Decode = Callable[[Sequence[Frame]], list[Outcome]]
"""Decodes many frames in one call."""

KERNEL_FROM = 16
"""Frames from which a group goes through the kernel. Measured by `bench/edge.py`, mixed
devices, packing and objects included: 8 frames take about as long by either, 16 frames 1.1 to
1.3 times as long by the interpreter, 50 frames 1.8 times."""

_COMPILER = [sys.executable, "-P", "-m", "stadtsinn.decoders.kernel_cache"]
_LONGEST_COMPILATION = 1800.0
"""Seconds. It takes 10 on a PC and some minutes on a busy Raspberry Pi 3."""
_LOWEST_PRIORITY = 19


class KernelUnavailable(Exception):
    """The kernel cannot be loaded; the text is the reason."""


def decode_one_by_one(frames: Sequence[Frame]) -> list[Outcome]:
    """By the interpreter."""
    known = catalogue()
    return [known.decode(*frame) for frame in frames]


def load_kernel(stop: threading.Event) -> Decode:
    """Load the kernel from numba's cache, which a child process fills where it is not ready.

    The compiler needs 250 MB and may crash; in a child process neither affects the agent.
    Raises KernelUnavailable, ImportError, MemoryError.
    """
    if importlib.util.find_spec("numba") is None:
        raise KernelUnavailable("numba is not installed (extra edge-small)")
    # numba is an extra, and its import takes a second, which delays nothing on this thread.
    from stadtsinn.decoders.batch_decoder import BatchDecoder
    from stadtsinn.decoders.compiled_kernel import decode_rows, is_ready

    if not is_ready():
        _fill_cache(stop)
    decode_rows()
    # numba's objects stay for good: the garbage collector need not walk through them each time.
    gc.freeze()
    known = catalogue()
    return BatchDecoder(known.find, known.unknown).decode


def _fill_cache(stop: threading.Event) -> None:
    deadline = time.monotonic() + _LONGEST_COMPILATION
    child = subprocess.Popen(
        _COMPILER, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with child:
        while True:
            try:
                _, errors = child.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if stop.is_set() or time.monotonic() > deadline:
                    child.kill()
    if stop.is_set():
        raise KernelUnavailable("the agent stops")
    if child.returncode < 0:
        raise KernelUnavailable(f"compiling it was ended by signal {-child.returncode}")
    if child.returncode:
        last = errors.decode(errors="replace").strip().rpartition("\n")[2]
        raise KernelUnavailable(f"compiling it failed: {last}")


class GroupDecoder:
    """Decodes the groups of one thread; `start` begins to load the kernel on another.

    `load` gives the kernel's decode function, or raises; it ends early when the event is set.
    """

    def __init__(
        self,
        metrics: Metrics,
        interpret: Decode = decode_one_by_one,
        load: Callable[[threading.Event], Decode] = load_kernel,
    ) -> None:
        self._metrics = metrics
        self._interpret = interpret
        self._load = load
        self._kernel: Decode | None = None
        self._state = "interpreter; the kernel is being loaded"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kernel-loader", daemon=True)

    @property
    def state(self) -> str:
        """What decodes now, and why, for the health page."""
        return self._state

    @property
    def kernel_loaded(self) -> bool:
        return self._kernel is not None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End loading if it has not finished."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def decode(self, frames: Sequence[Frame]) -> list[Outcome]:
        """Raises what the interpreter raises; a kernel that has raised is not used again."""
        kernel = self._kernel
        if kernel is not None and len(frames) >= KERNEL_FROM:
            try:
                outcomes = kernel(frames)
            except Exception as error:
                log.exception("kernel_failed", frames=len(frames))
                self._use_interpreter(f"the kernel raised {type(error).__name__}; see the log")
            else:
                self._metrics.decoded_by.labels("kernel").inc(len(frames))
                return outcomes
        outcomes = self._interpret(frames)
        self._metrics.decoded_by.labels("interpreter").inc(len(frames))
        return outcomes

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # on Linux a thread's own priority; a sandbox may refuse
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
        try:
            kernel = self._load(self._stop)
        except KernelUnavailable as unavailable:
            self._use_interpreter(str(unavailable))
        except Exception as error:  # e.g. MemoryError: the agent continues with the interpreter
            self._use_interpreter(f"loading the kernel raised {type(error).__name__}: {error}")
        else:
            self._kernel = kernel
            self._state = f"kernel for groups of {KERNEL_FROM} and more, interpreter for smaller"
            self._metrics.kernel_loaded.set(1)
            log.info("kernel_loaded", groups_from=KERNEL_FROM)

    def _use_interpreter(self, reason: str) -> None:
        self._kernel = None
        self._state = f"interpreter; {reason}"
        self._metrics.kernel_loaded.set(0)
        if not self._stop.is_set():
            log.info("kernel_not_used", reason=reason)
