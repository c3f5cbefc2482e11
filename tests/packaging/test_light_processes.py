"""What a process does not need it does not load: every command and role starts so much earlier."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIST_MODULES = "import sys; __import__(sys.argv[1]); print(*sys.modules)"

THE_APIS = {"fastapi", "starlette", "uvicorn"}
OF_SOME_WORK = {"alembic", "httpx", "jinja2", "numpy", "phonenumbers", "pyarrow"}
"""Loaded by who migrates, sends, draws or reads the archive: together they took as long as all the
rest of a process."""


@pytest.mark.parametrize(
    "module",
    [
        "stadtsinn.cli.cloud",
        "stadtsinn.cloud.run",
        "stadtsinn.cloud.settings",
        "stadtsinn.cloud.intake.service",
        "stadtsinn.edge.agent.agent",
    ],
)
def test_what_only_some_work_needs_is_not_loaded_by_all(module: str) -> None:
    command = [sys.executable, "-c", LIST_MODULES, module]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert module in done.stdout.split()
    assert not (THE_APIS | OF_SOME_WORK).intersection(done.stdout.split())
