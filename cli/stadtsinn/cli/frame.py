"""How commands end when something is wrong: a sentence on stderr, or JSON, and an exit code."""

from __future__ import annotations

from typing import NoReturn

import typer

from stadtsinn.cli.language import in_words, text
from stadtsinn.cli.output import print_json, say

FAILED = 1
"""The data, or something on this machine, does not allow it, or nothing was found."""
BAD_USAGE = 2
"""What was asked or configured must be changed first."""
_WRONG_PATH = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


def refuse(what: str | BaseException, code: int | None = None) -> NoReturn:
    """``error: …`` in the reader's language. Without a code the error's own, else `BAD_USAGE`."""
    from stadtsinn.base.logs import mask_text

    if isinstance(what, BaseException):
        message, usual = mask_text(in_words(what)), code_of(what)
    else:
        message, usual = what, BAD_USAGE
    end(text(f"error: {message}", f"Fehler: {message}"), usual if code is None else code)


def code_of(error: BaseException) -> int:
    """What cannot be used as it was given is bad usage (ValueError, with that `Unusable` and
    SettingsError; a path at which there is no such file); any other error is a failure."""
    return BAD_USAGE if isinstance(error, (ValueError, *_WRONG_PATH)) else FAILED


def end(message: str, code: int = BAD_USAGE) -> NoReturn:
    """The message as it is."""
    say(message, error=True)
    raise typer.Exit(code) from None


def end_in_json(document: dict[str, object], code: int) -> NoReturn:
    """For ``--json``: the error is an answer, on stdout."""
    print_json(document)
    raise typer.Exit(code) from None
