"""The folder that holds backups: one at a time is made in it, old ones make room.

A backup is made under a name that begins with a dot and gets its own with one rename, so that a
process that is killed leaves none that looks whole. What it leaves goes with the next one.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stadtsinn.base.instant import Instant, to_datetime
from stadtsinn.base.private_files import FILE_MODE, FOLDER_MODE, close_to_others, private_folder
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.backup.manifest import BackupFailed, is_backup, make_durable

_LOCK = ".lock"
_UNFINISHED = ".unfinished-"
_LEAVING = ".leaving-"
_NAMES = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z(-\d+)?")


class BackupBusy(BackupFailed):
    """Another process makes a backup in this folder."""


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder for the length of the block; it is made where it is missing.

    Raises BackupBusy, OSError, ValueError where others may put something into it.
    """
    private_folder(folder)
    _close(folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(folder / _LOCK, flags, FILE_MODE), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupBusy(
                f"another 'stadtsinn backup' is at work in {folder}: wait until it has ended",
                f"ein anderes 'stadtsinn backup' arbeitet in {folder}: warten, bis es fertig ist",
            ) from None
        for left in (*folder.glob(f"{_UNFINISHED}*"), *folder.glob(f"{_LEAVING}*")):
            shutil.rmtree(left)
        yield


def _close(folder: Path) -> None:
    """Take a folder of backups away from others. One that holds other things, too, keeps its mode:
    each backup in it is closed."""
    if all(_is_ours(path.name) for path in folder.iterdir()):
        close_to_others(folder)
    if folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unusable(
            f"others may write in {folder}, and put a backup of their own there: give a folder "
            "that is only for backups",
            f"andere dürfen in {folder} schreiben und dort eine eigene Sicherung unterschieben: "
            "einen Ordner angeben, der nur für Sicherungen da ist",
        )


def _is_ours(name: str) -> bool:
    return _NAMES.fullmatch(name) is not None or name.startswith((_LOCK, _UNFINISHED, _LEAVING))


def begin(folder: Path, now: Instant) -> Path:
    """An empty folder to make a backup in. Raises OSError."""
    stamp = to_datetime(now).strftime("%Y-%m-%dT%H%M%SZ")
    name, number = stamp, 1
    while (folder / name).exists():
        number += 1
        name = f"{stamp}-{number}"
    made = folder / (_UNFINISHED + name)
    made.mkdir(mode=FOLDER_MODE)
    return made


def finish(made: Path) -> Path:
    """Give the backup its name; it counts from now on."""
    for path in (made, *made.rglob("*")):
        if path.is_dir():
            make_durable(path)
    final = made.with_name(made.name.removeprefix(_UNFINISHED))
    made.rename(final)
    make_durable(final.parent)
    return final


def backups(folder: Path) -> list[Path]:
    """The backups of a folder, oldest first."""
    found = [path for path in folder.iterdir() if _NAMES.fullmatch(path.name) and is_backup(path)]
    return sorted(found, key=_age)


def _age(backup: Path) -> tuple[str, int]:
    stamp, _, number = backup.name.partition("Z")
    return stamp, int(number.removeprefix("-") or 1)


def drop_all_but(folder: Path, keep: int) -> list[Path]:
    """Delete the oldest backups but so many; those that are gone."""
    dropped = backups(folder)[:-keep]
    for path in dropped:
        leaving = path.with_name(_LEAVING + path.name)
        path.rename(leaving)  # half of a backup never looks like one
        shutil.rmtree(leaving)
    return dropped


def one_backup(path: Path) -> Path:
    """The backup that a path means: itself, or the newest in it. Raises ValueError."""
    if is_backup(path):
        return path
    found = backups(path) if path.is_dir() else []
    if not found:
        raise Unusable(
            f"{path} is no backup and holds none",
            f"{path} ist keine Sicherung und enthält keine: den Ordner einer Sicherung angeben",
        )
    return found[-1]
