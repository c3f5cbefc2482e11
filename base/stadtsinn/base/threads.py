"""Threads that live as long as their process.

A thread that ends by itself leaves a process that looks alive and does nothing. So whoever runs
threads asks each `ended_early` and ends the process with a code: its supervisor starts it again.
"""

from __future__ import annotations

import threading


def ended_early(thread: threading.Thread | None, *, stopped: bool) -> str | None:
    """The thread's name if it was started and ended although nobody stopped it."""
    if thread is None or thread.ident is None or stopped or thread.is_alive():
        return None
    return thread.name
