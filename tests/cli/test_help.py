"""Help says what it was written to say: no word in brackets is taken for the terminal's markup."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

RENDER_ALL = """
import json
from typer.main import get_command
from typer.testing import CliRunner
from stadtsinn.cli import main

def walk(command, path=()):
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, (*path, name))

for noun in main.NOUNS:
    app = main._load(noun)
    for path, command in walk(get_command(app)):
        texts = [command.help, *(getattr(one, "help", None) for one in command.params)]
        written = " ".join(text or "" for text in texts).replace("\\\\[", "[")
        shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "300"}).stdout
        lost = [word for word in written.split() if "[" in word and word not in shown]
        print(json.dumps({"command": [noun, *path], "lost": lost, "shown": "[limits]" in shown}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("language", ["C.UTF-8", "de_DE.UTF-8"])
def test_no_help_loses_a_word_in_brackets(language: str) -> None:
    """The language of a help is settled when its module is imported, so in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", RENDER_ALL],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin", "LC_ALL": language, "PYTHONPATH": ":".join(sys.path)},
    )
    helps = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(helps) > 40
    assert [one for one in helps if one["lost"]] == []
    assert ["tenant", "limit"] in [one["command"] for one in helps if one["shown"]]
