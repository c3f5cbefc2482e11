"""What Typer itself writes into a help page, in German."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import typer
import typer.main

_WORDS = {
    "ARGUMENTS_PANEL_TITLE": "Angaben",
    "OPTIONS_PANEL_TITLE": "Optionen",
    "COMMANDS_PANEL_TITLE": "Befehle",
    "DEFAULT_STRING": "[sonst: {}]",
    "ENVVAR_STRING": "[Umgebungsvariable: {}]",
    "REQUIRED_LONG_STRING": "[nötig]",
    "DEPRECATED_STRING": "(veraltet) ",
}
"""Typer's own names of what it says."""
_IN_USAGE = (("[OPTIONS]", "[OPTIONEN]"), ("COMMAND [ARGS]...", "BEFEHL …"))


def german_command(app: typer.Typer) -> Any:
    """The application as a command of Typer with German help pages."""
    command = typer.main.get_command(app)
    for one in _all_of(command):
        one.context_class = _german_context(one.context_class)
        one.get_help_option(one.context_class(one)).help = "Diese Hilfe zeigen."
        one.format_help = partial(_german_page, one.format_help)
    return command


def _german_page(format_help: Callable[..., None], *given: Any) -> None:
    """A help page with German titles and marks."""
    from typer import rich_utils  # it takes long to load, and only help pages need it

    before = {name: getattr(rich_utils, name) for name in _WORDS}
    vars(rich_utils).update(_WORDS)
    try:
        format_help(*given)
    finally:
        vars(rich_utils).update(before)


def _all_of(command: Any) -> Iterator[Any]:
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from _all_of(one)


def _german_context(context: Any) -> Any:
    """Its kind of context, whose usage line is German."""

    class GermanFormatter(context.formatter_class):  # type: ignore[misc]
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            for english, german in _IN_USAGE:
                args = args.replace(english, german)
            super().write_usage(prog, args, prefix or "Aufruf: ")

    return type("GermanContext", (context,), {"formatter_class": GermanFormatter})
