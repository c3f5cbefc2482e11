"""What a process does not need it does not load: every command and role starts so much earlier."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIST_MODULES = "import sys; __import__(sys.argv[1]); print(*sys.modules)"


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
def test_only_the_api_loads_a_web_framework(module: str) -> None:
    command = [sys.executable, "-c", LIST_MODULES, module]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert module in done.stdout.split()
    assert not {"fastapi", "starlette", "uvicorn"}.intersection(done.stdout.split())
