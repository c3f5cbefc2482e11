"""What is wrong with a town file, in words that name the section and the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self, get_args

from pydantic import BaseModel, ValidationError

from stadtsinn.base.field_errors import field_sentence
from stadtsinn.base.sentence import Explained, Sentence
from stadtsinn.cloud.platform.nouns import in_german

_KEYS = ("slug", "dev_eui", "id")


@dataclass(frozen=True)
class Refusal:
    """What the registry objects to. `at` names the section, e.g. ``device 70b3d57ed0001234``."""

    at: str
    said: Sentence

    @property
    def sentence(self) -> Sentence:
        return Sentence(
            f"{self.at}: {self.said.english}", f"{in_german(self.at)}: {self.said.german}"
        )


class TownRefused(Explained):
    """The town file has an error; the sentence names the section and the remedy.

    `problems` has them one by one where the registry refused.
    """

    problems: tuple[Refusal, ...] = ()

    @classmethod
    def by_registry(cls, problems: Sequence[Refusal]) -> Self:
        """With all that the registry objects to, a line for each."""
        refused = cls.of(Sentence.joined([one.sentence for one in problems], "\n"))
        refused.problems = tuple(problems)
        return refused


def wrong_values(model: type[BaseModel], document: object, error: ValidationError) -> Sentence:
    """All errors of a document, each with its section. No value of the document is quoted,
    except the names of its sections."""
    return Sentence.joined((_sentence(model, document, item) for item in error.errors()), "; ")


def _sentence(model: type[BaseModel], document: object, item: Any) -> Sentence:
    sections, known, keys = _walk(model, document, item["loc"])
    said = field_sentence(item)
    if item["type"] == "extra_forbidden":
        said = _unknown_key(keys[-1], known)
    where, key = ", ".join(sections), ".".join(keys)
    said = said.about(key)
    if not where:
        return said
    return Sentence(f"{where}: {said.english}", f"{in_german(where)}: {said.german}")


def _unknown_key(key: str, known: Sequence[str]) -> Sentence:
    if near := get_close_matches(key, known, n=1):
        return Sentence(
            f"unknown key. Did you mean '{near[0]}'?",
            f"unbekannter Schlüssel. War '{near[0]}' gemeint?",
        )
    names = ", ".join(known)
    return Sentence(f"unknown key. Known: {names}.", f"unbekannter Schlüssel. Bekannt: {names}.")


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
