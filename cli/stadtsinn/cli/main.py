"""The command `stadtsinn`: imports a subcommand's module when it is called.

No other module is imported, so that `stadtsinn decode` starts fast and a gateway with only some
extras has a command line for them.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import version

import typer

from stadtsinn.base.foreign_text import visible
from stadtsinn.cli.language import german, text


@dataclass(frozen=True)
class Noun:
    """Where a command lives and what it is for. `attribute` is a typer app or a function."""

    module: str
    attribute: str
    english: str
    german: str
    extra: str = "cloud"


NOUNS: dict[str, Noun] = {
    "decode": Noun("decode", "decode", "Decode a payload by hand.", "Nutzdaten dekodieren.", "cli"),
    "decoders": Noun(
        "decoders", "app", "Begin, check, export device files.", "Gerätedateien.", "cli"
    ),
    "edge": Noun(
        "edge", "app", "The agent beside a network server.", "Der Agent am Gateway.", "edge"
    ),
    "cloud": Noun("cloud", "app", "Ingest, followers, API.", "Zentrale: Empfang, Auswertung, API."),
    "archive": Noun(
        "archive",
        "archive",
        "Move old days of the log to Parquet.",
        "Alte Tage des Logs nach Parquet verlagern.",
    ),
    "backup": Noun(
        "backup", "app", "Back up while all runs; verify backups.", "Sichern im Betrieb; prüfen."
    ),
    "restore": Noun("restore", "restore", "Put a backup in place.", "Sicherung zurückspielen."),
    "redecode": Noun(
        "redecode", "redecode", "Decode history again.", "Vergangenes neu dekodieren."
    ),
    "registry": Noun(
        "registry",
        "app",
        "A town's devices, zones and rules.",
        "Geräte, Zonen und Regeln einer Stadt.",
    ),
    "station": Noun(
        "stations", "app", "Where the town measures, and with what.", "Wo die Stadt misst."
    ),
    "device": Noun(
        "devices", "app", "Swap, move and watch devices.", "Geräte tauschen, umsetzen, ansehen."
    ),
    "serial": Noun(
        "serial_sensors", "app", "Set up sensors by cable.", "Sensoren am Kabel.", "firmware"
    ),
    "alert": Noun("alerts", "app", "Open alarms, and mutes.", "Offene Alarme; stumm schalten."),
    "rule": Noun(
        "rules", "app", "When to raise an alarm; tried over the past.", "Wann Alarm ist; Rückblick."
    ),
    "roster": Noun("roster", "app", "Who is on duty, and gaps.", "Wer Dienst hat; Lücken."),
    "zone": Noun("zones", "app", "Persons, permits, market days.", "Personen, Zulassung, Markt."),
    "notify": Noun("notify", "app", "Whether messages arrive.", "Ob Meldungen ankommen."),
    "tree": Noun(
        "trees", "app", "Trees, their register and watering.", "Bäume, ihr Kataster, das Gießen."
    ),
    "parking": Noun("parking", "app", "Parking spaces and lots.", "Stellplätze und Parkplätze."),
    "rain": Noun("rain", "app", "Rain of the last minutes and hours.", "Regensummen."),
    "level": Noun("levels", "app", "Water levels and lakes.", "Pegel und Seen."),
    "edges": Noun("edges", "app", "How the edge agents are.", "Stand der Edge-Agenten."),
    "trace": Noun("trace", "app", "Where a measurement got stuck.", "Wo eine Messung blieb."),
    "tenant": Noun("tenants", "app", "Towns on this installation.", "Städte verwalten."),
    "personal": Noun(
        "personal", "app", "Where a person is named; erase it.", "Wo jemand genannt ist; löschen."
    ),
    "privacy": Noun(
        "privacy",
        "privacy",
        "What is kept where, how long and why.",
        "Was wo, wie lange und wozu aufbewahrt wird.",
    ),
    "key": Noun("keys", "app", "API keys.", "API-Schlüssel verwalten."),
    "ca": Noun(
        "ca", "app", "Certificates for the broker and edges.", "Zertifikate für Broker und Agenten."
    ),
    "broker": Noun("broker", "app", "The town's own Mosquitto.", "Mosquitto der Stadt."),
    "replay": Noun(
        "replay", "replay", "Send recorded events through.", "Aufgezeichnete Ereignisse abspielen."
    ),
    "demo": Noun("demo", "demo", "A market day in Musterstadt.", "Ein Markttag in Musterstadt."),
}


_HARMLESS = ("list", "show", "status", "check", "find")
"""Commands that are the example of their group."""


def run() -> None:
    """Entry point of the command; Ctrl-C ends it without a traceback."""
    try:
        _dispatch(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)


def _dispatch(arguments: list[str]) -> None:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_overview())
    elif arguments[0] == "--version":
        print(f"stadtsinn {version('stadtsinn')}")
    elif arguments[0] in NOUNS:
        _call(arguments[0], arguments[1:])
    else:
        _refuse(arguments[0])


def _overview() -> str:
    lines = [
        text("Usage: stadtsinn COMMAND …", "Aufruf: stadtsinn BEFEHL …"),
        "",
        *(f"  {name:<10}{text(noun.english, noun.german)}" for name, noun in NOUNS.items()),
        "",
        text(
            "'stadtsinn COMMAND --help' explains a command. Example:",
            "'stadtsinn BEFEHL --help' erklärt mehr. Beispiel:",
        ),
        "  stadtsinn decode dragino/lse01 --f-port 2 CE2900F107A5099B6E2890",
    ]
    return "\n".join(lines)


def _call(name: str, arguments: list[str]) -> None:
    """Commands import what they need as they go: a package may be missing at any point."""
    try:
        _run(_load(name), arguments, f"stadtsinn {name}")
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "stadtsinn":
            raise
        extra, lacks = NOUNS[name].extra, missing.name
        sys.exit(
            text(
                f"'{name}' needs the extra '{extra}' ({lacks} is missing): install stadtsinn again "
                f"with 'cli,{extra}' in the brackets, e.g. pip install '.[cli,{extra}]' in a "
                "checkout (docs/install.md)",
                f"'{name}' braucht das Extra '{extra}' ({lacks} fehlt): stadtsinn noch einmal mit "
                f"'cli,{extra}' in den Klammern installieren, z. B. pip install '.[cli,{extra}]' "
                "im Quellordner (docs/install.md)",
            )
        )


def _run(app: typer.Typer, arguments: list[str], name: str) -> None:
    if german():
        from stadtsinn.cli.usage_errors import run_in_german

        run_in_german(app, arguments, name)
    else:
        app(args=arguments, prog_name=name)


def _load(name: str) -> typer.Typer:
    noun = NOUNS[name]
    module = importlib.import_module(f"stadtsinn.cli.{noun.module}")
    target = getattr(module, noun.attribute)
    if isinstance(target, typer.Typer):
        _end_with_example(target)
        return target
    app = typer.Typer(add_completion=False)
    app.command(name=name, help=getattr(module, "HELP", None))(target)
    return app


def _end_with_example(app: typer.Typer) -> None:
    """The help of a group of commands ends, as that of each command, with an example: that of one
    which changes nothing, where it has one."""
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _end_with_example(group.typer_instance)
    named = [
        (one.name or getattr(one.callback, "__name__", ""), one.help or "")
        for one in app.registered_commands
    ]
    if named:
        said = next((words for name, words in named if name in _HARMLESS), named[0][1])
        app.info.epilog = said[said.find(text("Example: ", "Beispiel: ")) :]


def _refuse(name: str) -> None:
    near = get_close_matches(name, NOUNS, n=1)
    hint = text(f" Did you mean '{near[0]}'?", f" War '{near[0]}' gemeint?") if near else ""
    name = visible(name)
    print(
        text(f"unknown command '{name}'.", f"unbekannter Befehl '{name}'.") + hint,
        _overview(),
        sep="\n",
        file=sys.stderr,
    )
    sys.exit(2)
