"""`stadtsinn replay`: recorded events through broker, edge agent and cloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.language import text
from stadtsinn.cli.output import print_json, print_table, progress_bar, say
from stadtsinn.cli.stage_options import cache_folder, errors_as_sentences, stage_folder

if TYPE_CHECKING:
    from stadtsinn.cloud.town_file.model import Town
    from stadtsinn.simulator.replay.replay import DeviceResult, LatestValue, Result


def replay(
    file: Annotated[
        Path,
        typer.Argument(
            help=text("Recording (JSON lines).", "Aufzeichnung (JSON-Zeilen)."),
            exists=True,
            dir_okay=False,
        ),
    ],
    speed: Annotated[
        str,
        typer.Option(
            help=text("Times real time, or 'max'.", "Vielfaches der Echtzeit oder 'max'.")
        ),
    ] = "max",
    store: Annotated[
        str | None,
        typer.Option(
            help=text(
                "Series store, e.g. influxdb://localhost:8086; embedded by default.",
                "Zeitreihenspeicher, z. B. influxdb://localhost:8086; sonst eingebettet.",
            )
        ),
    ] = None,
    town: Annotated[
        Path | None,
        typer.Option(
            help=text(
                "Town file with the devices; else types come from tags and profile names.",
                "Stadtdatei mit den Geräten; sonst gelten Tags und Profilnamen.",
            )
        ),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=text(
                "Network server's format, e.g. the_things_stack; by the topics otherwise.",
                "Format des Netzwerkservers, z. B. the_things_stack; sonst sagen es die Topics.",
            ),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    folder: Annotated[
        Path | None, typer.Option(help=text("Keep all files here.", "Alle Dateien hier behalten."))
    ] = None,
) -> None:
    """Send a network server's recorded events through broker, edge agent and cloud.

    Example: stadtsinn replay events.jsonl --speed max
    """
    from stadtsinn.simulator.replay.replay import Options
    from stadtsinn.simulator.replay.replay import replay as play

    with errors_as_sentences("replay", as_json), stage_folder(folder) as place:
        options = Options(_speed(speed), store, _town(town), _format(format_name))
        with progress_bar(text("events", "Ereignisse"), shown=not as_json) as show:
            result = play(file, place, cache_folder(), options, show)
    if as_json:
        print_json(result)
    else:
        _print(result)


def _speed(given: str) -> float | None:
    if given == "max":
        return None
    try:
        speed = float(given)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise typer.BadParameter(f"--speed {given}: give a number above 0, or 'max'")
    return speed


def _format(name: str | None) -> str | None:
    from stadtsinn.edge.network_servers.formats import UnknownFormat, format_named

    if name is None:
        return None
    try:
        return format_named(name).name
    except UnknownFormat as error:
        raise typer.BadParameter(f"--format: {error}") from None


def _town(path: Path | None) -> Town | None:
    from stadtsinn.cloud.town_file.model import load_town

    return None if path is None else load_town(path)


def _print(result: Result) -> None:
    print_table(
        (
            "DevEUI",
            text("Type", "Typ"),
            "Uplinks",
            text("Decoded", "Dekodiert"),
            text("Not decoded", "Nicht dekodiert"),
            text("Quarantine", "Quarantäne"),
            text("Latest values", "Letzte Werte"),
        ),
        (
            (
                device.dev_eui,
                device.device_type or "–",
                str(device.uplinks),
                str(device.decoded),
                _counts(device.undecoded),
                _counts(device.quarantined),
                _latest(device),
            )
            for device in result.devices
        ),
    )
    say(
        text(
            f"{result.messages} messages: {result.up_events} uplink events "
            f"({result.copies} copies), {result.other_events} others",
            f"{result.messages} Nachrichten: {result.up_events} Uplink-Ereignisse "
            f"({result.copies} Kopien), {result.other_events} andere",
        )
    )
    if result.unreadable:
        say(text("Unreadable: ", "Unlesbar: ") + _counts(result.unreadable))
    for fault in result.faults:
        say(fault, error=True)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in sorted(counts.items())) or "–"


def _latest(device: DeviceResult) -> str:
    return "\n".join(_value(value) for value in device.latest)


def _value(latest: LatestValue) -> str:
    channel = f" [{latest.channel}]" if latest.channel else ""
    unit = f" {latest.unit}" if latest.unit != "1" else ""  # UCUM's "1": a number without unit
    return f"{latest.quantity}{channel} {latest.value:g}{unit}"
