"""Files that appear whole, with their rights from the first byte on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from stadtsinn.base.private_files import FILE_MODE

_PUBLIC_MODE = 0o644


def write_secret(path: Path, content: bytes) -> None:
    """Readable by the owner only."""
    _write(path, content, FILE_MODE)


def write_public(path: Path, content: bytes) -> None:
    """Readable by everybody who may enter the folder."""
    _write(path, content, _PUBLIC_MODE)


def _write(path: Path, content: bytes, mode: int) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)  # whatever the umask says
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def give_to(owner: str, *paths: Path) -> None:
    """Make a user the owner of files and folders. Raises LookupError where there is none."""
    for path in paths:
        shutil.chown(path, owner, owner)
