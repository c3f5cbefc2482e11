"""Environment variables named ``STADTSINN_…``: one that nothing reads is a mistake."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from stadtsinn.base.sentence import Sentence

PREFIX = "STADTSINN_"
EDGE_PREFIX = f"{PREFIX}EDGE_"

OF_COMMANDS = {
    f"{PREFIX}{name}"
    for name in ("CLOUD_CONFIG", "EDGE_CONFIG", "CLOCK", "DEVICES", "KEY", "CRASH_AT")
}
"""Options of commands, the key in the documentation's examples, and crash points."""
_OF_BOTH = {f"{PREFIX}{name}" for name in ("LOG_LEVEL", "DEVICES")}
"""Names of the cloud that the edge agent has too, with its own prefix."""
REMOVE = Sentence("remove it", "entfernen")
_OF_TESTS = (f"{PREFIX}TEST_", f"{PREFIX}PARTS_CACHE")


def prefix_of(kind: type[BaseSettings]) -> str:
    """What the variables of a configuration begin with."""
    return str(kind.model_config["env_prefix"])


def unread(kind: type[BaseSettings], secrets: Collection[str]) -> Iterator[Sentence]:
    """A sentence for each variable that nothing reads.

    `secrets` are the variables that the configuration names for its secrets. The edge agent and
    the cloud may share an environment: each checks its own variables, and the edge agent those
    that lack its prefix.
    """
    for name in sorted(one.upper() for one in os.environ if one.upper().startswith(PREFIX)):
        if name in OF_COMMANDS or name.startswith(_OF_TESTS) or name in secrets:
            continue
        if _is_own(kind, name):
            if not _is_read(kind, name):
                yield _unread(name, _remedy(kind, name))
            continue
        own = prefix_of(kind) + name.removeprefix(PREFIX)
        if name not in _OF_BOTH and own in _names(kind):
            yield _unread(name, meant(own))


def _is_own(kind: type[BaseSettings], name: str) -> bool:
    """Whether this configuration would have to read a variable of that name."""
    return name.startswith(EDGE_PREFIX) == (prefix_of(kind) == EDGE_PREFIX)


def _is_read(kind: type[BaseSettings], name: str) -> bool:
    """Whether a field has this name, or it lies in a section, which refuses unknown names."""
    wanted = name.removeprefix(prefix_of(kind)).lower()
    return any(
        wanted == field or (wanted.startswith(f"{field}_") and _has_entries(info))
        for field, info in kind.model_fields.items()
    )


def _has_entries(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is dict or any(sections(field.annotation))


def _unread(name: str, remedy: Sentence) -> Sentence:
    return Sentence(
        f"{name}: nothing reads this variable: {remedy.english}",
        f"{name}: diese Variable liest niemand: {remedy.german}",
    )


def meant(name: str) -> Sentence:
    """Asks whether a name that is known was meant."""
    return Sentence(f"did you mean '{name}'?", f"war '{name}' gemeint?")


def _remedy(kind: type[BaseSettings], name: str) -> Sentence:
    own = prefix_of(kind)
    known = [one.removeprefix(own) for one in _names(kind)]
    near = get_close_matches(name.removeprefix(own), known, n=1)
    return meant(own + near[0]) if near else REMOVE


def _names(kind: type[BaseSettings]) -> Iterator[str]:
    """The variables of all fields, and of the fields of all sections."""
    own = prefix_of(kind)
    for field, info in kind.model_fields.items():
        yield own + field.upper()
        for section in sections(info.annotation):
            yield from (f"{own}{field}_{one}".upper() for one in section.model_fields)


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections inside an annotation such as ``Section | None`` or ``tuple[Section, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from sections(inner)
