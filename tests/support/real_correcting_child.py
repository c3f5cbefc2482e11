"""A process that corrects a test's series and follows its log, to be killed: FOLDER DATABASE_URL
ADDRESS."""

from __future__ import annotations

from pathlib import Path

from real_series import open_at
from stadtsinn.base.clock import SystemClock
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.series.corrections.service import Corrector
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.town.directory import DirectoryCache


def main(folder: str, database_url: str, *address: str) -> None:
    clock = SystemClock()
    database = open_database(database_url)
    archive = Archive(Path(folder) / "archive")
    store = open_at(address, database)
    directory = DirectoryCache(database)
    follower = SeriesFollower(store, directory)
    corrector = Corrector(database, archive, store, directory, clock, follower.barrier)
    while corrector.run_once():
        pass
    loop = FollowerLoop(database, follower, clock, window=LogWindow(archive))
    while loop.run_once():
        pass
