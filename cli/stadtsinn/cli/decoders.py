"""`stadtsinn decoders`: begin, check and export device files."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from stadtsinn.base.bounded_files import read_whole_text
from stadtsinn.cli.frame import FAILED, end
from stadtsinn.cli.language import in_words, text
from stadtsinn.cli.output import say, say_as_it_is, say_json
from stadtsinn.cli.own_devices import DeviceFolder, use_device_folder
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.language.load import DeviceFileError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "Device files: begin one, check it, export its decoder.",
        "Gerätedateien: anlegen, prüfen, Dekoder ausgeben.",
    ),
)


@app.command(
    help=text(
        "Write a template for a device.\n\nExample: stadtsinn decoders new acme/soil-1",
        "Eine Vorlage für ein Gerät schreiben.\n\nBeispiel: stadtsinn decoders new acme/soil-1",
    )
)
def new(
    device: Annotated[str, typer.Argument(help="vendor/device")],
    folder: Annotated[Path, typer.Option("--folder", help=text("Where to.", "Wohin."))] = Path(
        "devices"
    ),
) -> None:
    vendor, slash, name = device.partition("/")
    if not slash or not all(_is_name(part) for part in (vendor, name)):
        end(
            text(
                f"{device!r}: write vendor/device in lower-case letters, digits, '-' and '.'",
                f"{device!r}: hersteller/gerät aus Kleinbuchstaben, Ziffern, '-' und '.'",
            )
        )
    if device in catalogue():
        end(
            text(
                f"{device} is in the catalogue already; choose another name",
                f"{device} steht schon im Katalog; bitte einen anderen Namen wählen",
            )
        )
    path = folder / vendor / f"{name}.toml"
    if path.exists():
        end(text(f"{path} exists already", f"{path} gibt es schon"))
    template = resources.files("stadtsinn.decoders") / "language" / "template.toml"
    filled = template.read_text(encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(filled.replace("@VENDOR@", vendor).replace("@DEVICE@", name), encoding="utf-8")
    say(str(path))
    say(
        text(
            f"Fill it in (docs/device-files.md), then: stadtsinn decoders check {path}",
            f"Ausfüllen (docs/device-files.md), dann: stadtsinn decoders check {path}",
        ),
        error=True,
    )


@app.command(
    help=text(
        "Prove device files: examples, every prefix, random bytes.\n\n"
        "Example: stadtsinn decoders check devices/acme/soil-1.toml",
        "Gerätedateien beweisen: Beispiele, jedes Anfangsstück, Zufallsbytes.\n\n"
        "Beispiel: stadtsinn decoders check devices/acme/soil-1.toml",
    )
)
def check(
    paths: Annotated[
        list[Path], typer.Argument(help=text("Files or folders.", "Dateien oder Ordner."))
    ],
    noise: Annotated[
        int, typer.Option("--noise", min=0, help=text("Random payloads.", "Zufällige Nutzdaten."))
    ] = 2000,
) -> None:
    from stadtsinn.decoders.proof import kernel_is_installed

    files = [file for path in paths for file in _files(path)]
    wrong = sum(not _prove(file, noise) for file in files)
    if not kernel_is_installed():
        say(
            text(
                "numba is not installed: agreement with the batch kernel was not proven",
                "numba fehlt: die Übereinstimmung mit dem Stapelkern wurde nicht bewiesen",
            ),
            error=True,
        )
    raise typer.Exit(FAILED if wrong else 0)


@app.command(
    help=text(
        "Print a decoder for other systems.\n\n"
        "Example: stadtsinn decoders export --ts013 dragino/lse01 > lse01.js",
        "Einen Dekoder für andere Systeme ausgeben.\n\n"
        "Beispiel: stadtsinn decoders export --ts013 dragino/lse01 > lse01.js",
    )
)
def export(
    ts013: Annotated[
        str,
        typer.Option(
            "--ts013",
            metavar="DEVICE",
            help=text(
                "JavaScript codec (LoRa Alliance TS013).", "JavaScript-Codec (LoRa Alliance TS013)."
            ),
        ),
    ] = "",
    json_schema: Annotated[
        bool,
        typer.Option("--json-schema", help=text("Schema of readings.", "Schema der Messwerte.")),
    ] = False,
    devices: DeviceFolder = None,
) -> None:
    if bool(ts013) == json_schema:
        end(text("give --ts013 DEVICE or --json-schema", "--ts013 GERÄT oder --json-schema"))
    use_device_folder(devices)
    known = catalogue()
    if json_schema:
        from stadtsinn.decoders.export.json_schema import json_schema as schema

        document = schema([known.device(device) for device in known])
        say_json(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return
    if ts013 not in known:
        end(in_words(known.is_unknown(ts013)))
    from stadtsinn.decoders.export.ts013 import ts013 as codec

    try:
        say_as_it_is(codec(known.device(ts013)))
    except ValueError as error:
        end(in_words(error))


@app.command(
    help=text(
        "Write a page about every device type.\n\nExample: stadtsinn decoders pages docs/devices",
        "Eine Seite zu jedem Gerätetyp schreiben.\n\nBeispiel: stadtsinn decoders pages seiten",
    )
)
def pages(
    folder: Annotated[Path, typer.Argument(help=text("Where to.", "Wohin."))],
    devices: DeviceFolder = None,
) -> None:
    from stadtsinn.decoders.export.pages import write_pages

    use_device_folder(devices)
    known = catalogue()
    say(str(write_pages([known.device(device) for device in known], folder)))


def _is_name(part: str) -> bool:
    return bool(part) and all(c.islower() or c.isdigit() or c in "-." for c in part)


def _files(path: Path) -> list[Path]:
    found = sorted(path.glob("**/*.toml")) if path.is_dir() else [path]
    if not found:
        end(text(f"{path}: no *.toml below it", f"{path}: keine *.toml darin"))
    return found


def _prove(file: Path, noise: int) -> bool:
    """Whether a file passes; prints what it found."""
    from stadtsinn.decoders.proof import findings

    device_id = f"{file.absolute().parent.name}/{file.stem}"
    try:
        device = DeviceType(device_id, read_whole_text(file))
        found = findings(device, noise=noise)
    except (DeviceFileError, OSError, UnicodeDecodeError) as error:
        say(in_words(error))
        return False
    examples = len(device.file.examples)
    if not found:
        say(
            text(
                f"{device_id}: {examples} examples, their prefixes and {noise} random payloads: ok",
                f"{device_id}: {examples} Beispiele, deren Anfangsstücke und {noise} zufällige "
                "Nutzdaten: in Ordnung",
            )
        )
    for line in found:
        say(f"{device_id}: {line}")
    return not found
