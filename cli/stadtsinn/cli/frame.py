"""How commands end when something is wrong: a sentence on stderr, or JSON, and an exit code."""

from __future__ import annotations

from typing import NoReturn

import typer

from stadtsinn.cli.language import text
from stadtsinn.cli.output import print_json, say

FAILED = 1
"""The data, or something on this machine, does not allow it."""
BAD_USAGE = 2
"""What was asked or configured must be changed first."""


def refuse(message: str, code: int = BAD_USAGE) -> NoReturn:
    """``error: …`` in the reader's language."""
    end(text(f"error: {message}", f"Fehler: {message}"), code)


def end(message: str, code: int = BAD_USAGE) -> NoReturn:
    """The message as it is."""
    say(message, error=True)
    raise typer.Exit(code) from None


def end_in_json(document: dict[str, object], code: int) -> NoReturn:
    """For ``--json``: the error is an answer, on stdout."""
    print_json(document)
    raise typer.Exit(code) from None
