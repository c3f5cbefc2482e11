"""Puts a backup in the place of an installation: all of it or nothing.

Everything is copied beside its place first (`….restoring`), so a full disk or a kill leaves the
installation as it was, and what was copied is used by the next try. Then come renames only, the
database last. While that goes on, its prepared file keeps every other command out (`sqlite_file`).
What was there is renamed, not deleted.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Update

from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import to_datetime
from stadtsinn.base.private_files import FOLDER_MODE
from stadtsinn.base.sentence import Explained, Sentence, Unusable
from stadtsinn.cloud.alarms.notify.claim_repository import doubt_what_waits
from stadtsinn.cloud.backup import configuration, postgres
from stadtsinn.cloud.backup.making import ARCHIVE, DATABASE, SERIES
from stadtsinn.cloud.backup.manifest import (
    POSTGRES,
    SQLITE,
    BackupDamaged,
    Manifest,
    Sums,
    checksum,
    copied,
    make_durable,
)
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.day_files import day_files
from stadtsinn.cloud.migrations import is_empty, pending, upgrade
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.platform.database.sessions import others_connected
from stadtsinn.cloud.platform.database.sqlite_file import being_restored
from stadtsinn.cloud.schema import metadata
from stadtsinn.cloud.series.repository import filled_otherwise
from stadtsinn.cloud.settings import CloudSettings

log = structlog.get_logger()

_OF_SQLITE = ("", "-wal", "-shm", "-journal")
_PART = ".restoring-part"
_VERSION_TABLE = "alembic_version"


class InTheWay(Explained):
    """Something is where the backup would go; the text says what to do."""


@dataclass(frozen=True)
class Restored:
    """`aside`: what was there before, under its new names."""

    manifest: Manifest
    aside: Sequence[Path]


@dataclass(frozen=True)
class _Move:
    """A prepared file and its place."""

    staged: Path
    final: Path


def restore_configuration(
    backup: Path, manifest: Manifest, config: Path
) -> tuple[list[Path], list[str]]:
    """Write `cloud.toml` and the files beside it where they are missing: those written, and the
    names of those that have to be put back by hand. Raises OSError."""
    base = config.absolute().parent
    written, by_hand = [], []
    for name in sorted(manifest.files):
        if not name.startswith(f"{configuration.FOLDER}/"):
            continue
        place = configuration.place_of(name, base)
        if name == f"{configuration.FOLDER}/{manifest.configuration}":
            place = config.absolute()
        if place is None:
            by_hand.append(name)
        elif not place.exists():
            _make_folder(place.parent)
            copied(backup / name, place)
            _give_to_owner_of_folder(place)
            written.append(place)
    return written, by_hand


def restore(
    backup: Path,
    manifest: Manifest,
    sums: Sums,
    settings: CloudSettings,
    clock: Clock,
    *,
    overwrite: bool,
) -> Restored:
    """The backup must be `verified`.

    Raises InTheWay, Unusable, OSError, SQLAlchemyError, ServerToolFailed; what was there is then
    as it was.
    """
    database = open_database(settings.database.url)
    kind = SQLITE if database.is_sqlite else POSTGRES
    if manifest.database != kind:
        raise Unusable(
            f"the backup is of {manifest.database} and [database] url names {kind}: restore it "
            f"with a url of {manifest.database}",
            f"die Sicherung ist von {manifest.database}, [database] url nennt {kind}: mit einer "
            f"url von {manifest.database} zurückspielen",
        )
    stamp = to_datetime(clock.now()).strftime("%Y%m%dT%H%M%SZ")
    try:
        if database.is_sqlite:
            return _restore_sqlite(backup, manifest, sums, settings, overwrite, stamp)
        return _restore_postgres(backup, manifest, sums, settings, database, overwrite, stamp)
    finally:
        database.dispose()


def _restore_sqlite(
    backup: Path, manifest: Manifest, sums: Sums, settings: CloudSettings, told: bool, stamp: str
) -> Restored:
    path = Path(settings.database.url.removeprefix("sqlite:///"))
    marker = being_restored(path)
    overwrite = told or marker.exists()  # a restore that was told so and killed
    if _is_there(path):
        _require_told(
            overwrite,
            Sentence(
                f"there is a database already, {path}", f"es gibt schon eine Datenbank, {path}"
            ),
        )
        _require_unused(path)
    prepared = path.with_name(path.name + _PART)
    try:
        moves = list(_stage_archive(backup, manifest, sums, settings, overwrite))
        series = _stage_series(backup, manifest, sums, settings, overwrite)
        _prepare(backup / DATABASE[SQLITE], sums[DATABASE[SQLITE]], prepared, manifest)
    except BaseException:
        _remove(prepared)  # what was only copied stays: the next try knows it by its sum
        raise
    crash_point("restore.staged")
    _rename(prepared, marker)
    crash_point("restore.marked")
    aside = _set_days_aside(manifest, settings, stamp)
    for move in moves:
        _rename(move.staged, move.final)
    if series is not None:
        aside += _set_aside(series.final, stamp)
        _rename(series.staged, series.final)
    crash_point("restore.files_moved")
    aside += _set_aside(path, stamp)
    crash_point("restore.old_aside")
    _rename(marker, path)
    log.info("restored", database=str(path), uplinks=manifest.uplinks)
    return Restored(manifest, aside)


def _restore_postgres(
    backup: Path,
    manifest: Manifest,
    sums: Sums,
    settings: CloudSettings,
    database: Database,
    overwrite: bool,
    stamp: str,
) -> Restored:
    if not is_empty(database):
        _require_told(
            overwrite,
            Sentence(
                "there is an installation already in the database of [database] url",
                "in der Datenbank von [database] url ist schon eine Zentrale",
            ),
        )
    with database.read() as connection:
        pending(connection)  # raises NotCurrent: a newer version has tables that we do not know
        if others := others_connected(connection):
            raise InTheWay(
                f"{others} other sessions use the database: stop 'stadtsinn cloud run' first",
                f"{others} andere Verbindungen benutzen die Datenbank: erst 'stadtsinn cloud run' "
                "beenden",
            )
    database.dispose()
    moves = list(_stage_archive(backup, manifest, sums, settings, overwrite))
    for move in moves:
        _rename(move.staged, move.final)
    crash_point("restore.files_moved")
    statements = [_as_text(database, one) for one in (doubt_what_waits(), filled_otherwise())]
    tables = [*metadata.tables, _VERSION_TABLE]
    postgres.load(database, backup / DATABASE[POSTGRES], tables, statements)
    log.info("restored", database="postgresql", uplinks=manifest.uplinks)
    return Restored(manifest, _set_days_aside(manifest, settings, stamp))


def _as_text(database: Database, statement: Update) -> str:
    dialect = database.engine.dialect
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


# --- what is in the way ------------------------------------------------------------------


def _is_there(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _require_told(overwrite: bool, what: Sentence) -> None:
    if not overwrite:
        raise InTheWay(
            f"{what.english}: give --overwrite to put the backup in its place",
            f"{what.german}: --overwrite setzt die Sicherung an ihre Stelle",
        )


def _require_unused(path: Path) -> None:
    """Only a connection that is alone can leave WAL; that also makes it one file."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, timeout=1)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InTheWay(
                    f"{path} is in use: stop 'stadtsinn cloud run' and whatever else reads it",
                    f"{path} ist in Gebrauch: 'stadtsinn cloud run' beenden und was sonst liest",
                ) from None


# --- copying beside ----------------------------------------------------------------------


def _stage_archive(
    backup: Path,
    manifest: Manifest,
    sums: Sums,
    settings: CloudSettings,
    overwrite: bool,
) -> Iterator[_Move]:
    for name in sorted(manifest.files):
        if not name.startswith(f"{ARCHIVE}/"):
            continue
        final = settings.archive.folder / Path(name).relative_to(ARCHIVE)
        move = _stage(backup / name, sums[name], final, overwrite)
        if move is not None:
            yield move
            crash_point("restore.day_staged")


def _stage_series(
    backup: Path,
    manifest: Manifest,
    sums: Sums,
    settings: CloudSettings,
    overwrite: bool,
) -> _Move | None:
    url = settings.series.url
    if not manifest.series or not url.startswith("sqlite:///"):
        return None
    final = Path(url.removeprefix("sqlite:///"))
    return _stage(backup / SERIES, sums[SERIES], final, overwrite)


def _stage(source: Path, digest: str, final: Path, overwrite: bool) -> _Move | None:
    """Copy a file beside its place; None where the place holds it already."""
    _make_folder(final.parent)
    if final.is_file():
        if checksum(final) == digest:
            return None
        _require_told(
            overwrite,
            Sentence(f"there is another {final} already", f"es gibt schon ein anderes {final}"),
        )
    staged = final.with_name(final.name + _PART)
    if not (staged.is_file() and checksum(staged) == digest):
        _copy(source, digest, staged)
    return _Move(staged, final)


def _copy(source: Path, digest: str, target: Path) -> None:
    if copied(source, target) != digest:
        raise BackupDamaged(
            f"{source} changed while it was copied: verify the backup",
            f"{source} hat sich beim Kopieren geändert: die Sicherung prüfen ('stadtsinn backup "
            "verify')",
        )
    _give_to_owner_of_folder(target)


def _prepare(source: Path, digest: str, target: Path, manifest: Manifest) -> None:
    """The database as it will be used: at this version's schema, with what a backup cannot know
    marked as such."""
    _make_folder(target.parent)
    _remove(target)
    _copy(source, digest, target)
    database = open_database(f"sqlite:///{target}")
    try:
        upgrade(database)
        with database.write() as connection:
            connection.execute(doubt_what_waits())
            if not manifest.series:
                connection.execute(filled_otherwise())
    finally:
        database.dispose()
    make_durable(target)


# --- renames -----------------------------------------------------------------------------


def _set_aside(path: Path, stamp: str) -> list[Path]:
    """Rename a database and what SQLite put beside it; a `-wal` left behind would be read into the
    file that comes in its place."""
    aside = path.with_name(f"{path.name}.before-restore-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.before-restore-{stamp}-{number}")
    found = [suffix for suffix in _OF_SQLITE if path.with_name(path.name + suffix).exists()]
    for suffix in found:
        path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return [aside] if "" in found else []


def _set_days_aside(manifest: Manifest, settings: CloudSettings, stamp: str) -> list[Path]:
    """Days that were archived after the backup: no database names them any more, and the next run
    of the archive would delete them."""
    archive = Archive(settings.archive.folder)
    return [
        path.rename(path.with_name(f"{path.name}.before-restore-{stamp}"))
        for path in day_files(archive)
        if f"{ARCHIVE}/{path.relative_to(archive.folder)}" not in manifest.files
    ]


def _rename(staged: Path, final: Path) -> None:
    staged.rename(final)
    make_durable(final.parent)


def _remove(database: Path) -> None:
    for suffix in _OF_SQLITE:
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _make_folder(path: Path) -> None:
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir(mode=FOLDER_MODE)
        _give_to_owner_of_folder(path)


def _give_to_owner_of_folder(path: Path) -> None:
    """Root restores for the service, whose folder it is."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)
