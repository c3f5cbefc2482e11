"""The logs of a command that ends by itself. `edge run` and `cloud run` set up their own."""

from __future__ import annotations

import sys


def command_logs(level: str = "warning") -> None:
    """Who sits at a terminal reads what the command says: of its logs, errors alone appear there.

    Elsewhere (cron, systemd, a pipe) they are JSON lines on stderr, from `level` on.
    """
    from stadtsinn.base.logs import configure_logs

    configure_logs("stadtsinn", level="error" if sys.stderr.isatty() else level)
