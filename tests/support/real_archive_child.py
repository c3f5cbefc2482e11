"""A process that archives a log, to be killed: URL FOLDER BEFORE."""

from __future__ import annotations

import sys
from pathlib import Path

from stadtsinn.cloud.database.engine import open_database
from stadtsinn.cloud.log.archive import Archive
from stadtsinn.cloud.log.archiving import archive_before
from stadtsinn.decoders.instant import Instant
from stadtsinn.edge.service.clock import SystemClock


def main(url: str, folder: str, before: str) -> None:
    database = open_database(url)
    for _ in archive_before(
        database, Archive(Path(folder)), Instant(int(before)), (), SystemClock()
    ):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
