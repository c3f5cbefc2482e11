"""The kernel, compiled once and kept in numba's cache; compiled again when its sources changed."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np

from stadtsinn.base.bounded_files import read_whole
from stadtsinn.base.whole_files import write_public
from stadtsinn.decoders import program as p
from stadtsinn.decoders.kernel import FINGERPRINT, machine

_DAMAGE = (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError)
"""Exceptions of loading a cache file that a power cut left incomplete."""
_LARGEST = 64_000_000
"""Bytes of a file of the cache; a kernel has less than a million."""


def _signature() -> Any:
    """The only signature. A writable array also fits its read-only buffer, so nothing is compiled
    twice."""
    from numba import types as t

    def array(kind: Any, dimensions: int = 1) -> Any:
        return t.Array(kind, dimensions, "C")

    payloads = t.Array(t.uint8, 1, "C", readonly=True)
    tables = [array(t.int32, 2), array(t.float64, 2), array(t.int64), array(t.int32)]
    tables += [array(t.float64), array(t.int32), array(t.uint64, 2)]
    rows = [payloads, array(t.int64), array(t.int32), array(t.int32), array(t.int64), t.int64]
    out = [array(t.float64), array(t.int32), array(t.int64), array(t.uint8)]
    out += [array(t.int32, 2), array(t.int64, 2), t.int64]
    four: Any = t.UniTuple
    return four(t.int64, 4)(*tables, *rows, *out)


_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


@cache
def decode_rows() -> Callable[..., Any]:
    """The compiled kernel; from numba's cache where there is one.

    NUMBA_CACHE_DIR names the cache's folder. Without a writable folder each process compiles the
    kernel, which takes some seconds at its start.
    """
    with contextlib.suppress(RuntimeError, OSError):
        return cached_kernel()  # type: ignore[no-any-return]
    return numba.njit(_signature(), **_OPTIONS)(machine)  # type: ignore[no-any-return]


def is_ready() -> bool:
    """Whether `cached_kernel` will only read: nothing has changed since `note_ready`, neither the
    cache's files nor the sources, the processor or numba."""
    try:
        kernel = _lazy_kernel()
        return read_whole(_note(kernel), _LARGEST) == _state(kernel)
    except (RuntimeError, OSError):
        return False


def note_ready() -> None:
    """Note beside numba's cache that it holds the kernel. Raises RuntimeError or OSError."""
    kernel = _lazy_kernel()
    write_public(_note(kernel), _state(kernel))


def _note(kernel: Any) -> Path:
    return Path(kernel.stats.cache_path) / "kernel.ready"


def _state(kernel: Any) -> bytes:
    """All that decides whether numba takes the kernel from its cache."""
    source = Path(machine.__code__.co_filename).stat()
    processor = (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
    options = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_"))
    known = (FINGERPRINT, source.st_mtime_ns, source.st_size, processor, options)
    state = sha256(repr((known, numba.__version__, sys.version)).encode())
    for file in sorted(_files(kernel)):
        state.update(file.name.encode() + read_whole(file, _LARGEST))
    return state.digest()


def cached_kernel() -> Any:
    """The kernel from numba's cache; compiled and stored there if absent, damaged or out of date.

    Raises RuntimeError or OSError when the cache cannot be written.
    """
    kernel = _lazy_kernel()
    try:
        kernel.compile(_signature())
    except _DAMAGE:
        _remove_files(kernel)
        kernel = _lazy_kernel()
        kernel.compile(_signature())
    kernel.disable_compile()
    if compiled_fingerprint(kernel) != FINGERPRINT:
        kernel.recompile()
    return kernel


def _lazy_kernel() -> Any:
    """Not compiled yet: the path of its cache is needed when loading from the cache fails."""
    return numba.njit(cache=True, **_OPTIONS)(machine)


def _files(kernel: Any) -> Iterable[Path]:
    return Path(kernel.stats.cache_path).glob(f"kernel.{machine.__name__}-*.nb[ic]")


def _remove_files(kernel: Any) -> None:
    for file in _files(kernel):
        file.unlink()


def compiled_fingerprint(kernel: Callable[..., Any]) -> int:
    """Fingerprint of the sources a kernel was compiled from; read by decoding no rows."""
    empty, numbers = np.zeros(1), np.zeros(1, np.int32)
    *_, fingerprint = kernel(
        np.zeros((1, p.OP_COLUMNS), np.int32), np.zeros((1, p.FLOAT_COLUMNS)),
        np.zeros(1, np.int64), numbers, empty, numbers, np.zeros((1, 3), np.uint64),
        np.zeros(8, np.uint8), np.zeros(1, np.int64), numbers[:0], numbers[:0],
        np.zeros(0, np.int64), 0,
        empty[:0], numbers[:0], np.zeros(1, np.int64), np.zeros(0, np.uint8),
        np.zeros((0, 2), np.int32), np.zeros((0, 3), np.int64), 0,
    )  # fmt: skip
    return int(fingerprint)
