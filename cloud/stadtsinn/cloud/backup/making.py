"""Makes a backup while everything runs.

First the database, then the series, then the archive: so the series hold all that the database's
cursors say, and the archive every file that it names. A day that is archived meanwhile stays in
both places: files are deleted only by the run after, and then the backup begins anew.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import structlog
from sqlalchemy import Connection, inspect

from stadtsinn.base.bounded_files import read_whole_text
from stadtsinn.base.clock import Clock
from stadtsinn.base.counted import counted
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import isoformat
from stadtsinn.base.private_files import private_folder
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.backup import configuration, postgres
from stadtsinn.cloud.backup.manifest import (
    POSTGRES,
    SQLITE,
    BackupFailed,
    Manifest,
    Sums,
    checksum,
    copied,
    make_durable,
    read_manifest,
    write_durably,
    write_manifest,
)
from stadtsinn.cloud.backup.sqlite import SourceDamaged, copy_sqlite
from stadtsinn.cloud.backup.store import backups, begin, drop_all_but, finish, only_one
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, ArchiveUnreadable, days
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.log.uplinks.tables import archived_days
from stadtsinn.cloud.migrations import current, pending
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.settings import CloudSettings

log = structlog.get_logger()

DATABASE = {SQLITE: "database/stadtsinn.sqlite", POSTGRES: "database/stadtsinn.pgdump"}
SERIES = "series/series.sqlite"
ARCHIVE = "archive"
_TRIES = 3


@dataclass(frozen=True)
class Wishes:
    """What belongs to a backup besides the data. `keep`: so many backups stay in the folder."""

    keep: int | None = None
    secrets: bool = False
    series: bool = True
    also: Sequence[Path] = ()


@dataclass(frozen=True)
class Made:
    """A finished backup, and the older ones that made room for it."""

    folder: Path
    manifest: Manifest
    dropped: Sequence[Path]
    linked: int
    """Files of the archive that it shares with the backup before."""


@dataclass
class _Work:
    """A backup that is being made: files written so far. `before`: those of the one before."""

    folder: Path
    before: Path | None
    sums: Sums = field(default_factory=dict)
    linked: int = 0

    def path(self, name: str) -> Path:
        path = self.folder / name
        private_folder(path.parent)
        return path

    def wrote(self, name: str) -> None:
        """A file is complete; also makes it durable."""
        make_durable(self.folder / name)
        self.sums[name] = checksum(self.folder / name)

    def copy(self, source: Path, name: str) -> None:
        self.sums[name] = copied(source, self.path(name))

    def size(self, name: str) -> int:
        return (self.folder / name).stat().st_size


class _ArchiveMoved(Exception):
    """A file that the database named is gone: the next archive run has begun."""


def make_backup(
    config: Path, settings: CloudSettings, folder: Path, clock: Clock, wishes: Wishes
) -> Made:
    """Raises BackupFailed, NotCurrent, Unusable, OSError, SQLAlchemyError; then no new backup is
    there, and all earlier ones are."""
    database = open_database(settings.database.url)
    try:
        if not database.is_there():
            raise BackupFailed(
                "there is no database yet ([database] url): nothing to back up",
                "es gibt noch keine Datenbank ([database] url): nichts zu sichern",
            )
        with only_one(folder):
            before = next(reversed(backups(folder)), None)
            work = _Work(begin(folder, clock.now()), before)
            try:
                manifest = _fill(work, config, settings, database, clock, wishes)
                write_manifest(work.folder, manifest, work.sums)
                crash_point("backup.written")
                made = finish(work.folder)
            except BaseException:
                shutil.rmtree(work.folder, ignore_errors=True)
                raise
            dropped = drop_all_but(folder, wishes.keep) if wishes.keep else []
    finally:
        database.dispose()
    log.info("backup_made", folder=str(made), uplinks=manifest.uplinks, dropped=len(dropped))
    return Made(made, manifest, dropped, work.linked)


def _fill(
    work: _Work,
    config: Path,
    settings: CloudSettings,
    database: Database,
    clock: Clock,
    wishes: Wishes,
) -> Manifest:
    made_at = clock.now()
    kind = SQLITE if database.is_sqlite else POSTGRES
    _copy_configuration(work, config, settings, wishes)
    # What PostgreSQL gives back in one transaction, a file beside it is not part of.
    series = _series_file(settings) if wishes.series and database.is_sqlite else None
    for attempt in range(1, _TRIES + 1):
        revision, uplinks, named = _copy_database(work, database, DATABASE[kind])
        crash_point("backup.database_copied")
        if series is not None:
            copy_sqlite(series, work.path(SERIES))
            work.wrote(SERIES)
        try:
            _copy_archive(work, Archive(settings.archive.folder), named)
        except _ArchiveMoved as moved:
            if attempt == _TRIES:
                raise BackupFailed(
                    f"{moved} is named by the database and not there: restore it from an earlier "
                    "backup, or wait until 'stadtsinn archive' has ended",
                    f"{moved} steht in der Datenbank und ist nicht da: aus einer früheren "
                    "Sicherung zurücklegen, oder warten, bis 'stadtsinn archive' fertig ist",
                ) from None
            (work.folder / SERIES).unlink(missing_ok=True)
        else:
            break
    return Manifest(
        made_at=isoformat(made_at),
        stadtsinn=version("stadtsinn"),
        revision=revision,
        database=kind,
        uplinks=uplinks,
        series=series is not None,
        secrets=wishes.secrets or bool(wishes.also),
        configuration=config.name,
        files={name: work.size(name) for name in work.sums},
    )


def _copy_database(
    work: _Work, database: Database, name: str
) -> tuple[str, int, list[ArchivedDay]]:
    """The copy; of it the revision, the newest position, and the archived days."""
    target = work.path(name)
    target.unlink(missing_ok=True)
    if database.is_sqlite:
        copy_sqlite(Path(str(database.engine.url.database)), target)
        copy = open_database(f"sqlite:///{target}")
        try:
            with copy.read() as connection:
                found = _facts(connection)
        finally:
            copy.dispose()  # the last connection takes along what SQLite put beside it
    else:
        with database.read() as connection:
            found = _facts(connection)
            postgres.dump(database, postgres.export_snapshot(connection), target)
    work.wrote(name)
    return found


def _facts(connection: Connection) -> tuple[str, int, list[ArchivedDay]]:
    revision = current(connection)
    if revision is None:
        raise BackupFailed(
            "the database is empty ([database] url): nothing to back up",
            "die Datenbank ist leer ([database] url): nichts zu sichern",
        )
    pending(connection)  # raises NotCurrent for one that a newer version has used
    archived = inspect(connection).has_table(archived_days.name)
    return revision, head(connection), days(connection) if archived else []


def _series_file(settings: CloudSettings) -> Path | None:
    """The embedded store's file; None where it is a server, or nothing was written yet."""
    place = settings.series.url.removeprefix("sqlite:///")
    return Path(place) if "://" not in place and Path(place).is_file() else None


def _copy_archive(work: _Work, archive: Archive, named: Sequence[ArchivedDay]) -> None:
    known = _sums_of(work.before)
    for day in named:
        name = f"{ARCHIVE}/{day.file}"
        if name in work.sums:
            continue  # of the attempt before: no version of a file is ever written over
        if _link(work, name, known):
            continue
        try:
            work.copy(archive.folder / day.file, name)
        except FileNotFoundError:
            raise _ArchiveMoved(archive.folder / day.file) from None
        _require_readable(work, day)
        crash_point("backup.day_copied")


def _require_readable(work: _Work, day: ArchivedDay) -> None:
    try:
        with Archive(work.folder / ARCHIVE).open(day) as file:
            rows = file.rows
    except ArchiveUnreadable as error:
        said = error.sentence
        raise SourceDamaged(
            f"a day of the archive is damaged: {said.english}",
            f"ein Tag des Archivs ist beschädigt: {said.german}",
        ) from error
    if rows != day.uplinks:
        raise SourceDamaged(
            f"{day.file} of the archive has {rows} of {counted(day.uplinks, 'uplink', 'uplinks')}",
            f"{day.file} im Archiv hat {rows} von {counted(day.uplinks, 'Meldung', 'Meldungen')}",
        )


def _sums_of(backup: Path | None) -> Sums:
    if backup is None:
        return {}
    try:
        return read_manifest(backup)[1]
    except (OSError, Explained):
        return {}  # damaged: this backup shares nothing with it


def _link(work: _Work, name: str, known: Sums) -> bool:
    """Share a file with the backup before, if it is sound there and the disk can do it."""
    if work.before is None or name not in known:
        return False
    try:
        if checksum(work.before / name) != known[name]:
            return False
        os.link(work.before / name, work.path(name))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        return False
    work.sums[name] = known[name]
    work.linked += 1
    return True


def _copy_configuration(work: _Work, config: Path, settings: CloudSettings, wishes: Wishes) -> None:
    text = read_whole_text(config)
    if not wishes.secrets:
        text = configuration.without_passwords(text)
    name = f"{configuration.FOLDER}/{config.name}"
    write_durably(work.path(name), text.encode())
    work.wrote(name)
    for file in configuration.wanted(config, settings, secrets=wishes.secrets, also=wishes.also):
        work.copy(file.source, file.name)
