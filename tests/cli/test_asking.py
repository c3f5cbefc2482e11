"""Questions to the person at the terminal, in both languages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from stadtsinn.cli import asking
from stadtsinn.cli.asking import asked, confirmed

QUESTIONS = typer.Typer()


@QUESTIONS.command()
def question() -> None:
    typer.echo(f"yes={confirmed('Ändern?')}")


@QUESTIONS.command()
def name() -> None:
    typer.echo(f"name={asked('Name')}")


def answer(locale: str, *given: str) -> tuple[str, str]:
    """The last line on stdout, and what is asked on stderr."""
    lines = "".join(f"{one}\n" for one in given)
    result = CliRunner().invoke(QUESTIONS, ["question"], input=lines, env={"LC_ALL": locale})
    return result.stdout.splitlines()[-1], result.stderr


@pytest.mark.parametrize("locale", ["de_DE.UTF-8", "C.UTF-8"])
@pytest.mark.parametrize(
    ("typed", "yes"),
    [
        *((one, True) for one in ("j", "J", "ja", "Ja", " ja ", "y", "yes", "YES")),
        *((one, False) for one in ("", " ", "n", "N", "nein", "no")),
    ],
)
def test_yes_and_no_of_both_languages(locale: str, typed: str, yes: bool) -> None:
    assert answer(locale, typed)[0] == f"yes={yes}"


@pytest.mark.parametrize(
    ("locale", "choice", "again"),
    [
        ("de_DE.UTF-8", "Ändern? [j/N]:", "Mit j oder n antworten.\n"),
        ("C.UTF-8", "Ändern? [y/N]:", "Answer y or n.\n"),
    ],
)
def test_another_answer_is_neither(locale: str, choice: str, again: str) -> None:
    """Asked again; the question is in stderr, so that an answer for programs stays one."""
    said, put = answer(locale, "jain", "1", "ja")
    assert said == "yes=True"
    assert put.count(choice) == 3
    assert put.count(again) == 2


def test_nobody_there_is_no_yes() -> None:
    result = CliRunner().invoke(QUESTIONS, ["question"], input="")
    assert result.exit_code == 1
    assert "yes=" not in result.stdout


def test_a_question_is_answered_in_stdin_and_put_in_stderr() -> None:
    result = CliRunner().invoke(QUESTIONS, ["name"], input="Erika\n")
    assert result.stdout.splitlines()[-1] == "name=Erika"
    assert "Name:" not in result.stdout
    assert "Name:" in result.stderr


def test_commands_ask_by_this_module_alone() -> None:
    """What Typer asks by itself is in English."""
    folder = Path(asking.__file__).parent
    found = [
        f"{path.name}:{node.lineno}"
        for path in folder.glob("*.py")
        if path.name != "asking.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        if ast.unparse(node.func) in {"typer.confirm", "typer.prompt", "input", "getpass.getpass"}
    ]
    assert found == []
