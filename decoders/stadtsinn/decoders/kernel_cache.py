"""`python -m stadtsinn.decoders.kernel_cache`: compile the kernel into numba's cache.

A program whose cache is not ready runs this as a child process before it loads the kernel, so that
the compiler's memory and crashes stay in the child. After exit code 0 the next process loads the
kernel from the cache and compiles nothing; otherwise the last line of standard error is the reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

from stadtsinn.decoders.compiled_kernel import cached_kernel, note_ready

_LOWEST_PRIORITY = 19
_KILL_FIRST = "1000"
_PR_SET_PDEATHSIG = 1


def main() -> str | None:
    """Fill the cache; returns the error text if it cannot be filled."""
    _end_with_the_parent()
    _let_others_go_first()
    cached_kernel()
    if not sum(cached_kernel().stats.cache_hits.values()):
        return "the kernel's cache cannot be written: set NUMBA_CACHE_DIR to a folder of this user"
    note_ready()
    return None


def _end_with_the_parent() -> None:
    """Linux kills this process when its parent dies: a killed agent leaves no compiler running."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _let_others_go_first() -> None:
    """Lowest priority, and the first process to end when memory runs out."""
    with contextlib.suppress(OSError):
        os.nice(_LOWEST_PRIORITY)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_KILL_FIRST)


if __name__ == "__main__":
    sys.exit(main())
