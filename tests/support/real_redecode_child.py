"""A process that decodes a test's history again, to be killed: FOLDER STORE_URL."""

from __future__ import annotations

import sys
from pathlib import Path

from redecode_devices import write_catalogue
from stadtsinn.cloud.database.engine import open_database
from stadtsinn.cloud.log.archive import Archive
from stadtsinn.cloud.redecode.service import Redecoder, Wanted
from stadtsinn.cloud.registry.directory import DirectoryCache
from stadtsinn.cloud.series import open_store
from stadtsinn.decoders.instant import Instant
from stadtsinn.edge.service.clock import SystemClock


def main(folder: str, store_url: str) -> None:
    here = Path(folder)
    database = open_database(f"sqlite:///{here / 'stadtsinn.sqlite'}")
    redecoder = Redecoder(
        database,
        Archive(here / "archive"),
        open_store(store_url, database=database),
        DirectoryCache(database),
        write_catalogue(here / "now", 2),
        SystemClock(),
    )
    redecoder.run(Wanted(Instant(0), Instant(2**52)), "child")


if __name__ == "__main__":
    main(*sys.argv[1:])
