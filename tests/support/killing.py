"""A step of this process that is killed at a crash point, as by a power cut: in a fork of it."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable

import loaded_late  # noqa: F401  what it does, it does on import
from stadtsinn.base import crash_points
from stadtsinn.cloud.platform.database.engine import Database


def killed_at(point: str, action: Callable[[], object], *databases: Database) -> None:
    """Run the action in a child that is killed at the point (`name` or `name:count`). To the
    databases it opens connections of its own: one that two processes have breaks."""
    assert is_killed_at(point, action, *databases), f"{point} was not reached"


def is_killed_at(point: str, action: Callable[[], object], *databases: Database) -> bool:
    """The same where the point may not be reached; False: the child came to its end."""
    name, _, count = point.partition(":")
    child = os.fork()
    if child == 0:
        ended = 77
        try:
            crash_points._name, crash_points._left = name, int(count or 1)
            for one in databases:
                one.engine.dispose(close=False)
            action()
            ended = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(ended)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "it failed: see above"
    return False
