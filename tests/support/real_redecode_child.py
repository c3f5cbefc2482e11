"""A process that decodes a test's history again, to be killed: FOLDER STORE_URL."""

from __future__ import annotations

from pathlib import Path

from redecode_devices import write_catalogue
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.series.redecode.service import Redecoder, Wanted
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.town.directory import DirectoryCache


def main(folder: str, store_url: str) -> None:
    root = Path(folder)
    database = open_database(f"sqlite:///{root / 'stadtsinn.sqlite'}")
    redecoder = Redecoder(
        database,
        Archive(root / "archive"),
        open_store(store_url, database=database),
        DirectoryCache(database),
        write_catalogue(root / "now", 2),
        SystemClock(),
    )
    redecoder.run(Wanted(Instant(0), Instant(2**52)), "child")
