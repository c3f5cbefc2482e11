"""What is wrong with a town file, in words that name the section and the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

_KEYS = ("slug", "dev_eui", "id")


@dataclass(frozen=True)
class Refusal:
    """What the registry objects to. `at` names the section, e.g. ``device 70b3d57ed0001234``."""

    at: str
    said: str

    def __str__(self) -> str:
        return f"{self.at}: {self.said}"


class TownRefused(ValueError):
    """The town file has an error; the message names the section and the remedy.

    `problems` has them one by one where the registry refused; `german` says the same in German, as
    far as it is translated.
    """

    def __init__(self, message: str, problems: Sequence[Refusal] = (), *, german: str = "") -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.german = german or message


def wrong_values(model: type[BaseModel], document: object, error: ValidationError) -> str:
    """All errors of a document, each with its section. No value of the document is quoted,
    except the names of its sections."""
    return "; ".join(_sentence(model, document, item) for item in error.errors())


def _sentence(model: type[BaseModel], document: object, item: Any) -> str:
    sections, known, keys = _walk(model, document, item["loc"])
    said = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        near = get_close_matches(keys[-1], known, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."
        said = f"unknown key. {hint}"
    where = ", ".join(sections)
    key = ".".join(keys)
    return ": ".join(part for part in (where, key, said) if part)


def _walk(
    model: type[BaseModel] | None, document: Any, location: tuple[int | str, ...]
) -> tuple[list[str], list[str], list[str]]:
    """The sections an error lies in, the keys that the innermost knows, and the wrong key."""
    sections: list[str] = []
    known = list(model.model_fields) if model else []
    rest = list(location)
    while len(rest) >= 2 and isinstance(rest[1], int):
        name, number = str(rest[0]), int(rest[1])
        items = document.get(name) if isinstance(document, Mapping) else None
        document = items[number] if isinstance(items, list | tuple) else None
        sections.append(f"{name.removesuffix('s')} {_called(document, number)}")
        model = _section(model, name)
        known = list(model.model_fields) if model else []
        rest = rest[2:]
    return sections, known, [str(part) for part in rest]


def _called(section: object, number: int) -> str:
    """How a section is called: by its key, else by its number."""
    if isinstance(section, Mapping):
        for key in _KEYS:
            if isinstance(section.get(key), str):
                return str(section[key])
    return str(number + 1)


def _section(model: type[BaseModel] | None, name: str) -> type[BaseModel] | None:
    """The model of the items of a field."""
    if model is None or name not in model.model_fields:
        return None
    return _model_in(model.model_fields[name].annotation)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
