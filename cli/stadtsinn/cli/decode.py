"""`stadtsinn decode`: one payload as a table or JSON, or many as JSON lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.instant import Instant, isoformat
from stadtsinn.base.sentence import Unusable
from stadtsinn.cli.frame import BAD_USAGE, FAILED, end, end_in_json
from stadtsinn.cli.language import decimal, in_words, text
from stadtsinn.cli.output import print_json, print_table, say, say_json
from stadtsinn.cli.own_devices import DeviceFolder, use_device_folder
from stadtsinn.cli.reading_words import quality_in_words
from stadtsinn.cli.times import read_moment, shown_moment
from stadtsinn.decoders.catalogue import Catalogue, catalogue
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.reading import Decoded, Reading, VendorFields
from stadtsinn.decoders.undecoded import why_undecoded
from stadtsinn.decoders.units import unit_sign
from stadtsinn.decoders.vocabulary import quantity

_LONGEST_LINE = 1 << 20
_BLOCK = 1 << 16


class Request(msgspec.Struct, frozen=True):
    """One line of `--batch`."""

    device: str
    f_port: int
    bytes: str
    received: str = ""


HELP = text(
    "Decode a payload: readings with units, and the vendor's own fields.\n\n"
    "Example: stadtsinn decode dragino/lse01 --f-port 2 CE2900F107A5099B6E2890",
    "Nutzdaten dekodieren: Messwerte mit Einheiten, und die Felder des Herstellers.\n\n"
    "Beispiel: stadtsinn decode dragino/lse01 --f-port 2 CE2900F107A5099B6E2890",
)


def decode(
    device: Annotated[
        str,
        typer.Argument(
            help=text("Device id, e.g. dragino/lse01.", "Gerätekennung, z. B. dragino/lse01.")
        ),
    ] = "",
    payload: Annotated[
        str, typer.Argument(metavar="HEX", help=text("Payload in hex.", "Nutzdaten in Hex."))
    ] = "",
    f_port: Annotated[
        int | None, typer.Option("--f-port", "-p", help=text("LoRaWAN port.", "LoRaWAN-Port."))
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help=text("Answer and errors as JSON.", "Ausgabe als JSON.")),
    ] = False,
    batch: Annotated[
        bool,
        typer.Option(
            "--batch",
            help=text(
                'Read JSON lines {"device", "f_port", "bytes"}; answer one line each.',
                'JSON-Zeilen {"device", "f_port", "bytes"} lesen; je eine Zeile antworten.',
            ),
        ),
    ] = False,
    show_list: Annotated[
        bool, typer.Option("--list", help=text("List device ids.", "Gerätekennungen zeigen."))
    ] = False,
    received: Annotated[
        str,
        typer.Option(
            "--received",
            metavar="TIME",
            help=text(
                "When a gateway heard it ('2026-05-01 14:00'): for times relative to that.",
                "Empfangszeit ('2026-05-01 14:00'): für Zeiten, die davon abhängen.",
            ),
        ),
    ] = "",
    own_devices: DeviceFolder = None,
) -> None:
    use_device_folder(own_devices)
    devices = catalogue()
    if show_list:
        say("\n".join(devices))
    elif batch:
        _run_batch(devices)
    else:
        _run_one(devices, device, payload, f_port, received, as_json=as_json)


def _run_one(
    devices: Catalogue,
    device: str,
    payload: str,
    f_port: int | None,
    received: str,
    *,
    as_json: bool,
) -> None:
    if not device or not payload or f_port is None:
        example = "stadtsinn decode dragino/lse01 --f-port 2 CE2900F107A5099B6E2890"
        _fail(
            text(
                f"DEVICE, --f-port and HEX are needed. Example: {example}",
                f"DEVICE, --f-port und HEX werden gebraucht. Beispiel: {example}",
            ),
            BAD_USAGE,
            as_json=as_json,
        )
    if device not in devices:
        _fail(in_words(devices.is_unknown(device)), BAD_USAGE, as_json=as_json)
    try:
        raw, heard = _hex(payload), _heard("--received", received)
    except ValueError as error:
        _fail(in_words(error), BAD_USAGE, as_json=as_json)
    outcome, vendor = devices.decode_with_vendor(device, f_port, raw, heard)
    if not isinstance(outcome, Decoded):
        _fail(in_words(why_undecoded(outcome)), FAILED, as_json=as_json)
    if as_json:
        print_json(_answer(outcome, vendor))
    else:
        _print_tables(devices.device(device), outcome, vendor)


def _hex(payload: str) -> bytes:
    try:
        return bytes.fromhex(payload)
    except ValueError:
        raise Unusable(
            f"payload is not hex: {payload[:40]!r}; write two digits 0-9 a-f per byte",
            f"die Nutzdaten sind nicht hexadezimal: {payload[:40]!r}; je Byte zwei Ziffern 0-9 "
            "a-f schreiben",
        ) from None


def _heard(option: str, written: str) -> Instant | None:
    return read_moment(option, written) if written else None


def _fail(message: str, code: int, *, as_json: bool) -> NoReturn:
    if as_json:
        end_in_json({"error": message}, code)
    end(message, code)


def _answer(outcome: Decoded, vendor: VendorFields) -> dict[str, Any]:
    return {"readings": [_reading(reading) for reading in outcome.readings], "vendor": vendor}


def _reading(reading: Reading) -> dict[str, Any]:
    shown = {
        "quantity": reading.quantity,
        "value": reading.value,
        "unit": quantity(reading.quantity).unit,
        "channel": reading.channel,
        "quality": reading.quality.value,
    }
    if reading.reason:
        shown["reason"] = reading.reason
    if reading.event_time is not None:
        shown["event_time"] = isoformat(reading.event_time)
    return shown


_encode = msgspec.json.Encoder().encode


# --- many


def _run_batch(devices: Catalogue) -> None:
    """Answers each line immediately, because the other side of the pipe may wait for it."""
    requests = msgspec.json.Decoder(Request)
    for lines in _blocks(sys.stdin.fileno()):
        answers = [_encode(_answer_line(devices, requests, line)) for line in lines if line.strip()]
        if answers:
            say_json(b"\n".join(answers).decode())
            sys.stdout.flush()


def _answer_line(
    devices: Catalogue, requests: msgspec.json.Decoder[Request], line: bytes
) -> dict[str, Any]:
    if len(line) > _LONGEST_LINE:
        return {"error": f"a line of more than {_LONGEST_LINE} bytes; send one request per line"}
    try:
        request = requests.decode(line)
        raw, heard = _hex(request.bytes), _heard("received", request.received)
    except (*UNREADABLE, ValueError) as error:
        return {"error": f'{error}; a line is {{"device": …, "f_port": …, "bytes": "hex"}}'}
    outcome, vendor = devices.decode_with_vendor(request.device, request.f_port, raw, heard)
    if isinstance(outcome, Decoded):
        return _answer(outcome, vendor)
    return {"error": outcome.message}


def _blocks(stream: int) -> Iterator[list[bytes]]:
    """Whole lines as they come. Of an endless line only the beginning is kept."""
    rest = b""
    while block := os.read(stream, _BLOCK):
        *lines, last = block.split(b"\n")
        if lines:
            yield [rest + lines[0], *lines[1:]]
            rest = last
        elif len(rest) <= _LONGEST_LINE:
            rest += last
    if rest:
        yield [rest]


# --- tables


def _print_tables(device: DeviceType, outcome: Decoded, vendor: VendorFields) -> None:
    value = text("Value", "Wert")
    print_table(
        (
            text("Quantity", "Größe"),
            text("Channel", "Kanal"),
            value,
            text("Unit", "Einheit"),
            text("Quality", "Güte"),
            text("Time", "Zeit"),
        ),
        (_row(reading) for reading in outcome.readings),
        title=f"{device.vendor} {device.product}",
        numbers=value,
    )
    say(f"\n{text('Decoder', 'Dekoder')}: {outcome.decoder}\n")
    print_table(
        (text("Key", "Schlüssel"), value),
        ((key, _encode(shown).decode()) for key, shown in vendor.items()),
        title=text("Vendor's fields", "Felder des Herstellers"),
    )


def _row(reading: Reading) -> tuple[str, ...]:
    known = quantity(reading.quantity)
    return (
        text(known.label_en, known.label_de),
        reading.channel,
        _number(reading.value),
        unit_sign(known.unit),
        quality_in_words(reading),
        shown_moment(reading.event_time) if reading.event_time is not None else "",
    )


def _number(value: float) -> str:
    return decimal(f"{value:.10g}")
