"""Files that hold data: for their owner only, whatever the umask of the process is.

Measurements say when people are where, databases hold telephone numbers. Files of earlier versions
are put right when they are opened.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

# Commands open files before they set up structured logs; this one then writes to stderr.
log = logging.getLogger(__name__)

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_OF_OTHERS = 0o077
_OF_SQLITE = ("", "-wal", "-shm", "-journal")


def private_folder(path: Path) -> None:
    """Make the folder and those above it that are missing. One that exists stays as it is: it may
    be the home of other things. Raises OSError."""
    if path.is_dir():
        return
    private_folder(path.parent)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)


def private_file(path: Path) -> None:
    """Make an empty file, or close an existing one to others; its content stays. Raises OSError."""
    if not path.exists():
        private_folder(path.parent)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
    close_to_others(path)


def private_database(path: Path) -> None:
    """Before SQLite opens a file: what it puts beside it gets the mode of the file."""
    for suffix in _OF_SQLITE:
        part = path.with_name(path.name + suffix)
        if suffix == "" or part.exists():
            private_file(part)


def write_private(path: Path, text: str) -> None:
    """Write a file that others cannot read, not even for a moment. Raises OSError."""
    private_file(path)
    path.write_text(text, encoding="utf-8")


def close_to_others(path: Path) -> None:
    """Take a file or folder of ours away from others; one that is not ours is named in the log."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & _OF_OTHERS:
            return
        path.chmod(mode & ~_OF_OTHERS)
    except FileNotFoundError:
        return  # another process has just ended and taken it along
    except PermissionError:
        log.warning("others may read %s, which is not ours: 'chmod go-rwx' as its owner", path)
    else:
        log.info("%s is closed to others now, its mode was %04o", path, mode)


def open_to_others(path: Path) -> bool:
    """May others read or write the file? False where it cannot be looked at."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & _OF_OTHERS)
    except OSError:
        return False
