"""Named points in the code at which a test can have this process killed, as by a power cut.

`STADTSINN_CRASH_AT=edge.spool_committed` kills at the first pass,
`STADTSINN_CRASH_AT=edge.spool_committed:3` at the third. Unset, a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

_name, _, _count = os.environ.get("STADTSINN_CRASH_AT", "").partition(":")
_left = int(_count) if _count.isdigit() else 1


def crash_point(name: str) -> None:
    """SIGKILL this process if the environment names this point."""
    global _left  # noqa: PLW0603 (counts down to the one kill)
    if name != _name:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
