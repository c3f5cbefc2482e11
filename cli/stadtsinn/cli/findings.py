"""What a check found: faults, which end it with an exit code, and warnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import typer

from stadtsinn.cli.frame import FAILED
from stadtsinn.cli.language import text
from stadtsinn.cli.output import say


@dataclass(frozen=True)
class Finding:
    """A sentence with its remedy. `code`: with which the command ends; 0: only a warning."""

    words: str
    code: int = FAILED


def warning(words: str) -> Finding:
    return Finding(words, 0)


def report(findings: Iterable[Finding]) -> int:
    """Print them on stderr, the same one once; the exit code that they ask for, 0 for none."""
    code = 0
    for one in dict.fromkeys(findings):
        label = text("fault", "Fehler") if one.code else text("warning", "Warnung")
        say(f"{label}: {one.words}", error=True)
        code = max(code, one.code)
    return code


def end_with(code: int) -> None:
    """End the command where something is wrong."""
    if code:
        raise typer.Exit(code)
