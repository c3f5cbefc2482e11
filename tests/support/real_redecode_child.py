"""A process that decodes a test's history again, to be killed: FOLDER ADDRESS."""

from __future__ import annotations

from pathlib import Path

from real_series import open_at
from redecode_devices import write_catalogue
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.series.redecode.service import Redecoder, Wanted
from stadtsinn.cloud.town.directory import DirectoryCache


def main(folder: str, *address: str) -> None:
    root = Path(folder)
    database = open_database(f"sqlite:///{root / 'stadtsinn.sqlite'}")
    redecoder = Redecoder(
        database,
        Archive(root / "archive"),
        open_at(address, database),
        DirectoryCache(database),
        write_catalogue(root / "now", 2),
        SystemClock(),
    )
    redecoder.run(Wanted(Instant(0), Instant(2**52)), "child")
