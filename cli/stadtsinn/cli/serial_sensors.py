"""`stadtsinn serial`: read, set and join sensors over a serial line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.cli.frame import code_of, end
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import in_words, text
from stadtsinn.cli.options import DryRun, Json
from stadtsinn.cli.output import print_facts, print_json, print_list, say
from stadtsinn.cli.serial_output import facts, fields, say_changes
from stadtsinn.cli.serial_secrets import (
    keys_of_delivery,
    password_from_person,
    secret_from_input,
    secret_in,
)
from stadtsinn.cli.town_choice import Tenant

if TYPE_CHECKING:
    from stadtsinn.firmware.sensors.recognising import Recognised
    from stadtsinn.firmware.sensors.settings import Wanted

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "Sensors by cable: Dragino, RAK (RUI3), ST.", "Sensoren am Kabel: Dragino, RAK (RUI3), ST."
    ),
)

PortName = Annotated[
    str,
    typer.Argument(
        metavar="PORT", help=text("The port, e.g. /dev/ttyUSB0.", "Anschluss, z. B. /dev/ttyUSB0.")
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help=text(
            "The kind of sensor (dragino, rak-rui3, st), where it is not recognised.",
            "Art des Sensors (dragino, rak-rui3, st), wenn sie nicht erkannt wird.",
        ),
    ),
]
Baud = Annotated[
    int | None,
    typer.Option(
        "--baud",
        min=300,
        max=1_000_000,
        help=text(
            "Speed of the line; without: found out.",
            "Geschwindigkeit; ohne Angabe wird sie ermittelt.",
        ),
    ),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        help=text(
            "File with the sensor's password, where it is not the vendor's usual one.",
            "Datei mit dem Passwort des Sensors, wenn es nicht das übliche des Herstellers ist.",
        ),
    ),
]


@app.command(
    "list",
    help=text(
        "The serial ports of this machine.\n\nExample: stadtsinn serial list",
        "Die seriellen Anschlüsse dieses Rechners.\n\nBeispiel: stadtsinn serial list",
    ),
)
def list_ports(json_lines: Json = False) -> None:
    from stadtsinn.firmware.sensors.port import ports

    print_list(
        ports(),
        {
            text("Port", "Anschluss"): lambda one: one.device,
            text("What it is", "Was es ist"): lambda one: one.description,
            text("Serial number", "Seriennummer"): lambda one: one.serial_number,
        },
        lambda one: {
            "port": one.device,
            "description": one.description,
            "serial_number": one.serial_number,
        },
        as_json=json_lines,
        empty=text(
            "no serial port: plug the adapter in; 'dmesg' tells whether the system sees it",
            "kein serieller Anschluss: den Adapter einstecken; 'dmesg' sagt, ob das System ihn "
            "sieht",
        ),
    )


@app.command(
    help=text(
        "Who is at a port: kind, model, firmware, EUIs, interval, joined or not. Nothing is "
        "changed, and keys are never shown.\n\nExample: stadtsinn serial show /dev/ttyUSB0",
        "Wer an einem Anschluss hängt: Art, Modell, Firmware, EUIs, Intervall, im Netz oder nicht. "
        "Nichts wird geändert, Schlüssel erscheinen nie.\n\n"
        "Beispiel: stadtsinn serial show /dev/ttyUSB0",
    )
)
def show(
    port: PortName,
    kind: Kind = None,
    baud: Baud = None,
    password_file: PasswordFile = None,
    json_lines: Json = False,
) -> None:
    from stadtsinn.firmware.sensors.sensor import Talk

    with _sensor(port, kind, baud, password_file) as found:
        sensor = Talk(found).read()
    if json_lines:
        print_json(fields(sensor))
    else:
        print_facts(facts(sensor))


@app.command(
    "set",
    help=text(
        "Set EUIs, key, join mode and interval. Only what differs is written, each is read back, "
        "and the sensor restarts; called again nothing changes.\n\n"
        "Example: stadtsinn serial set /dev/ttyUSB0 --interval 1200 --app-key-file sensor.key",
        "EUIs, Schlüssel, Join-Art und Intervall setzen. Nur was anders ist wird geschrieben, "
        "alles wird zurückgelesen, dann startet der Sensor neu; noch einmal ändert sich nichts.\n\n"
        "Beispiel: stadtsinn serial set /dev/ttyUSB0 --interval 1200 --app-key-file sensor.key",
    ),
)
def set_values(
    port: PortName,
    dev_eui: Annotated[
        str | None, typer.Option("--dev-eui", help=text("The new DevEUI.", "Neue DevEUI."))
    ] = None,
    join_eui: Annotated[
        str | None,
        typer.Option(
            "--join-eui", help=text("The new JoinEUI (AppEUI).", "Neue JoinEUI (AppEUI).")
        ),
    ] = None,
    app_key_file: Annotated[
        Path | None,
        typer.Option(
            "--app-key-file",
            help=text(
                "File with the AppKey, readable for its owner only.",
                "Datei mit dem AppKey, nur für ihren Besitzer lesbar.",
            ),
        ),
    ] = None,
    app_key_stdin: Annotated[
        bool,
        typer.Option(
            "--app-key-stdin",
            help=text(
                "Ask for the AppKey without showing it, or read it from standard input.",
                "Den AppKey verdeckt erfragen oder von der Standardeingabe lesen.",
            ),
        ),
    ] = False,
    imported: Annotated[
        bool,
        typer.Option(
            "--imported",
            help=text(
                "AppKey and JoinEUI of this DevEUI from the delivery ('device import').",
                "AppKey und JoinEUI dieser DevEUI aus der Lieferung ('device import').",
            ),
        ),
    ] = False,
    interval: Annotated[
        int | None,
        typer.Option("--interval", min=1, help=text("Seconds between two values.", "In Sekunden.")),
    ] = None,
    join_mode: Annotated[
        str | None,
        typer.Option("--join-mode", help=text("'otaa' or 'abp'.", "'otaa' oder 'abp'.")),
    ] = None,
    kind: Kind = None,
    baud: Baud = None,
    password_file: PasswordFile = None,
    dry_run: DryRun = False,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.firmware.sensors.sensor import Talk, applied, planned
    from stadtsinn.firmware.sensors.settings import Setting

    with _errors():
        key = _key(app_key_file, app_key_stdin)
        if key is not None and imported:
            raise _one_key()
        wanted = _wanted(dev_eui, join_eui, key, interval, join_mode)
        if not wanted.values() and not imported:
            raise Unusable(
                "nothing is to be set: name it, e.g. --interval 1200",
                "nichts zu setzen: es angeben, z. B. --interval 1200",
            )
    with _sensor(port, kind, baud, password_file) as found:
        talk = Talk(found)
        before = talk.read()
        if imported:
            whose = wanted.dev_eui or before.values[Setting.DEV_EUI]
            wanted = _of_delivery(wanted, *keys_of_delivery(config, tenant, whose))
        changes = planned(before, found.dialect, wanted)
        say_changes(before, changes, json_lines, dry_run)
        if dry_run or not changes:
            return
        done = applied(talk, before, wanted, changes)
    if json_lines:
        return
    say(
        text(
            f"{counted(len(changes), 'setting', 'settings')} written, read back and kept over a "
            "restart",
            f"{counted(len(changes), 'Einstellung', 'Einstellungen')} geschrieben, zurückgelesen "
            "und nach einem Neustart noch da",
        )
        if not done.unverified
        else text(
            "written; the AppKey cannot be read back from this sensor: 'stadtsinn serial join' "
            "shows whether it is right",
            "geschrieben; den AppKey lässt dieser Sensor nicht lesen: 'stadtsinn serial join' "
            "zeigt, ob er stimmt",
        )
    )


@app.command(
    help=text(
        "Let a sensor join, and wait for the network's answer; otherwise the reason in words.\n\n"
        "Example: stadtsinn serial join /dev/ttyUSB0",
        "Einen Sensor ins Netz bringen und auf die Antwort warten; sonst der Grund in Worten.\n\n"
        "Beispiel: stadtsinn serial join /dev/ttyUSB0",
    )
)
def join(
    port: PortName,
    timeout: Annotated[
        int,
        typer.Option(
            "--timeout",
            min=1,
            max=3600,
            help=text("Wait so many seconds.", "Höchstens warten (s)."),
        ),
    ] = 90,
    kind: Kind = None,
    baud: Baud = None,
    password_file: PasswordFile = None,
    json_lines: Json = False,
) -> None:
    from stadtsinn.firmware.sensors import joining

    with _sensor(port, kind, baud, password_file) as found:
        if joining.has_joined(found.session, found.dialect):
            seconds = None
        else:
            seconds = joining.join(found, timeout)
    if json_lines:
        print_json({"joined": True, "seconds": None if seconds is None else round(seconds, 1)})
    elif seconds is None:
        say(text("the sensor is in the network already", "der Sensor ist schon im Netz"))
    else:
        took = counted(round(seconds), text("second", "Sekunde"), text("seconds", "Sekunden"))
        say(text(f"joined after {took}", f"im Netz nach {took}"))


# --- shared ----------------------------------------------------------------------------


@contextmanager
def _errors() -> Iterator[None]:
    """Without `refuse`, which needs packages that no cable does."""
    try:
        yield
    except (Explained, OSError, ValueError) as error:
        said = in_words(error)
        end(text(f"error: {said}", f"Fehler: {said}"), code_of(error))


@contextmanager
def _sensor(
    port: str, kind: str | None, baud: int | None, password_file: Path | None
) -> Iterator[Recognised]:
    from stadtsinn.firmware.sensors.dialect import dialect
    from stadtsinn.firmware.sensors.recognising import recognised
    from stadtsinn.firmware.sensors.session import Password

    with _errors():
        given = secret_in(password_file) if password_file is not None else None
        password = Password(given, password_from_person)
        kinds = [dialect(kind)] if kind is not None else None
        with recognised(port, password, kinds=kinds, baud=baud) as found:
            yield found


def _key(file: Path | None, from_input: bool) -> str | None:
    from stadtsinn.firmware.sensors.settings import app_key

    if file is not None and from_input:
        raise _one_key()
    if file is not None:
        return app_key(secret_in(file))
    return app_key(secret_from_input("AppKey")) if from_input else None


def _one_key() -> Unusable:
    return Unusable(
        "the AppKey comes from one place: --app-key-file, --app-key-stdin or --imported",
        "der AppKey kommt von einer Stelle: --app-key-file, --app-key-stdin oder --imported",
    )


def _wanted(
    dev_eui: str | None,
    join_eui: str | None,
    key: str | None,
    interval: int | None,
    join_mode: str | None,
) -> Wanted:
    from stadtsinn.firmware.sensors import settings

    modes = {"otaa": settings.OTAA, "abp": settings.ABP}
    if join_mode is not None and join_mode.lower() not in modes:
        raise Unusable("--join-mode: write otaa or abp", "--join-mode: otaa oder abp schreiben")
    return settings.Wanted(
        dev_eui=None if dev_eui is None else _named("--dev-eui", settings.eui, dev_eui),
        join_eui=None if join_eui is None else _named("--join-eui", settings.join_eui, join_eui),
        app_key=key,
        join_mode=None if join_mode is None else modes[join_mode.lower()],
        interval_s=interval,
    )


def _named(option: str, read: Callable[[str], str], given: str) -> str:
    try:
        return read(given)
    except Unusable as error:
        raise Unusable.of(error.sentence.about(option)) from None


def _of_delivery(wanted: Wanted, join_eui: str, key: str) -> Wanted:
    from dataclasses import replace

    from stadtsinn.firmware.sensors import settings

    told = wanted.join_eui or (settings.join_eui(join_eui) if join_eui else None)
    return replace(wanted, join_eui=told, app_key=settings.app_key(key))
