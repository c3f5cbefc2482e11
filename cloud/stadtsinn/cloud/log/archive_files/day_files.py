"""The files of the archive as they lie in its folder, whatever the database says of them."""

from __future__ import annotations

import re
from pathlib import Path

from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.log.archive_files.archive import Archive

FILE_NAMES = re.compile(r"\d{4}-\d{2}-\d{2}\.\d+\.parquet(\.\d+\.tmp)?")
"""Of a day's file, and of one that is being written."""


def day_files(archive: Archive) -> list[Path]:
    """Every whole file that looks like a day's."""
    found = archive.folder.glob("*/*.parquet")
    return sorted(path for path in found if FILE_NAMES.fullmatch(path.name))


def require_no_days(archive: Archive) -> None:
    """For a database that is empty. Raises RuntimeError where there is a log's archive."""
    if day_files(archive):
        raise Explained(
            f"the database is empty and {archive.folder} holds days of a log: the database was "
            "lost, or [database] url or [archive] folder names another place. Restore a backup "
            "('stadtsinn restore', docs/backup.md), or move that folder away to begin anew",
            f"die Datenbank ist leer und {archive.folder} enthält Tage eines Logs: die Datenbank "
            "ging verloren, oder [database] url oder [archive] folder nennt einen anderen Ort. "
            "Eine Sicherung zurückspielen ('stadtsinn restore', docs/backup.md), oder diesen "
            "Ordner wegräumen und neu anfangen",
        )
