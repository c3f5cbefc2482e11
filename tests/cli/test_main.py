"""The command line as a whole: overview, help, missing extras."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from installed_command import command
from stadtsinn.cli import main

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = sorted(
    {
        tuple(line.split()[1:])
        for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
        for line in block.splitlines()
        if line.startswith("stadtsinn ")
    }
)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(arguments),
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin", "LANG": "C.UTF-8", **environment},
    )


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_the_overview_lists_every_noun(arguments: tuple[str, ...]) -> None:
    """Help comes without importing any noun's code."""
    said = run(*arguments)
    assert said.returncode == 0
    assert all(f"  {noun}" in said.stdout for noun in main.NOUNS)


def test_the_overview_is_german_by_locale() -> None:
    """The overview is in the language of the locale."""
    assert "Aufruf" in run(LC_ALL="de_DE.UTF-8").stdout


def test_an_unknown_noun_names_a_near_one() -> None:
    """Bad usage ends with code 2."""
    said = run("dmo")
    assert said.returncode == 2
    assert "Did you mean 'demo'?" in said.stderr


@pytest.mark.sweep
@pytest.mark.parametrize("noun", main.NOUNS)
def test_every_noun_has_help_with_an_example(noun: str) -> None:
    """The module that the table names exists and explains itself."""
    said = run(noun, "--help")
    assert said.returncode == 0, said.stderr
    assert "Usage" in said.stdout


@pytest.mark.parametrize("noun", main.NOUNS)
def test_a_missing_extra_is_a_sentence(monkeypatch: pytest.MonkeyPatch, noun: str) -> None:
    """Also where a command finds out only while it runs, as all do that import late."""
    app = typer.Typer()
    app.command()(lambda: importlib.import_module("a_package_that_is_missing"))
    monkeypatch.setattr(main, "_load", lambda _: app)
    monkeypatch.setenv("LC_ALL", "C")
    with pytest.raises(SystemExit, match=rf"'{noun}' needs the extra .*a_package_that_is_missing"):
        main._dispatch([noun])


def test_a_missing_part_of_stadtsinn_itself_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """No extra would bring it."""
    monkeypatch.setitem(sys.modules, "stadtsinn.cli.keys", None)
    with pytest.raises(ModuleNotFoundError):
        main._dispatch(["key"])


def test_the_readme_shows_commands() -> None:
    """The next test finds commands at all."""
    assert len(COMMANDS) > 8


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_readmes_commands_and_options_exist(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command of the README is known, with every option it is given."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LC_ALL", "C")
    path = [word for word in words[:2] if re.fullmatch(r"[a-z][a-z-]*", word)]
    with pytest.raises(SystemExit) as ended:
        main._dispatch([*path, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    options = [word for word in words if word.startswith("--")]
    missing = [option for option in options if option.rstrip(",") not in said]
    assert missing == []
