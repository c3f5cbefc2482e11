"""Which files of the configuration belong to a backup, and where they go when it is restored.

Files below the folder of `cloud.toml` keep their place beside it. Others lie in `elsewhere/`, with
their whole path: who restores puts them back by hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from stadtsinn.base.logs import SECRET_IN_QUERY
from stadtsinn.base.sentence import Unusable
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.settings import CloudSettings

FOLDER = "configuration"
_ELSEWHERE = "elsewhere"
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/\s:@\"']*):[^/\s@\"']+(?=@)")
_MASKED = r"\1:PASSWORD"
_TEXTS = re.compile(r"""\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|\#.*""")
"""Of TOML: a text in quotation marks, or a comment."""
_PASSWORD_IN_TEXT = re.compile(r"(?<=://)([^/\s:@]*):.*(?=@)")
"""A password may hold whatever the text may, also ``/``, ``@`` and blanks: up to the last ``@``."""
_KEY_INSIDE = b"PRIVATE KEY-----"


@dataclass(frozen=True)
class Wanted:
    """A file of the configuration, and its name in the backup."""

    source: Path
    name: str


def without_passwords(text: str) -> str:
    """The configuration with ``PASSWORD`` in its URLs; secrets have files of their own."""
    text = _TEXTS.sub(lambda one: _PASSWORD_IN_TEXT.sub(_MASKED, one[0]), text)
    text = _PASSWORD_IN_URL.sub(_MASKED, text)  # of texts over several lines
    return SECRET_IN_QUERY.sub(r"\1=PASSWORD", text)


def wanted(
    config: Path, settings: CloudSettings, *, secrets: bool, also: Sequence[Path]
) -> list[Wanted]:
    """The files that the configuration names, its device files, and what is asked for, without
    `cloud.toml` itself. Raises OSError for one that is asked for and is not there, ValueError for a
    name that no list of checksums can hold."""
    found = _named(settings)
    if not secrets:
        public = found.difference(_secret_files(settings))
        found = {path for path in public if path.is_file() and not _holds_key(path)}
    for path in also:
        path.stat()
        found.update([path] if path.is_file() else path.rglob("*"))
    own = _plain(config)
    files = {_plain(path): path.absolute() for path in sorted(found) if path.is_file()}
    return [
        Wanted(source, _name(path, own.parent))
        for path, source in sorted(files.items())
        if path != own
    ]


def let_the_service_read(written: Sequence[Path], config: Path, settings: CloudSettings) -> None:
    """What root put beside `cloud.toml` is read by the service's group, which the folder has
    (hardware/install.sh). What the configuration does not name, as the authority, stays root's."""
    if os.geteuid() != 0:
        return
    own = _plain(config)
    named = {own, *map(_plain, _named(settings))}
    for path in filter(named.__contains__, map(_plain, written)):
        path.chmod(0o640)
        for folder in path.parents[: len(path.relative_to(own.parent).parts) - 1]:
            folder.chmod(0o750)


def _named(settings: CloudSettings) -> set[Path]:
    """The files that the configuration names, and its device files."""
    found = {*_public_files(settings), *_secret_files(settings)}
    if settings.devices is not None:
        found.update(settings.devices.rglob("*.toml"))
    return found


def _plain(path: Path) -> Path:
    """The whole path without ``..``, which a backup refuses as a name."""
    return Path(os.path.normpath(path.absolute()))


def _holds_key(path: Path) -> bool:
    """Is this a certificate together with its key?"""
    with path.open("rb") as lines:
        return any(_KEY_INSIDE in line for line in lines)


def _name(path: Path, base: Path) -> str:
    if not str(path).isprintable():
        raise Unusable(
            f"{str(path)!r} has characters that no backup can name: rename it",
            f"{str(path)!r} hat Zeichen, die keine Sicherung nennen kann: umbenennen",
        )
    if path.is_relative_to(base):
        return f"{FOLDER}/{path.relative_to(base)}"
    return f"{FOLDER}/{_ELSEWHERE}/{str(path).lstrip('/')}"


def place_of(name: str, base: Path) -> Path | None:
    """Where a file of the configuration belongs, `base` being the folder of `cloud.toml`; None
    for one that has to be put back by hand."""
    inside = Path(name).relative_to(FOLDER)
    return None if inside.parts[0] == _ELSEWHERE else base / inside


def _public_files(model: BaseModel) -> Iterator[Path]:
    for name, value in model:
        for inner in _each(value):
            if isinstance(inner, BaseModel):
                yield from _public_files(inner)
            elif isinstance(inner, Path) and name != "key":
                yield inner


def _secret_files(model: BaseModel) -> Iterator[Path]:
    for name, value in model:
        for inner in _each(value):
            if isinstance(inner, BaseModel):
                yield from _secret_files(inner)
            elif isinstance(inner, Secret) and inner.file is not None:
                yield inner.file
            elif isinstance(inner, Path) and name == "key":
                yield inner


def _each(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
    else:
        yield value
