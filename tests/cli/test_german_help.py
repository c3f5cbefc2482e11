"""Every help page is German under a German locale, what Typer writes itself included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest
from typer.testing import CliRunner

from stadtsinn.cli import main
from stadtsinn.cli.german_help import german_command

TYPERS_OWN = ("Usage:", "Options", "Arguments", "Commands", "Show this", "[default", "[required")
TYPERS_OWN_TOO = ("env var", "[OPTIONS]", "COMMAND", "[ARGS]")


def _pages(command: Any, path: list[str]) -> Iterator[list[str]]:
    yield path
    for name, one in getattr(command, "commands", {}).items():
        yield from _pages(one, [*path, name])


@pytest.mark.parametrize("noun", main.NOUNS)
def test_typer_writes_german(noun: str) -> None:
    command = german_command(main._load(noun))
    for path in _pages(command, []):
        page = _help(command, path)
        found = [word for word in (*TYPERS_OWN, *TYPERS_OWN_TOO) if word in page]
        assert not found, f"{noun} {' '.join(path)}: {found}\n{page}"
        assert "Diese Hilfe zeigen." in page
        assert "Example: stadtsinn" in page or "Beispiel: stadtsinn" in page


def test_english_pages_stay_as_they_are() -> None:
    _help(german_command(main._load("decode")), [])
    page = CliRunner().invoke(main._load("decode"), ["--help"], env={"COLUMNS": "100"}).output
    assert "Usage:" in page
    assert "Show this message and exit." in page
    assert "Options" in page


def _help(command: Any, path: list[str]) -> str:
    said = StringIO()
    with redirect_stdout(said):
        command.main(args=[*path, "--help"], prog_name="stadtsinn", standalone_mode=False)
    return said.getvalue()
