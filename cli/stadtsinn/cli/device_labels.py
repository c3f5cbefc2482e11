"""`stadtsinn device label`: sheets of labels with code, name and station, to print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.base.sentence import Unusable
from stadtsinn.cli.device_orders import order_of_town
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_json, say
from stadtsinn.cli.town_choice import Tenant

if TYPE_CHECKING:
    from stadtsinn.cli.label_sheets import DeviceLabel, Format, Sheet
    from stadtsinn.cloud.provisioning.labelling import LabelledDevice

HELP = text(
    "Make sheets of labels (A4, PDF or SVG): a code after LoRa Alliance TR005 with DevEUI, "
    "JoinEUI, profile and serial number, the name and the station. Of all devices of the delivery, "
    "or of those named. Keys are on none.\n\n"
    "Example: stadtsinn device label --out labels.pdf --format 63x38",
    "Bögen mit Etiketten machen (A4, PDF oder SVG): ein Code nach LoRa Alliance TR005 mit DevEUI, "
    "JoinEUI, Profil und Seriennummer, der Name und die Messstelle. Von allen Geräten der "
    "Lieferung oder von den genannten. Schlüssel stehen auf keinem.\n\n"
    "Beispiel: stadtsinn device label --out etiketten.pdf --format 63x38",
)


def label(
    devices: Annotated[
        list[str] | None,
        typer.Argument(
            help=text("DevEUIs; without: the delivery.", "DevEUIs; ohne: die Lieferung.")
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help=text(
                "What to write: .pdf, or .svg (a file for each sheet).",
                "Was geschrieben wird: .pdf oder .svg (eine Datei je Bogen).",
            ),
        ),
    ] = Path("labels.pdf"),
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help=text(
                "Size of a label in millimetres: 70x36, 63x38, 99x38, 48x25, 46x21.",
                "Größe eines Etiketts in Millimetern: 70x36, 63x38, 99x38, 48x25, 46x21.",
            ),
        ),
    ] = "70x36",
    first: Annotated[
        int,
        typer.Option(
            "--first",
            min=1,
            help=text(
                "The first label that is free on a sheet that was begun, counted in rows.",
                "Das erste freie Etikett auf einem angefangenen Bogen, zeilenweise gezählt.",
            ),
        ),
    ] = 1,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cli.label_sheets import sheets
    from stadtsinn.cloud.provisioning.labelling import labelled

    chosen = _format(form)
    if out.suffix.lower() not in {".pdf", ".svg"}:
        raise Unusable(
            f"--out {out}: end it with .pdf or .svg",
            f"--out {out}: mit .pdf oder .svg enden lassen",
        )
    with order_of_town(config, tenant, json_lines, reading=True) as (parts, town, kept):
        found = labelled(parts, town, kept.read(), devices or ())
        pages = sheets([_printed(one) for one in found], chosen, first - 1)
        written = _write(out, pages)
    if json_lines:
        print_json({"labels": len(found), "files": list(map(str, written))})
        return
    names = ", ".join(map(str, written))
    say(
        text(
            f"{counted(len(found), 'label', 'labels')} on "
            f"{counted(len(pages), 'sheet', 'sheets')}: {names}. Print at 100 %, not 'fit to page'",
            f"{counted(len(found), 'Etikett', 'Etiketten')} auf "
            f"{counted(len(pages), 'Bogen', 'Bögen')}: {names}. Mit 100 % drucken, nicht 'an Seite "
            "anpassen'",
        )
    )


def _format(name: str) -> Format:
    from stadtsinn.cli.label_sheets import formats

    if (form := formats().get(name)) is None:
        known = ", ".join(f"{key} ({one.like})" for key, one in formats().items())
        raise Unusable(
            f"--format {name}: there is no such sheet; known: {known}",
            f"--format {name}: so einen Bogen gibt es nicht; bekannt: {known}",
        )
    return form


def _printed(device: LabelledDevice) -> DeviceLabel:
    from stadtsinn.cli.label_sheets import DeviceLabel
    from stadtsinn.cloud.provisioning.tr005 import WrongCode, written

    code = device.code
    try:
        content = written(code)
    except WrongCode as error:
        raise Unusable(
            f"{code.dev_eui}: serial number: {error.sentence.english}",
            f"{code.dev_eui}: Seriennummer: {error.sentence.german}",
        ) from None
    serial = f"S/N {code.serial}" if code.serial else ""
    dev_eui = code.dev_eui.upper()
    groups = " ".join(dev_eui[start : start + 4] for start in range(0, 16, 4))
    station = device.station if device.station != device.name else ""
    return DeviceLabel(content, device.name, (station, groups, serial))


def _write(out: Path, pages: list[Sheet]) -> list[Path]:
    """The files that were written."""
    from stadtsinn.base.whole_files import write_public
    from stadtsinn.cli.label_sheets import as_pdf, as_svg

    if out.suffix.lower() == ".pdf":
        write_public(out, as_pdf(pages))
        return [out]
    written = []
    for number, page in enumerate(pages, 1):
        path = out if number == 1 else out.with_stem(f"{out.stem}-{number}")
        write_public(path, as_svg(page).encode())
        written.append(path)
    return written
