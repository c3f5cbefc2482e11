"""`python -m stadtsinn.decoders.kernel_cache`: compile the kernel into numba's cache.

For a program that wants the kernel without the compiler's memory and without its crashes: it runs
this as a child first. Exit code 0 says that the next process loads the kernel and compiles nothing;
otherwise the last line of standard error says why not.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

from stadtsinn.decoders.compiled_kernel import cached_kernel

_LOWEST_PRIORITY = 19
_KILL_FIRST = "1000"
_PR_SET_PDEATHSIG = 1


def main() -> str | None:
    """Why the cache is not filled; None when it is."""
    _end_with_the_parent()
    _let_others_go_first()
    cached_kernel()
    if not sum(cached_kernel().stats.cache_hits.values()):
        return "the kernel's cache cannot be written: set NUMBA_CACHE_DIR to a folder of this user"
    return None


def _end_with_the_parent() -> None:
    """An agent that is killed and started again must not leave compilers behind (Linux only)."""
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
