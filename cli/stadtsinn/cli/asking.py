"""Questions to the person at the terminal. They go to stderr: stdout is for answers of commands."""

from __future__ import annotations

import typer

from stadtsinn.cli.language import text
from stadtsinn.cli.output import say

_YES = frozenset({"j", "ja", "y", "yes"})
_NO = frozenset({"", "n", "nein", "no"})


def asked(question: str) -> str:
    """What the person types; empty where it is only Enter."""
    typed: str = typer.prompt(question, default="", show_default=False, err=True)
    return typed.strip()


def asked_secretly(question: str) -> str:
    """The same, without showing what is typed."""
    typed: str = typer.prompt(question, default="", show_default=False, hide_input=True, err=True)
    return typed.strip()


def confirmed(question: str) -> bool:
    """Whether the person says yes, in either language; Enter alone is a no."""
    while True:
        said = asked(f"{question} {text('[y/N]', '[j/N]')}").lower()
        if said in _YES | _NO:
            return said in _YES
        say(text("Answer y or n.", "Mit j oder n antworten."), error=True)
