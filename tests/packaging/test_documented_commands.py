"""Every `stadtsinn …` that a page tells people to type exists, with each of its options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from stadtsinn.cli.main import NOUNS, _load

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path
    for path in sorted(
        [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("hardware/**/*.md")]
    )
    if path.name != "CHANGELOG.md"
]
_BLOCK = re.compile(
    r"^```(?:sh|console)?\n(.*?)^```|^ {4}(stadtsinn .*\n)", re.MULTILINE | re.DOTALL
)
_ENDS_A_COMMAND = {"|", ">", ">>", "<", "2>", "&&", "||", ";", "&"}


def commands_of(page: Path) -> Iterator[list[str]]:
    """The words after `stadtsinn` of each command in the page's blocks."""
    for fenced, indented in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in (fenced or indented).replace("\\\n", " ").splitlines():
            yield from _commands_in(line.removeprefix("$ "))


def _commands_in(line: str) -> Iterator[list[str]]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # a line of output with an apostrophe
        return
    for index, word in enumerate(words):
        before = words[index - 1] if index else ""
        if word.rpartition("/")[2] != "stadtsinn" or not _begins(words[:index]):
            continue
        rest = words[index + 1 :]
        end = next((n for n, one in enumerate(rest) if one in _ENDS_A_COMMAND), len(rest))
        if before != "-n":
            yield [one.rstrip(";)") for one in rest[:end]]


def _begins(before: list[str]) -> bool:
    """Whether a command may begin after these words."""
    return (
        not before
        or before[-1] in {*_ENDS_A_COMMAND, "--", "sudo", "exec"}
        or ("=" in before[-1] and len(before) == 1)
    )


def fault(words: list[str]) -> str | None:
    """What of a command does not exist."""
    if not words or words[0].startswith("-") or words[0] == "…":
        return None
    if words[0] not in NOUNS:
        return f"no command '{words[0]}'"
    command: Any = typer.main.get_command(_load(words[0]))
    rest = words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands and "make" in command.commands:
            rest = ["make", *rest]  # 'stadtsinn backup FOLDER'
        if rest[0] not in command.commands:
            return f"no command '{words[0]} {rest[0]}'"
        command, rest = command.commands[rest[0]], rest[1:]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    asked = [one.partition("=")[0] for one in rest if re.match(r"--?[a-z]", one)]
    unknown = [one for one in asked if one not in known | {"--help"}]
    return f"'{' '.join(words)}' has no {', '.join(unknown)}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_names_commands_that_exist(page: Path) -> None:
    assert [found for words in commands_of(page) if (found := fault(words))] == []


def test_commands_are_found_and_told_apart() -> None:
    lines = [
        "runuser -u stadtsinn -- /opt/stadtsinn/current/bin/stadtsinn edge check --connect",
        "stadtsinn ca create --name 'Stadt' && stadtsinn ca server mqtt.example  # once",
        "useradd --system stadtsinn",
        "LC_ALL=C stadtsinn tenant list > towns",
    ]
    found = [words for line in lines for words in _commands_in(line)]
    assert found == [
        ["edge", "check", "--connect"],
        ["ca", "create", "--name", "Stadt"],
        ["ca", "server", "mqtt.example"],
        ["tenant", "list"],
    ]
    assert sum(1 for page in PAGES for _ in commands_of(page)) > 60
    assert fault(["edge", "chek"]) == "no command 'edge chek'"
    assert fault(["edge", "check", "--conect"]) == "'edge check --conect' has no --conect"
