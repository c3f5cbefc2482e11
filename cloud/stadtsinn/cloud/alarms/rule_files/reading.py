"""Rule files: TOML with `[[rules]]` as a town file has them, and perhaps the `tenant` they are of.

All mistakes of all files are named at once, each with its file, its line and what helps.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stadtsinn.base.bounded_files import LISTS, read_whole
from stadtsinn.base.explaining import explained
from stadtsinn.base.field_errors import field_sentence
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.sentence import Explained, Sentence, Unusable
from stadtsinn.base.text_files import NoText, decoded
from stadtsinn.cloud.alarms.alerts.rule import Rule

_HEADER = re.compile(r"\s*\[\[\s*rules\s*\]\]\s*(?:#.*)?$")
_LINE = re.compile(r"\bline (\d+)")
MOST_FILES = 5_000


class RulesRefused(Explained):
    """Rule files have mistakes; the sentence has a line for each."""


@dataclass(frozen=True)
class FileRule:
    """A rule, and where it stands. `tenant` is None where its file names no town."""

    rule: Rule
    file: Path
    line: int
    tenant: str | None = None

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Mistake:
    """`line` is 0 where a file has none."""

    file: Path
    line: int
    said: Sentence

    @property
    def sentence(self) -> Sentence:
        return self.said.about(f"{self.file}:{self.line}" if self.line else self.file)


def read_folder(folder: Path) -> list[FileRule]:
    """The rules of all ``*.toml`` in a folder and below it, in the order of their names; hidden
    files and folders are passed over. Raises RulesRefused, OSError, and Unusable for
    what is no folder."""
    if not folder.is_dir():
        raise Unusable(
            f"{folder} is no folder: name the one that has the rule files",
            f"{folder} ist kein Ordner: den Ordner mit den Regeldateien nennen",
        )
    found = (one for one in sorted(folder.rglob("*.toml")) if not _is_hidden(one, folder))
    files = [one for one in found if not one.is_dir()]
    for odd in (one for one in files if one.exists() and not one.is_file()):
        raise RulesRefused(
            f"{odd} is no file but a pipe or a device: take it out of the folder",
            f"{odd} ist keine Datei, sondern eine Pipe oder ein Gerät: aus dem Ordner nehmen",
        )
    if not files:
        raise RulesRefused(
            f"{folder} has no rule file: a rule stands in a file NAME.toml under [[rules]]",
            f"{folder} enthält keine Regeldatei: eine Regel steht in einer Datei NAME.toml unter "
            "[[rules]]",
        )
    if len(files) > MOST_FILES:
        # Were some left out, their rules would be taken for removed ones.
        raise RulesRefused(
            f"{folder} has more than {MOST_FILES} rule files: put several rules into one file",
            f"{folder} enthält mehr als {MOST_FILES} Regeldateien: mehrere Regeln in eine Datei "
            "schreiben",
        )
    return read_files(files)


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def read_files(files: Sequence[Path]) -> list[FileRule]:
    """Raises RulesRefused, OSError."""
    mistakes: list[Mistake] = []
    found: list[FileRule] = []
    for file in files:
        found += _read(file, mistakes)
    mistakes += _twice(found)
    if mistakes:
        raise RulesRefused.of(Sentence.joined([one.sentence for one in mistakes], "\n"))
    return found


def _twice(found: Sequence[FileRule]) -> Iterator[Mistake]:
    first: dict[tuple[str | None, str], FileRule] = {}
    for one in found:
        before = first.setdefault((one.tenant, one.rule.slug), one)
        if before is not one:
            slug = one.rule.slug
            yield Mistake(
                one.file,
                one.line,
                Sentence(
                    f"the rule '{slug}' stands in {before.place} already: give one of them another "
                    "'slug'",
                    f"die Regel '{slug}' steht schon in {before.place}: einer von beiden einen "
                    "anderen 'slug' geben",
                ),
            )


def _read(file: Path, mistakes: list[Mistake]) -> list[FileRule]:
    try:
        text = decoded(read_whole(file, LISTS))
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, NoText) as error:
        said = explained(error)
        at = _LINE.search(str(error))
        mistakes.append(Mistake(file, int(at[1]) if at else 0, said))
        return []
    return list(_rules(file, document, _Lines(text, document), mistakes))


class _Lines:
    """Where the rules of a file begin, and where their keys stand."""

    def __init__(self, text: str, document: Mapping[str, Any]) -> None:
        self._lines = text.splitlines()
        found = [number for number, one in enumerate(self._lines, 1) if _HEADER.match(one)]
        rules = document.get("rules")
        # A text of several lines may look like a head: then no line is named, and none wrongly.
        self._heads = found if isinstance(rules, list) and len(rules) == len(found) else []

    def rule(self, number: int) -> int:
        return self._heads[number] if number < len(self._heads) else 0

    def key(self, number: int, key: str) -> int:
        """The line of a rule's key, else the rule's."""
        begin = self.rule(number)
        end = self.rule(number + 1) or len(self._lines) + 1
        if begin and key:
            pattern = re.compile(rf'\s*(?:{re.escape(key)}|"{re.escape(key)}")\s*[.=]')
            for line in range(begin, end - 1):
                if pattern.match(self._lines[line]):
                    return line + 1
        return begin


def _rules(
    file: Path, document: Mapping[str, Any], lines: _Lines, mistakes: list[Mistake]
) -> Iterator[FileRule]:
    tenant = document.get("tenant")
    sections = document.get("rules")
    others = [key for key in document if key not in ("tenant", "rules")]
    mistakes += (Mistake(file, 0, _unknown(key)) for key in others)
    if tenant is not None and not isinstance(tenant, str):
        mistakes.append(Mistake(file, 0, _no_town()))
    if not isinstance(sections, list) or not all(isinstance(one, dict) for one in sections):
        mistakes.append(Mistake(file, 0, _no_rules()))
        return
    for number, section in enumerate(sections):
        try:
            rule = Rule.model_validate(section)
        except ValidationError as error:
            for item in error.errors():
                key = str(item["loc"][0]) if item["loc"] else ""
                said = field_sentence(item).about(".".join(str(part) for part in item["loc"]))
                slug = section.get("slug")
                if isinstance(slug, str):
                    shown = visible(slug)[:63]
                    said = Sentence(
                        f"rule {shown}: {said.english}", f"Regel {shown}: {said.german}"
                    )
                mistakes.append(Mistake(file, lines.key(number, key), said))
        else:
            yield FileRule(rule, file, lines.rule(number), tenant)


def _unknown(key: str) -> Sentence:
    shown = visible(key)[:63]
    return Sentence(
        f"'{shown}' does not belong into a rule file: it has 'tenant' and [[rules]]; all else "
        "stands in the town file",
        f"'{shown}' gehört nicht in eine Regeldatei: sie enthält 'tenant' und [[rules]]; alles "
        "andere steht in der Stadt-Datei",
    )


def _no_town() -> Sentence:
    return Sentence(
        "'tenant' has to be the short name of a town: tenant = \"musterstadt\"",
        "'tenant' muss der Kurzname einer Stadt sein: tenant = \"musterstadt\"",
    )


def _no_rules() -> Sentence:
    return Sentence(
        "there is no rule in it: begin one with a line [[rules]]",
        "es steht keine Regel darin: eine mit der Zeile [[rules]] beginnen",
    )
