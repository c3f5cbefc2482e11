"""Kinds of value that configuration files hold: paths, addresses, ports, levels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from stadtsinn.base.health import parse_address
from stadtsinn.base.sentence import Unusable

_folder: ContextVar[Path] = ContextVar("folder of the configuration file")

_LEVELS = ("debug", "info", "warning", "error")
_SQLITE = "sqlite:///"


@contextmanager
def paths_start_at(folder: Path) -> Iterator[None]:
    """While settings are read: the folder that relative paths in them are relative to."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def relative_to_file(path: Path) -> Path:
    """A path as the configuration file means it."""
    return _folder.get(Path()) / path


def _database_url(url: str) -> str:
    """Relative SQLite paths start at the configuration file, not at the working directory."""
    path = url.removeprefix(_SQLITE)
    return url if "://" in path else f"{_SQLITE}{relative_to_file(Path(path))}"


def _address(text: str) -> str:
    parse_address(text)
    return text


def _level(text: str) -> str:
    if text not in _LEVELS:
        raise Unusable(
            f"{text!r}: use {', '.join(_LEVELS[:-1])} or {_LEVELS[-1]}",
            f"{text!r}: {', '.join(_LEVELS[:-1])} oder {_LEVELS[-1]} angeben",
        )
    return text


FilePath = Annotated[Path, AfterValidator(relative_to_file)]
"""Relative paths start at the configuration file."""
OptionalFolder = Annotated[FilePath | None, BeforeValidator(lambda given: given or None)]
"""An empty text means none."""
DatabaseUrl = Annotated[str, AfterValidator(_database_url), Field(repr=False)]
"""May hold a password, so it is not shown."""
Address = Annotated[str, AfterValidator(_address)]
"""``host:port`` to listen on."""
LogLevel = Annotated[str, AfterValidator(_level)]
Port = Annotated[int, Field(ge=1, le=65_535)]
