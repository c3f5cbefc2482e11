"""The reader of configuration files. Its errors name file, field and remedy."""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.exceptions import SettingsError as UnreadableVariable

from stadtsinn.base.bounded_files import read_whole_text
from stadtsinn.base.explaining import explained, reason
from stadtsinn.base.field_errors import field_sentence
from stadtsinn.base.private_files import open_to_others
from stadtsinn.base.sentence import Sentence
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.base.settings.fields import paths_start_at
from stadtsinn.base.settings.mistaken import FileKind, mistaken
from stadtsinn.base.settings.secret import FILE_SUFFIX, FromEnvironment, Secret
from stadtsinn.base.settings.variables import (
    PREFIX,
    REMOVE,
    meant,
    prefix_of,
    sections,
    unread,
)

log = logging.getLogger(__name__)


class Section(BaseModel):
    """A table of a configuration file. Of each secret it also knows the field ``…_file``."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _secrets_in_files(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        stated = dict(given)
        for name in _secret_fields(cls):
            file = stated.pop(name + FILE_SUFFIX, None)
            if file is not None and name not in stated:
                stated[name] = Secret.in_file(str(file))
        return stated


class FileSettings(BaseSettings):
    """A whole configuration: a TOML file, and environment variables that win over it.

    ``STADTSINN_SECTION_FIELD`` is `field` of ``[section]``, ``STADTSINN_FIELD`` a field outside of
    sections. A configuration may have a longer prefix of its own (`variables`).
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
    )

    example: ClassVar[str]
    """The command that prints an example of the file."""
    file_kind: ClassVar[FileKind | None] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the library's signature)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return _Environment(settings_cls), init_settings


class _Environment(EnvSettingsSource):
    """The variables, marked as such: a secret may stand there, but not in the file."""

    def __call__(self) -> dict[str, Any]:
        return {name: _marked(value) for name, value in super().__call__().items()}


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _marked(inner) for name, inner in value.items()}
    return FromEnvironment(value) if isinstance(value, str) else value


S = TypeVar("S", bound=FileSettings)


def read_file(kind: type[S], path: Path) -> S:
    """Read and check a configuration file; raises SettingsError."""
    try:
        text = read_whole_text(path)
    except (OSError, UnicodeDecodeError) as error:
        said = reason(error)
        raise SettingsError(
            f"{path} cannot be read ({said.english}): give the file with --config; "
            f"'{kind.example}' prints one to start from",
            f"{path} ist nicht lesbar ({said.german}): die Datei mit --config angeben; "
            f"'{kind.example}' gibt eine für den Anfang aus",
        ) from None
    return read_text(kind, text, path)


def read_text(kind: type[S], text: str, path: Path) -> S:
    """The settings of a configuration text; `path` is named in errors, its folder holds files."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError.of(explained(error).about(path)) from None
    if kind.file_kind is not None and (other := mistaken(document, kind.file_kind)) is not None:
        raise SettingsError.of(other.about(path))
    try:
        with paths_start_at(path.absolute().parent):
            settings = kind(**document)
    except ValidationError as refused:
        raise SettingsError.of(Sentence.joined(_sentences(kind, refused, path), "; ")) from None
    except UnreadableVariable as error:
        raise SettingsError(
            f"{error}: write its value as JSON", f"{error}: den Wert als JSON schreiben"
        ) from None
    named: set[str] = set()
    for field, secret in _secrets(settings, ""):
        secret.name(field)
        if secret.variable:
            named.add(secret.variable)
    if mistakes := list(unread(kind, named)):
        raise SettingsError.of(Sentence.joined(mistakes, "; "))
    return settings


# --- secrets ----------------------------------------------------------------------------


def warn_of_open_secrets(settings: FileSettings) -> None:
    """Name the files of secrets that others may read. For programs that run on: not each command
    needs to say it."""
    for field, secret in _secrets(settings, ""):
        if secret.file is not None and open_to_others(secret.file):
            log.warning("%s: others may read %s: 'chmod 600 %s'", field, secret.file, secret.file)


def secrets_in_files(settings: FileSettings) -> list[Path]:
    """The files that hold a secret of this configuration."""
    return [secret.file for _, secret in _secrets(settings, "") if secret.file is not None]


def _secret_fields(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.annotation is Secret]


def _secrets(value: object, field: str) -> Iterator[tuple[str, Secret]]:
    """Every secret inside a value, with the name that people find it by."""
    if isinstance(value, Secret):
        yield field, value
    elif isinstance(value, BaseModel):
        for name, inner in value:
            yield from _secrets(inner, f"{field}.{name}" if field else name)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(inner, f"{field}.{name}")
    elif isinstance(value, tuple):
        for inner in value:
            yield from _secrets(inner, field)


# --- errors -----------------------------------------------------------------------------


def _sentences(
    kind: type[FileSettings], refused: ValidationError, path: Path
) -> Iterator[Sentence]:
    for error in refused.errors(include_url=False, include_input=False):
        where = _without_tags(kind, [part for part in error["loc"] if isinstance(part, str)])
        field = ".".join(where)
        place = _variable(kind, where) or path
        if error["type"] == "extra_forbidden":
            hint = _hint(kind, where)
            yield Sentence(
                f"{place}: unknown entry '{field}': {hint.english}",
                f"{place}: unbekannter Eintrag '{field}': {hint.german}",
            )
            continue
        said = field_sentence(error)
        if error["type"] == "value_error":
            quoted = said.english.startswith(("'", '"'))  # "edge_id 'a/b': use …"
            before = f"{place}: {field}{'' if quoted else ':'}"
            yield Sentence(f"{before} {said.english}", f"{before} {said.german}")
        else:
            yield Sentence(
                f"{said.english}: see '{kind.example}'", f"{said.german}: siehe '{kind.example}'"
            ).about(place, field)


def _variable(kind: type[FileSettings], where: Sequence[str]) -> str | None:
    """The environment variable that a field's value came from, if it did."""
    name = prefix_of(kind) + "_".join(where).upper()
    return name if os.environ.get(name) else None


def _hint(kind: type[BaseModel], where: Sequence[str]) -> Sentence:
    """A near name for a misspelt one: beside it, or anywhere in the file."""
    *parents, name = where
    beside = _names(_model_at(kind, parents))
    if near := get_close_matches(name, beside, n=1):
        return meant(near[0])
    # In another section only what is nearer: there are many names.
    everywhere = {full.rpartition(".")[2]: full for full in _all_names(kind, "")}
    if near := get_close_matches(name, everywhere, n=1, cutoff=0.7):
        return meant(everywhere[near[0]])
    if not beside:
        return REMOVE
    known = ", ".join(beside)
    return Sentence(f"known are {known}", f"bekannt sind {known}")


def _names(model: type[BaseModel] | None) -> list[str]:
    if model is None:
        return []
    return [*model.model_fields, *(name + FILE_SUFFIX for name in _secret_fields(model))]


def _all_names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    yield from (prefix + name for name in _names(model))
    for name, field in model.model_fields.items():
        for inner in sections(field.annotation):
            yield from _all_names(inner, f"{prefix}{name}.")


def _without_tags(model: type[BaseModel], where: Sequence[str]) -> list[str]:
    """The place of an error as the file has it: a union's place also holds the kind chosen."""
    found: list[str] = []
    models = [model]
    for step in where:
        fields = [one.model_fields[step] for one in models if step in one.model_fields]
        if fields or not models or step == where[-1]:
            found.append(step)
            models = [inner for field in fields for inner in sections(field.annotation)]
    return found


def _model_at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for step in path:
        field = found.model_fields.get(step) if found is not None else None
        found = next(sections(field.annotation), None) if field is not None else found
    return found
