"""Secrets of a configuration: they stand somewhere else and are read when they are needed.

A file says ``password_file = "PATH"``, or ``password = "file:PATH"``, which is the same, or
``password = "env:NAME"``. A relative path is looked for among systemd's credentials
(``LoadCredential=``) first, then beside the configuration file. The secret itself may come from
the environment only (``STADTSINN_BROKER_PASSWORD``); in a file it is refused.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from stadtsinn.base.bounded_files import read_whole_text
from stadtsinn.base.explaining import reason
from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.base.settings.fields import relative_to_file

FILE_SUFFIX = "_file"
_SPELLINGS = Sentence(
    "write a secret as env:NAME or file:/path, never as the secret itself",
    "ein Geheimnis als env:NAME oder file:/pfad schreiben, nie das Geheimnis selbst",
)


class FromEnvironment(str):
    """A value that came from an environment variable, not from the file."""

    __slots__ = ()


class _Kind(Enum):
    NONE = "not configured"
    VALUE = "configured"
    FILE = "file"
    VARIABLE = "env"


class Secret:
    """A secret, or none. Nothing but `read` shows its value."""

    __slots__ = ("_kind", "_place", "_suffix", "field")

    def __init__(self, value: str = "") -> None:
        self._kind = _Kind.VALUE if value else _Kind.NONE
        self._place = value
        self._suffix = ""
        self.field = "secret"
        """What errors call it, see `name`."""

    @classmethod
    def at(cls, reference: str) -> Secret:
        """The secret that ``env:NAME`` or ``file:PATH`` means; Unusable repeats nothing of it."""
        kind, _, place = reference.partition(":")
        if not place or kind not in {_Kind.FILE.value, _Kind.VARIABLE.value}:
            raise Unusable.of(_SPELLINGS)
        secret = cls()
        secret._kind = _Kind(kind)
        secret._place = str(_place_of(Path(place))) if kind == "file" else place
        return secret

    @classmethod
    def in_file(cls, path: str) -> Secret:
        """The secret of a field ``…_file``."""
        secret = cls.at(f"file:{path}")
        secret._suffix = FILE_SUFFIX  # noqa: SLF001
        return secret

    def name(self, field: str) -> None:
        """Set the name of the field that it was configured by; errors use it."""
        self.field = field + self._suffix

    @property
    def variable(self) -> str | None:
        """The environment variable that holds it, if one does."""
        return self._place if self._kind is _Kind.VARIABLE else None

    @property
    def file(self) -> Path | None:
        """The file that holds it, if one does."""
        return Path(self._place) if self._kind is _Kind.FILE else None

    def read(self) -> str | None:
        """The value; None where none is configured. Raises SettingsError if it is not there."""
        if self._kind is _Kind.FILE:
            return self._read_file(Path(self._place))
        if self._kind is _Kind.VARIABLE:
            return self._read_variable(self._place)
        return self._place or None

    def _read_file(self, path: Path) -> str:
        try:
            return read_whole_text(path).strip()
        except (OSError, UnicodeDecodeError) as error:
            said = reason(error)
            raise SettingsError(
                f"{self.field}: {path} cannot be read ({said.english}): write the secret into "
                "it, readable for this service only",
                f"{self.field}: {path} ist nicht lesbar ({said.german}): das Geheimnis "
                "hineinschreiben, nur für diesen Dienst lesbar",
            ) from None

    def _read_variable(self, name: str) -> str:
        value = os.environ.get(name, "")
        if not value:
            raise SettingsError(
                f"{self.field}: the environment variable {name} is empty: put the secret there",
                f"{self.field}: die Umgebungsvariable {name} ist leer: das Geheimnis dort "
                "hineinschreiben",
            )
        return value

    def __bool__(self) -> bool:
        return self._kind is not _Kind.NONE

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._kind, self._place) == (
            other._kind,
            other._place,
        )

    def __hash__(self) -> int:
        return hash((self._kind, self._place))

    def __repr__(self) -> str:
        places = {_Kind.FILE: f"file:{self._place}", _Kind.VARIABLE: f"env:{self._place}"}
        return f"<secret {places.get(self._kind, self._kind.value)}>"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_validated)


def _validated(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, FromEnvironment):
        return Secret(value)
    if isinstance(value, str):
        return Secret.at(value)
    raise Unusable.of(_SPELLINGS)


def _place_of(path: Path) -> Path:
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and not path.is_absolute() and (given := Path(credentials, path)).exists():
        return given
    return relative_to_file(path)
