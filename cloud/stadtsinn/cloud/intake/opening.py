"""Opens an ingestor: the one way for ingest, command line and API.

Each needs all of it. One without the archive logs a second copy of an archived uplink.
"""

from __future__ import annotations

from stadtsinn.base.clock import Clock
from stadtsinn.cloud.intake.service import Ingestor
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archived_copies import ArchivedCopies
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.catalogue import catalogue


def open_ingestor(
    database: Database, directory: DirectoryCache, clock: Clock, archive: Archive
) -> Ingestor:
    return Ingestor(database, directory, clock, catalogue(), ArchivedCopies(archive))
