"""One simulated day for all tests, and a faultless cloud that processed it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_town_cloud import TownCloud, play_day, reopen
from stadtsinn.base.clock import ManualClock
from stadtsinn.simulator.market_day.day import MarketDay


@pytest.fixture(scope="session")
def day() -> MarketDay:
    return MarketDay(1)


@pytest.fixture(scope="session")
def end_of_day(day: MarketDay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a faultless cloud has its stores; not to be changed."""
    folder = tmp_path_factory.mktemp("town")
    play_day(day, folder).close()
    return folder


@pytest.fixture
def cloud(end_of_day: Path, day: MarketDay, tmp_path: Path) -> Iterator[TownCloud]:
    """A copy of it, which a test may damage."""
    folder = tmp_path / "town"
    shutil.copytree(end_of_day, folder)
    copy = reopen(folder, ManualClock(day.span.end))
    yield copy
    copy.close()
