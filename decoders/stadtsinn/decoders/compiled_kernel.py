"""The kernel, compiled once and kept in numba's cache; compiled again when its sources changed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

from stadtsinn.decoders import program as p
from stadtsinn.decoders.kernel import FINGERPRINT, machine


def _signature() -> Any:
    """One signature, with a read-only buffer: both kinds of array fit, nothing compiles twice."""
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


@cache
def decode_rows() -> Callable[..., Any]:
    """The compiled kernel; from numba's cache where there is one.

    NUMBA_CACHE_DIR says where it lies; without a writable place it is compiled in each process
    (some seconds), which costs start-up time and nothing else.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    with contextlib.suppress(RuntimeError, OSError):
        cached = numba.njit(_signature(), cache=True, **options)(machine)
        if compiled_fingerprint(cached) != FINGERPRINT:
            cached.recompile()
        return cached  # type: ignore[no-any-return]
    return numba.njit(_signature(), **options)(machine)  # type: ignore[no-any-return]


def compiled_fingerprint(kernel: Callable[..., Any]) -> int:
    """Of the sources a kernel was compiled from (it decodes no rows for it)."""
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
