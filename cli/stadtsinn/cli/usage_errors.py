"""What Typer says of a wrong call, in German where the reader's language is.

Typer builds its sentences in English. Here they are turned into German as they come out; one that
is not known, of a newer Typer, stays as it is.
"""

from __future__ import annotations

import re
import sys

import typer

from stadtsinn.cli.german_help import german_command
from stadtsinn.cli.output import say

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""Of every wrong call. Typer gives it no public name."""

_PHRASES = (
    (r"^Missing argument (.+?)\.(?=\s|$)", r"Die Angabe \1 fehlt."),
    (r"^Missing (?:option|parameter) (.+?)\.(?=\s|$)", r"Die Option \1 fehlt."),
    (r"^Missing command\.", "Der Befehl fehlt."),
    (r"^No such option: (\S+)", r"Die Option \1 gibt es nicht."),
    (r"\(Possible options: (.+)\)$", r"Gemeint vielleicht: \1"),
    (r"^No such command (.+?)\.(?=\s|$)", r"Den Befehl \1 gibt es nicht."),
    (r"Did you mean (.+)\?$", r"Gemeint vielleicht: \1"),
    (r"^Option (.+) does not take a value\.$", r"Zur Option \1 gehört kein Wert."),
    (r"^Option (.+) requires an argument\.$", r"Zur Option \1 gehört ein Wert."),
    (r"^Option (.+) requires (\d+) arguments\.$", r"Zur Option \1 gehören \2 Werte."),
    (r"^Argument (.+) takes (\d+) values\.$", r"Zur Angabe \1 gehören \2 Werte."),
    (r"^Got unexpected extra arguments?(?:\(s\))? \((.*)\)$", r"Zu viel angegeben: \1"),
    (r"^Invalid value for (.+?): ", r"\1 ist so nicht möglich: "),
    (r"^Invalid value: ", "So nicht möglich: "),
    (r"Input should be a valid integer.*", "eine ganze Zahl angeben"),
    (r"Input should be a valid number.*", "eine Zahl angeben"),
    (r"Input should be a valid boolean.*", "true oder false angeben"),
    (r"Input should be a valid UUID.*", "eine UUID angeben"),
    (r"Input should be greater than or equal to (\S+)$", r"mindestens \1 angeben"),
    (r"Input should be less than or equal to (\S+)$", r"höchstens \1 angeben"),
    (r"Input should be greater than (\S+)$", r"mehr als \1 angeben"),
    (r"Input should be less than (\S+)$", r"weniger als \1 angeben"),
    (r"Input should be ('.*') or ('.*')$", r"\1 oder \2 angeben"),
    (r"Input should be ('[^']*')$", r"\1 angeben"),
    (r"Value error, ", ""),
    (r"('.*') is not one of (.+)\.$", r"\1 gibt es nicht. Möglich: \2"),
    (r"('.*') does not match the formats? (.+)\.$", r"\1 passt nicht. Möglich: \2"),
    (r"Choose from:\s+", "Möglich: "),
    (r"(?:[Pp]ath|[Ff]ile|[Dd]irectory) (.+) does not exist\.$", r"\1 gibt es nicht."),
    (r"(?:[Pp]ath|[Ff]ile|[Dd]irectory) (.+) is a directory\.$", r"\1 ist ein Ordner."),
    (r"(?:[Pp]ath|[Ff]ile|[Dd]irectory) (.+) is a file\.$", r"\1 ist eine Datei."),
    (r"(?:[Pp]ath|[Ff]ile|[Dd]irectory) (.+) is not readable\.$", r"\1 ist nicht lesbar."),
    (r"(?:[Pp]ath|[Ff]ile|[Dd]irectory) (.+) is not writable\.$", r"\1 ist nicht beschreibbar."),
)


def run_in_german(app: typer.Typer, arguments: list[str], name: str) -> None:
    """Run a command; what Typer would say of a wrong call is said in German."""
    try:
        code = german_command(app).main(args=arguments, prog_name=name, standalone_mode=False)
    except UsageError as error:
        _say(error)
        sys.exit(2)
    except typer.Abort:
        say("Abgebrochen.", error=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def in_german(said: str) -> str:
    """A sentence of Typer."""
    for english, german in _PHRASES:
        said = re.sub(english, german, said)
    return said


def _say(error: Exception) -> None:
    said = error.format_message()  # type: ignore[attr-defined]
    if not said:  # a group without a command: its help was shown
        return
    context = getattr(error, "ctx", None)
    if context is not None:
        say(context.get_usage(), error=True)
    say(f"Fehler: {in_german(said)}", error=True)
    if context is not None:
        say(f"'{context.command_path} --help' erklärt den Aufruf.", error=True)
