"""A process that archives a log, to be killed: URL FOLDER BEFORE."""

from __future__ import annotations

from pathlib import Path

from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.platform.database.engine import open_database


def main(url: str, folder: str, before: str) -> None:
    database = open_database(url)
    for _ in archive_before(
        database, Archive(Path(folder)), Instant(int(before)), (), SystemClock()
    ):
        pass
