"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import real_parts
from installed_command import Run, command


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "COLUMNS": "160"}


@pytest.fixture
def stadtsinn(environment: dict[str, str]) -> Run:
    """Runs `stadtsinn …` and returns what it said."""
    real_parts.require("mosquitto")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command([str(argument) for argument in arguments]),
            check=False,
            capture_output=True,
            text=True,
            env=environment,
        )

    return run
