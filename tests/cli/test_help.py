"""Help says what it was written to say, in both languages: no word in brackets is taken for the
terminal's markup."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

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
        said = {"command": [noun, *path], "texts": texts, "lost": lost}
        print(json.dumps({**said, "shown": "[limits]" in shown}))
"""
SAME = {"DevEUI.", "vendor/device"}
"""What is the same word in both languages."""


def _helps(language: str) -> list[dict[str, Any]]:
    """The language of a help is settled when its module is imported, so in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", RENDER_ALL],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin", "LC_ALL": language, "PYTHONPATH": ":".join(sys.path)},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_every_help_is_there_in_both_languages_and_loses_no_word_in_brackets() -> None:
    english, german = _helps("C.UTF-8"), _helps("de_DE.UTF-8")
    assert len(english) == len(german) > 40
    for one, other in zip(english, german, strict=True):
        assert one["command"] == other["command"]
        assert one["lost"] == other["lost"] == []
        for text, translated in zip(one["texts"], other["texts"], strict=True):
            assert text != translated or not text or text in SAME, (one["command"], text)
    for helps in (english, german):
        assert ["tenant", "limit"] in [one["command"] for one in helps if one["shown"]]
