"""`stadtsinn replay`: recorded events through broker, edge agent and cloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.base.instant import parse
from stadtsinn.cli.language import decimal, in_words, text
from stadtsinn.cli.output import print_json, print_table, progress_bar, say
from stadtsinn.cli.stage_options import (
    cache_folder,
    errors_as_sentences,
    stage_folder,
)
from stadtsinn.cli.times import shown_moment

if TYPE_CHECKING:
    from stadtsinn.cloud.town_file.model import Town
    from stadtsinn.simulator.replay.replay import LatestValue, Result


HELP = text(
    "Send a network server's recorded events through broker, edge agent and cloud. The recording "
    "may be what mosquitto_sub writes (-v, -F %j, -F %J), a download of the console, JSON lines or "
    "arrays, protobuf in hex or base64, also packed. What it is instead is said in a sentence; the "
    "exit code is not 0 where no uplink could be read.\n\n"
    "Example: stadtsinn replay events.jsonl --speed max",
    "Aufgezeichnete Ereignisse eines Netzwerkservers durch Broker, Edge-Agent und Zentrale "
    "schicken. Die Aufzeichnung darf sein, was mosquitto_sub schreibt (-v, -F %j, -F %J), ein "
    "Download der Konsole, JSON-Zeilen oder -Listen, Protobuf hexadezimal oder in Base64, auch "
    "gepackt. Was es stattdessen ist, sagt ein Satz; der Rückgabewert ist nicht 0, wo kein Uplink "
    "lesbar war.\n\n"
    "Beispiel: stadtsinn replay events.jsonl --speed max",
)


def replay(
    file: Annotated[
        Path,
        typer.Argument(
            help=text(
                "Recording: JSON lines, topics before JSON, the console's download, ….",
                "Aufzeichnung: JSON-Zeilen, Topics vor JSON, Download der Konsole, ….",
            ),
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
                "Speicher der Messreihen, z. B. influxdb://localhost:8086; sonst eingebettet.",
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
                "Network server's format, e.g. the_things_stack; by the events otherwise.",
                "Format des Netzwerkservers, z. B. the_things_stack; sonst sagen es die "
                "Ereignisse.",
            ),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=text("As JSON.", "Als JSON."))] = False,
    folder: Annotated[
        Path | None, typer.Option(help=text("Keep all files here.", "Alle Dateien hier behalten."))
    ] = None,
) -> None:
    from stadtsinn.simulator.replay.replay import Options
    from stadtsinn.simulator.replay.replay import replay as play

    with errors_as_sentences("replay", as_json), stage_folder(folder) as place:
        told = str if as_json else in_words
        options = Options(_speed(speed), store, _town(town), _format(format_name), told)
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
        raise typer.BadParameter(
            text(
                f"--speed {given}: give a number above 0, or 'max'",
                f"--speed {given}: eine Zahl über 0 angeben oder 'max'",
            )
        )
    return speed


def _format(name: str | None) -> str | None:
    from stadtsinn.edge.network_servers.formats import UnknownFormat, format_named

    if name is None:
        return None
    try:
        return format_named(name).name
    except UnknownFormat as error:
        raise typer.BadParameter(f"--format: {in_words(error)}") from None


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
        ),
        (
            (
                device.dev_eui,
                device.device_type or "–",
                str(device.uplinks + sum(device.quarantined.values())),
                str(device.decoded),
                _counts({**device.undecoded, **device.quarantined}),
            )
            for device in result.devices
        ),
    )
    if any(device.latest for device in result.devices):
        say()
        print_table(
            ("DevEUI", text("Latest values", "Letzte Werte")),
            ((one.dev_eui, tuple(map(_value, one.latest))) for one in result.devices if one.latest),
        )
    say()
    say(
        text(
            f"{counted(result.messages, 'message', 'messages')}: "
            f"{counted(result.up_events, 'uplink event', 'uplink events')} "
            f"({counted(result.copies, 'copy', 'copies')}), {result.other_events} others",
            f"{counted(result.messages, 'Nachricht', 'Nachrichten')}: "
            f"{counted(result.up_events, 'Uplink-Ereignis', 'Uplink-Ereignisse')} "
            f"({counted(result.copies, 'Kopie', 'Kopien')}), {result.other_events} andere",
        )
    )
    times = [one for device in result.devices for one in (device.first, device.last) if one]
    if times:
        first, last = (shown_moment(parse(one)) for one in (min(times), max(times)))
        say(text(f"Received between {first} and {last}", f"Empfangen von {first} bis {last}"))
    if result.unreadable:
        say(text("Unreadable: ", "Unlesbar: ") + ", ".join(_counts(result.unreadable)))
    if any(device.device_type is None for device in result.devices):
        say(_UNKNOWN_TYPE, error=True)
    for fault in result.faults:
        say(fault, error=True)


_UNKNOWN_TYPE = text(
    "devices without a type: name it in a town file (--town), or at the network server: as the "
    "device profile's name, in the tag 'stadtsinn_device' or the attribute 'stadtsinn-device' "
    "('stadtsinn decode --list' shows all)",
    "Geräte ohne Typ: in einer Stadtdatei nennen (--town) oder am Netzwerkserver: als Name des "
    "Geräteprofils, im Tag 'stadtsinn_device' oder im Attribut 'stadtsinn-device' ('stadtsinn "
    "decode --list' zeigt alle)",
)


def _counts(counts: dict[str, int]) -> tuple[str, ...]:
    return tuple(f"{number} {reason}" for reason, number in sorted(counts.items())) or ("–",)


def _value(latest: LatestValue) -> str:
    channel = f" [{latest.channel}]" if latest.channel else ""
    unit = f" {latest.unit}" if latest.unit != "1" else ""  # UCUM's "1": a number without unit
    return f"{latest.quantity}{channel} {decimal(f'{latest.value:g}')}{unit}"
