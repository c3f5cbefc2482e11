"""Whether a backup is what it says, and whether what it holds can be used. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from stadtsinn.base.counted import counted
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.backup import postgres
from stadtsinn.cloud.backup.making import ARCHIVE, DATABASE, SERIES
from stadtsinn.cloud.backup.manifest import (
    MANIFEST,
    SQLITE,
    SUMS,
    BackupDamaged,
    BackupFailed,
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

    Raises BackupDamaged naming every fault, BackupFailed where this version cannot use it, OSError.
    """
    manifest, sums = read_manifest(backup)
    faults = list(_faults_of_files(backup, manifest, sums))
    if not faults:
        require_usable(backup, manifest)
        faults = list(_faults_inside(backup, manifest))
    if faults:
        said = Sentence.joined(faults, "; ")
        raise BackupDamaged(
            f"{backup} is damaged: {said.english}. Take another backup",
            f"{backup} ist beschädigt: {said.german}. Eine andere Sicherung nehmen",
        )
    return manifest, sums


def require_usable(backup: Path, manifest: Manifest) -> None:
    """Raises BackupFailed for one of a newer version."""
    if not knows(manifest.revision):
        raise BackupFailed(
            f"{backup} was made by stadtsinn {manifest.stadtsinn} with a database at revision "
            f"'{manifest.revision}', which this version does not know: use that version or a newer "
            "one",
            f"{backup} stammt von stadtsinn {manifest.stadtsinn} mit einer Datenbank auf Stand "
            f"'{manifest.revision}', den diese Version nicht kennt: jene Version nehmen oder eine "
            "neuere",
        )


def _faults_of_files(backup: Path, manifest: Manifest, sums: Sums) -> Iterator[Sentence]:
    links = sorted(str(one.relative_to(backup)) for one in backup.rglob("*") if one.is_symlink())
    if links:
        for name in links:
            yield Sentence(
                f"{name} is a link, which no backup holds",
                f"{name} ist eine Verknüpfung, die keine Sicherung enthält",
            )
        return
    for name, size in sorted(manifest.files.items()):
        path = backup / name
        if not path.is_file():
            yield Sentence(f"{name} is missing", f"{name} fehlt")
        elif path.stat().st_size != size:
            there = path.stat().st_size
            yield Sentence(
                f"{name} has {there} of {size} bytes", f"{name} hat {there} von {size} Byte"
            )
        elif checksum(path) != sums[name]:
            yield Sentence(f"{name} is not what {SUMS} says", f"{name} ist nicht, was {SUMS} sagt")
    present = {str(path.relative_to(backup)) for path in backup.rglob("*") if path.is_file()}
    for name in sorted(present - manifest.files.keys() - {MANIFEST, SUMS}):
        yield Sentence(f"{name} does not belong to it", f"{name} gehört nicht dazu")


def _faults_inside(backup: Path, manifest: Manifest) -> Iterator[Sentence]:
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
    except BackupFailed as error:
        yield error.sentence


def _faults_of_archive(backup: Path) -> Iterator[Sentence]:
    archive = Archive(backup / ARCHIVE)
    for day in _archived(backup / DATABASE[SQLITE]):
        if is_outside(day.file):
            yield Sentence(
                f"the database names {day.file!r} as a file of the archive",
                f"die Datenbank nennt {day.file!r} als Datei des Archivs",
            )
            continue
        try:
            with archive.open(day) as file:
                rows = file.rows
        except ArchiveUnreadable as error:
            yield error.sentence
            continue
        if rows != day.uplinks:
            yield Sentence(
                f"{ARCHIVE}/{day.file} has {rows} of {counted(day.uplinks, 'uplink', 'uplinks')}",
                f"{ARCHIVE}/{day.file} hat {rows} von "
                f"{counted(day.uplinks, 'Meldung', 'Meldungen')}",
            )


def _archived(database: Path) -> list[ArchivedDay]:
    engine = create_engine(f"sqlite:///file:{quote(str(database))}?immutable=1&uri=true")
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(archived_days.name):
                return []
            return days(connection)
    except SQLAlchemyError as error:
        raise BackupDamaged(
            f"{database} is damaged ({error.__cause__})",
            f"{database} ist beschädigt ({error.__cause__})",
        ) from error
    finally:
        engine.dispose()
