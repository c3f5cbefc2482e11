"""The installed command as a user calls it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

Run = Callable[..., subprocess.CompletedProcess[str]]


def command(arguments: Sequence[str]) -> list[str]:
    """The argument list of ``stadtsinn …``."""
    return [sys.executable, "-m", "stadtsinn.cli", *arguments]
