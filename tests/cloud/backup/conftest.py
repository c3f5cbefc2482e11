"""A town with five days of uplinks, of which three are archived."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from backed_up_town import BackedUpTown


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: the tests take copies of it."""
    folder = tmp_path_factory.mktemp("prepared") / "town"
    town = BackedUpTown(folder)
    town.add(range(50))
    town.archive_days(3)
    return folder


@pytest.fixture
def town(prepared: Path, tmp_path: Path) -> BackedUpTown:
    shutil.copytree(prepared, tmp_path / "town")
    return BackedUpTown(tmp_path / "town", filled=True)
