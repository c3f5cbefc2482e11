"""A wrong call is answered in German under a German locale, whatever is wrong with it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
import typer

from stadtsinn.cli import main
from stadtsinn.cli.usage_errors import run_in_german

ENGLISH = ("Usage", "Error", "Missing", "No such", "Try", "Invalid", "Input", "Got ", "requires")
ENGLISH_TOO = ("Option '", "does not", "Did you", "Possible", "Choose", "unexpected", "should")

app = typer.Typer(add_completion=False)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@app.command()
def paint(
    wall: Annotated[str, typer.Argument()],
    coats: Annotated[int, typer.Option("--coats", min=1, max=9)],
    size: Annotated[float, typer.Option("--size")] = 1.0,
    colour: Annotated[Colour, typer.Option("--colour")] = Colour.RED,
    pot: Annotated[Path | None, typer.Option("--pot", exists=True, dir_okay=False)] = None,
    corner: Annotated[tuple[int, int], typer.Option("--corner")] = (0, 0),
    *,
    dry: Annotated[bool, typer.Option("--dry")] = False,
) -> None:
    """Paint a wall."""
    if dry:
        raise typer.Exit(3)
    if size > 100:
        raise typer.Abort


@app.command()
def wash() -> None:
    """Wash a wall."""


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("paint", "Die Angabe 'wall' fehlt."),
        ("paint north", "Die Option '--coats' fehlt."),
        ("paint north --coat 1", "Die Option --coat gibt es nicht. Gemeint vielleicht: --coats"),
        ("paint north --xyz", "Die Option --xyz gibt es nicht."),
        ("paint north --coats", "Zur Option '--coats' gehört ein Wert."),
        ("paint north --corner 1", "Zur Option '--corner' gehören 2 Werte."),
        ("paint north --dry=1", "Zur Option '--dry' gehört kein Wert."),
        ("paint north --coats x", "'--coats' ist so nicht möglich: eine ganze Zahl angeben"),
        ("paint north --coats 0", "mindestens 1"),
        ("paint north --coats 10", "höchstens 9"),
        ("paint north --coats 1 --size x", "'--size' ist so nicht möglich: eine Zahl angeben"),
        ("paint north --coats 1 --colour green", "'green' gibt es nicht. Möglich: 'red', 'blue'"),
        ("paint north --coats 1 --pot /no/such", "'/no/such' gibt es nicht."),
        ("paint north --coats 1 --pot /", "'/' ist ein Ordner."),
        ("paint north --coats 1 south", "Zu viel angegeben: south"),
        ("pain", "Den Befehl 'pain' gibt es nicht. Gemeint vielleicht: 'paint'"),
        ("xyz", "Den Befehl 'xyz' gibt es nicht."),
    ],
)
def test_every_wrong_call(call: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_in_german(app, call.split(), "wall")
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert shown.out == ""
    assert said in shown.err
    assert shown.err.startswith(("Aufruf: wall", "Fehler: "))
    assert [one for one in (*ENGLISH, *ENGLISH_TOO) if one in shown.err.replace(said, "")] == []


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("paint north --coats 1", 0),
        ("paint north --coats 1 --dry", 3),
        ("paint north --coats 1 --size 101", 1),
    ],
)
def test_other_ends_are_as_they_were(call: str, code: int) -> None:
    with pytest.raises(SystemExit) as ended:
        run_in_german(app, call.split(), "wall")
    assert ended.value.code == code


@pytest.mark.parametrize(("locale", "said"), [("de_DE.UTF-8", "Fehler: "), ("C.UTF-8", "Error")])
def test_the_locale_decides(
    locale: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    with pytest.raises(SystemExit) as ended:
        main._call("decode", ["--nix"])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
