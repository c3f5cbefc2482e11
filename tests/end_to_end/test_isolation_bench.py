"""The benchmark of isolation runs with a little of everything; its figures are no test's matter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

SCRIPT = Path(__file__).parents[2] / "bench" / "isolation.py"


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_it_prints_both_towns_figures_and_what_the_hostile_one_did(kind: str) -> None:
    command = [sys.executable, str(SCRIPT), "--tiny", "--only", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    for what in ("A's uplink acknowledged", "A's public page"):
        for how in ("B idle: ", "B hostile: ", "hostile / idle: "):
            assert f"{what}, {how}" in done.stdout
    assert "uplinks taken" in done.stdout
    assert "devices imported 30" in done.stdout
