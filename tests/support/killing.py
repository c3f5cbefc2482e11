"""A step of this process that is killed at a crash point, as by a power cut: in a fork of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from stadtsinn.base import crash_points


def killed_at(point: str, action: Callable[[], object]) -> None:
    """Run the action in a child that is killed at the point (`name` or `name:count`)."""
    name, _, count = point.partition(":")
    child = os.fork()
    if child == 0:
        try:
            crash_points._name, crash_points._left = name, int(count or 1)
            action()
        finally:
            os._exit(77)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{point} was not reached"
    assert os.WTERMSIG(status) == signal.SIGKILL
