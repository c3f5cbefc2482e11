"""What a backup says of itself: `manifest.json`, and `SHA256SUMS`, which `sha256sum -c` reads too.

Both are written last. A folder without them is no backup.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO

import msgspec

from stadtsinn.base.bounded_files import LISTS, read_whole
from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.sentence import Explained, Unusable

FORMAT = 1
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"

SQLITE, POSTGRES = "sqlite", "postgresql"
_BLOCK = 1 << 20


class BackupFailed(Explained):
    """The data or this machine do not allow it; the text says what helps."""


class BackupDamaged(BackupFailed):
    """A backup is not what it says; the text names the file."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`revision`: the database's schema. `uplinks`: the newest position of the log in it.

    `series`: their file is in the backup; else they are filled from the log again. `secrets`: it
    holds what only the service may read, beside the data themselves. `files`: bytes of each.
    """

    format: int = FORMAT
    made_at: str
    stadtsinn: str
    revision: str
    database: str
    uplinks: int
    series: bool
    secrets: bool
    configuration: str
    """The name of the configuration file; empty where none was given."""
    files: dict[str, int]


Sums = dict[str, str]
"""SHA-256 in hex, by the file's name in the backup."""


def checksum(path: Path) -> str:
    """Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest, sums: Sums) -> None:
    """The last two files of a backup. Raises OSError."""
    path = folder / MANIFEST
    write_durably(path, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    named = {**sums, MANIFEST: checksum(path)}
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(named.items()))
    write_durably(folder / SUMS, lines.encode())


def write_durably(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def is_backup(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() and (folder / SUMS).is_file()


def read_manifest(folder: Path) -> tuple[Manifest, Sums]:
    """Both files, checked against each other. Raises BackupFailed where they are
    damaged or another version made them, Unusable where it is no backup, OSError."""
    if not is_backup(folder):
        raise Unusable(
            f"{folder} is no backup: it has no {MANIFEST} and {SUMS}",
            f"{folder} ist keine Sicherung: {MANIFEST} und {SUMS} fehlen",
        )
    sums = _read_sums(folder)
    if sums.pop(MANIFEST, "") != checksum(folder / MANIFEST):
        raise BackupDamaged(
            f"{folder / MANIFEST} is not what {SUMS} says: take another backup",
            f"{folder / MANIFEST} ist nicht, was {SUMS} sagt: eine andere Sicherung nehmen",
        )
    content = read_whole(folder / MANIFEST, LISTS)
    _require_known_format(folder, content)
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except UNREADABLE as error:
        raise BackupDamaged(
            f"{folder / MANIFEST}: {error}",
            f"{folder / MANIFEST} ist nicht lesbar ({error}): eine andere Sicherung nehmen",
        ) from None
    if manifest.files.keys() != sums.keys():
        raise BackupDamaged(
            f"{folder / SUMS} and {MANIFEST} name different files",
            f"{folder / SUMS} und {MANIFEST} nennen verschiedene Dateien",
        )
    if manifest.database not in (SQLITE, POSTGRES):
        raise BackupDamaged(
            f"{folder / MANIFEST}: there is no database {manifest.database!r}",
            f"{folder / MANIFEST}: eine Datenbank {manifest.database!r} gibt es nicht",
        )
    for name in manifest.files:
        if is_outside(name):
            raise BackupDamaged(
                f"{folder / MANIFEST} names {name!r}, which is outside of it",
                f"{folder / MANIFEST} nennt {name!r}, das außerhalb liegt",
            )
    return manifest, sums


def is_outside(name: str) -> bool:
    """Does a file's name, as a backup has it, lead out of the folder that it is in?"""
    return Path(name).is_absolute() or ".." in Path(name).parts


def _require_known_format(folder: Path, content: bytes) -> None:
    class Head(msgspec.Struct):
        format: int
        stadtsinn: str

    try:
        head = msgspec.json.decode(content, type=Head)
    except UNREADABLE as error:
        raise BackupDamaged(
            f"{folder / MANIFEST}: {error}",
            f"{folder / MANIFEST} ist nicht lesbar ({error}): eine andere Sicherung nehmen",
        ) from None
    if head.format > FORMAT:
        raise BackupFailed(
            f"{folder} was made by stadtsinn {head.stadtsinn}, which is newer: use that version",
            f"{folder} stammt von stadtsinn {head.stadtsinn}, das neuer ist: jene Version nehmen",
        )


def _read_sums(folder: Path) -> Sums:
    sums: Sums = {}
    for line in read_whole(folder / SUMS, LISTS).decode(errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != hashlib.sha256().digest_size * 2 or not name:
            raise BackupDamaged(
                f"{folder / SUMS} has a line that is no checksum",
                f"{folder / SUMS} hat eine Zeile, die keine Prüfsumme ist",
            )
        sums[name] = digest
    return sums


def copied(source: Path, target: Path) -> str:
    """Copy a file durably, for its owner only; its checksum. Raises OSError."""
    with source.open("rb") as read:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as written:
                return _written(read, written)
        except OSError as error:  # of a full disk Python does not say which
            raise OSError(error.errno, error.strerror or str(error), str(target)) from error


def _written(source: IO[bytes], target: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
        target.write(block)
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()


def make_durable(path: Path) -> None:
    """What a file or a folder holds survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
