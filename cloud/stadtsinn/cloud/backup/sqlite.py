"""Copies of SQLite files that others write meanwhile, and whether such a file is sound.

`VACUUM INTO` reads one snapshot without stopping anybody and writes every table and index anew: a
file with a damaged page gives an error and no copy, so that good backups are not replaced by bad.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from stadtsinn.base.damaged_files import is_damage
from stadtsinn.base.private_files import private_file
from stadtsinn.cloud.backup.manifest import BackupDamaged, BackupFailed

_FULL, _READ_ONLY, _CANNOT_OPEN = 13, 8, 14


class SourceDamaged(BackupFailed):
    """What is to be backed up is damaged; the text says what helps."""


def copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy. Raises SourceDamaged, BackupFailed, OSError."""
    if not source.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(source))
    private_file(target)
    with _named(source, target), closing(sqlite3.connect(source, timeout=60)) as connection:
        connection.isolation_level = None
        connection.execute("VACUUM INTO ?", (str(target),))


def require_sound(path: Path) -> None:
    """Raises BackupDamaged for a file of a backup that SQLite finds faults in. Writes nothing."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?immutable=1", uri=True)) as opened:
            (verdict,) = opened.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise BackupDamaged(f"{path} is damaged: {verdict}", f"{path} ist beschädigt: {verdict}")


def require_plain(path: Path) -> None:
    """Raises BackupDamaged for a file of a backup with anything but tables and their indexes: what
    else there is would run with each statement that the restored installation executes."""
    query = (
        "SELECT type, name FROM sqlite_schema WHERE type NOT IN ('table', 'index') "
        "OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1"
    )
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?immutable=1", uri=True)) as opened:
            opened.execute("PRAGMA trusted_schema = OFF")
            found = opened.execute(query).fetchone()
    except sqlite3.DatabaseError as error:
        raise BackupDamaged(
            f"{path} is damaged: {error}", f"{path} ist beschädigt: {error}"
        ) from None
    if found is not None:
        kind, name = found
        raise BackupDamaged(
            f"{path} has a {kind} {name!r} that stadtsinn did not make",
            f"{path} enthält {name!r} ({kind}), das nicht von stadtsinn stammt",
        )


@contextmanager
def _named(source: Path, target: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if is_damage(error) or isinstance(error, sqlite3.IntegrityError):
            raise SourceDamaged(
                f"{source} is damaged ({error}): no backup was made of it, the earlier ones stay. "
                "Restore one of them: 'stadtsinn restore' (docs/backup.md)",
                f"{source} ist beschädigt ({error}): keine Sicherung davon, die früheren "
                "bleiben. Eine davon zurückspielen: 'stadtsinn restore' (docs/backup.md)",
            ) from error
        if code == _FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
        if code in (_READ_ONLY, _CANNOT_OPEN):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(source)) from error
        raise BackupFailed(
            f"{source} could not be copied to {target} ({error}): check both disks, then try again",
            f"{source} ließ sich nicht nach {target} kopieren ({error}): beide Datenträger prüfen, "
            "dann noch einmal versuchen",
        ) from error
