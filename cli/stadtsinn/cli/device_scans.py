"""`stadtsinn device scan`: the labels of a delivery, from photos or a hand scanner."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.base.sentence import Sentence
from stadtsinn.cli.device_orders import order_of_town
from stadtsinn.cli.frame import FAILED, end
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import in_words, text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_json, print_table, progress_bar, say
from stadtsinn.cli.town_choice import Tenant

if TYPE_CHECKING:
    from stadtsinn.cloud.provisioning.order import OrderFile
    from stadtsinn.cloud.provisioning.scanning import Finding, Owner, Scanning
    from stadtsinn.cloud.provisioning.service import Installation

HELP = text(
    "Read the codes of labels (LoRa Alliance TR005, and what vendors print instead) and tick the "
    "devices in the delivery that was imported. From photos, folders of photos or, without any, "
    "from a hand scanner, which types a line for each; a DevEUI may be typed as well. Keys come "
    "from the delivery list, never from a code.\n\n"
    "Example: stadtsinn device scan photos/",
    "Die Codes von Aufklebern lesen (LoRa Alliance TR005, und was Hersteller stattdessen drucken) "
    "und die Geräte in der importierten Lieferung abhaken. Von Fotos, Ordnern mit Fotos oder, ohne "
    "Angabe, vom Handscanner, der je Code eine Zeile tippt; auch eine DevEUI lässt sich tippen. "
    "Schlüssel kommen aus der Lieferliste, nie aus einem Code.\n\n"
    "Beispiel: stadtsinn device scan fotos/",
)
_NO_CODE = Sentence(
    "no code found: take the photo closer, in focus and without glare, the whole code with its "
    "white border, or type the DevEUI",
    "kein Code gefunden: näher, scharf und ohne Spiegelung fotografieren, den ganzen Code mit "
    "weißem Rand, oder die DevEUI abtippen",
)
_LONGEST_LINE = 8_192
_SHOWN = 20
"""Devices that are missing, before the rest is only counted."""


def scan(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(
            help=text(
                "Photos and folders of photos. Without: lines of a hand scanner.",
                "Fotos und Ordner mit Fotos. Ohne: Zeilen vom Handscanner.",
            ),
        ),
    ] = None,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cli.photos import photos_of
    from stadtsinn.cloud.provisioning.scanning import Scanning

    by_hand = not photos or photos == [Path("-")]
    with order_of_town(config, tenant, json_lines) as (parts, town, kept):
        files = [] if by_hand else photos_of(photos or [])
        scanning = Scanning(kept.read(), _owner(parts, town))
        if by_hand:
            findings = _by_hand(scanning, kept, json_lines)
        else:
            findings = _from_photos(scanning, kept, files, json_lines)
        _say_end(scanning, findings, json_lines)


def _owner(parts: Installation, town: str) -> Callable[[str], Owner]:
    from stadtsinn.cloud.provisioning.scanning import Owner
    from stadtsinn.cloud.town.repository import tenant_of_device

    def owner(dev_eui: str) -> Owner:
        with parts.database.read() as connection:
            tenant = tenant_of_device(connection, dev_eui)
        if tenant is None:
            return Owner.NOBODY
        return Owner.THIS_TOWN if tenant == town else Owner.ANOTHER

    return owner


# --- photos ----------------------------------------------------------------------------


def _from_photos(
    scanning: Scanning, kept: OrderFile, files: Sequence[Path], json_lines: bool
) -> list[Finding]:
    findings: list[Finding] = []
    shown = sys.stderr.isatty() and not json_lines
    try:
        with progress_bar(text("photos", "Fotos"), shown=shown) as progress:
            for number, file in enumerate(files, 1):
                found = _on_photo(scanning, file)
                findings += found
                if json_lines:
                    for one in found:
                        _print_json(one)
                progress(number, len(files))
    finally:  # what was read until somebody stopped it counts
        kept.write(scanning.order)
    if not json_lines:
        heads = (text("Photo", "Foto"), "DevEUI", "Name", text("What it is", "Was es ist"))
        print_table(heads, [_row(one) for one in findings])
    return findings


def _on_photo(scanning: Scanning, file: Path) -> list[Finding]:
    """What the codes of a photo say. Beside the code of a device others are not worth a word:
    boxes have several."""
    from stadtsinn.base.explaining import explained
    from stadtsinn.base.sentence import Unusable
    from stadtsinn.cli.photos import codes_on
    from stadtsinn.cloud.provisioning.scanning import Finding, Outcome

    try:
        codes = codes_on(file)
    except (Unusable, OSError) as error:
        return [Finding(str(file), Outcome.UNREADABLE, said=explained(error))]
    if not codes:
        return [Finding(str(file), Outcome.UNREADABLE, said=_NO_CODE)]
    found = [
        scanning.take(code, _place(file, number, len(codes)))
        for number, code in enumerate(codes, 1)
    ]
    if not any(one.fine for one in found):
        return found
    return [one for one in found if one.label.dev_eui or one.outcome is Outcome.UNREADABLE]


def _place(file: Path, number: int, count: int) -> str:
    if count == 1:
        return str(file)
    return text(f"{file}, code {number} of {count}", f"{file}, Code {number} von {count}")


# --- hand scanner ------------------------------------------------------------------------


def _by_hand(scanning: Scanning, kept: OrderFile, json_lines: bool) -> list[Finding]:
    """Each line is answered and kept before the next one is read."""
    if sys.stdin.isatty() and not json_lines:
        say(
            text(
                "Scan the labels; end with Ctrl-D.",
                "Die Aufkleber scannen; Strg-D beendet.",
            ),
            error=True,
        )
    findings: list[Finding] = []
    for number, line in _lines():
        before = scanning.order
        found = scanning.typed(line, text(f"line {number}", f"Zeile {number}"))
        if scanning.order is not before:
            kept.write(scanning.order)
        findings.append(found)
        if json_lines:
            _print_json(found)
        else:
            say("  ".join(filter(None, _row(found))))
    return findings


def _lines() -> Iterator[tuple[int, str]]:
    """The lines of standard input with something in them, as a terminal of any encoding sends
    them. A longer one than any code is handed on cut, and refused for its length."""
    from stadtsinn.base.text_files import decoded

    number = 0
    while line := sys.stdin.buffer.readline(_LONGEST_LINE):
        number += 1
        content = line
        while len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            line = sys.stdin.buffer.readline(_LONGEST_LINE)
        if content.strip():
            yield number, decoded(content)


# --- what is printed -------------------------------------------------------------------


def _row(found: Finding) -> tuple[str, str, str, str]:
    label = found.label
    which = label.dev_eui or label.serial
    return found.source, which, found.name, _words(found)


def _words(found: Finding) -> str:
    from stadtsinn.cloud.provisioning.scanning import Outcome

    words = {
        Outcome.SCANNED: text("ticked", "abgehakt"),
        Outcome.AGAIN: text("ticked already", "schon abgehakt"),
        Outcome.REGISTERED: text("is registered already", "ist schon angelegt"),
    }
    said = "" if found.said is None else in_words(found.said)
    return ": ".join(filter(None, (words.get(found.outcome, ""), said)))


def _print_json(found: Finding) -> None:
    label = found.label
    document: dict[str, object] = {
        "source": found.source,
        "outcome": found.outcome.value,
        "dev_eui": label.dev_eui,
        "join_eui": label.join_eui,
        "profile": label.profile,
        "serial": label.serial,
        "name": found.name,
    }
    if found.said is not None:
        document["note" if found.fine else "error"] = in_words(found.said)
    print_json(document)


def _say_end(scanning: Scanning, findings: Sequence[Finding], json_lines: bool) -> None:
    wrong = sum(not one.fine for one in findings)
    if not json_lines:
        _say_missing(scanning)
        if wrong:
            end(
                text(
                    f"error: {counted(wrong, 'label is', 'labels are')} not in order; the others "
                    "are ticked",
                    f"Fehler: {counted(wrong, 'Aufkleber ist', 'Aufkleber sind')} nicht in "
                    "Ordnung; die anderen sind abgehakt",
                ),
                FAILED,
            )
    if wrong:
        raise typer.Exit(FAILED)


def _say_missing(scanning: Scanning) -> None:
    missing, count = scanning.missing(), len(scanning.order.rows)
    if not count:
        say(
            text(
                "no delivery was imported yet: 'stadtsinn device import'",
                "noch keine Lieferung importiert: 'stadtsinn device import'",
            )
        )
        return
    done = count - len(missing)
    say(
        text(
            f"{done} of {counted(count, 'device', 'devices')} of the delivery scanned",
            f"{done} von {counted(count, 'Gerät', 'Geräten')} der Lieferung gescannt",
        )
    )
    if not done or not missing:
        return
    shown = ", ".join(row.dev_eui for row in missing[:_SHOWN])
    more = len(missing) - _SHOWN
    rest = text(f" and {more} more", f" und {more} weitere") if more > 0 else ""
    say(text(f"missing: {shown}{rest}", f"es fehlen: {shown}{rest}"))
