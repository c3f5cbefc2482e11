"""Whether a backup is what it says, and whether what it holds can be used. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from stadtsinn.cloud.backup import postgres
from stadtsinn.cloud.backup.making import ARCHIVE, DATABASE, SERIES
from stadtsinn.cloud.backup.manifest import (
    MANIFEST,
    SQLITE,
    SUMS,
    BackupDamaged,
    Manifest,
    Sums,
    checksum,
    is_outside,
    read_manifest,
)
from stadtsinn.cloud.backup.sqlite import require_plain, require_sound
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, ArchiveUnreadable, days
from stadtsinn.cloud.log.uplinks.tables import archived_days
from stadtsinn.cloud.migrations import knows


def verified(backup: Path) -> tuple[Manifest, Sums]:
    """What it says, all of it proven.

    Raises BackupDamaged naming every fault, ValueError where this version cannot use it, OSError.
    """
    manifest, sums = read_manifest(backup)
    faults = list(_faults_of_files(backup, manifest, sums))
    if not faults:
        require_usable(backup, manifest)
        faults = list(_faults_inside(backup, manifest))
    if faults:
        raise BackupDamaged(f"{backup} is damaged: {'; '.join(faults)}. Take another backup")
    return manifest, sums


def require_usable(backup: Path, manifest: Manifest) -> None:
    """Raises ValueError for one of a newer version."""
    if not knows(manifest.revision):
        raise ValueError(
            f"{backup} was made by stadtsinn {manifest.stadtsinn} with a database at revision "
            f"'{manifest.revision}', which this version does not know: use that version or a newer "
            "one"
        )


def _faults_of_files(backup: Path, manifest: Manifest, sums: Sums) -> Iterator[str]:
    if links := sorted(
        str(one.relative_to(backup)) for one in backup.rglob("*") if one.is_symlink()
    ):
        yield from (f"{name} is a link, which no backup holds" for name in links)
        return
    for name, size in sorted(manifest.files.items()):
        path = backup / name
        if not path.is_file():
            yield f"{name} is missing"
        elif path.stat().st_size != size:
            yield f"{name} has {path.stat().st_size} of {size} bytes"
        elif checksum(path) != sums[name]:
            yield f"{name} is not what {SUMS} says"
    present = {str(path.relative_to(backup)) for path in backup.rglob("*") if path.is_file()}
    for name in sorted(present - manifest.files.keys() - {MANIFEST, SUMS}):
        yield f"{name} does not belong to it"


def _faults_inside(backup: Path, manifest: Manifest) -> Iterator[str]:
    """A sum only proves that a file is as it was written."""
    try:
        if manifest.database == SQLITE:
            require_plain(backup / DATABASE[SQLITE])
            require_sound(backup / DATABASE[SQLITE])
            yield from _faults_of_archive(backup)
        else:
            postgres.require_whole(backup / DATABASE[manifest.database])
        if manifest.series:
            require_plain(backup / SERIES)
            require_sound(backup / SERIES)
    except (ValueError, postgres.ServerToolFailed) as error:
        yield str(error)


def _faults_of_archive(backup: Path) -> Iterator[str]:
    archive = Archive(backup / ARCHIVE)
    for day in _archived(backup / DATABASE[SQLITE]):
        if is_outside(day.file):
            yield f"the database names {day.file!r} as a file of the archive"
            continue
        try:
            with archive.open(day) as file:
                rows = file.rows
        except ArchiveUnreadable as error:
            yield str(error)
            continue
        if rows != day.uplinks:
            yield f"{ARCHIVE}/{day.file} has {rows} of {day.uplinks} uplinks"


def _archived(database: Path) -> list[ArchivedDay]:
    engine = create_engine(f"sqlite:///file:{quote(str(database))}?immutable=1&uri=true")
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(archived_days.name):
                return []
            return days(connection)
    except SQLAlchemyError as error:
        raise ValueError(f"{database} is damaged ({error.__cause__})") from error
    finally:
        engine.dispose()
