"""`stadtsinn device status`: when each device was heard of, how well, and how its battery is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.berlin import write_time
from stadtsinn.base.instant import SECOND
from stadtsinn.cli.ages import age, span
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import decimal, text
from stadtsinn.cli.options import Clock, Json
from stadtsinn.cli.output import print_list
from stadtsinn.cli.reading_words import trouble_in_words
from stadtsinn.cli.town_choice import Tenant, scope_of_device, scope_of_town
from stadtsinn.decoders.reading import Undecoded
from stadtsinn.decoders.undecoded import why_undecoded

if TYPE_CHECKING:
    from stadtsinn.base.instant import Instant
    from stadtsinn.cloud.operations.devices import DeviceView
    from stadtsinn.decoders.reading import Reading

HELP = text(
    "Show devices: when they were heard of and how often they should be, signal, battery, what was "
    "wrong with their last uplink. Those that are silent come first.\n\n"
    "Example: stadtsinn device status --silent",
    "Geräte zeigen: wann gehört und wie oft erwartet, Signal, Batterie, was an der letzten "
    "Meldung falsch war. Die stummen stehen vorn.\n\nBeispiel: stadtsinn device status --silent",
)


def status(
    device: Annotated[
        str | None, typer.Argument(help=text("Only this DevEUI.", "Nur diese DevEUI."))
    ] = None,
    tenant: Tenant = None,
    silent: Annotated[
        bool,
        typer.Option(
            "--silent", help=text("Only those not heard of.", "Nur die, von denen nichts kommt.")
        ),
    ] = False,
    config: Config = DEFAULT_CONFIG,
    clock: Clock = None,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.operations.devices import Presence, devices
    from stadtsinn.cloud.town.service import dev_eui

    with installation(config, clock, reading=True) as opened:
        now = opened.clock.now()
        limits = opened.settings.limits
        with opened.database.read() as connection:
            eui = None if device is None else dev_eui(device)
            if eui is not None:
                tenant = scope_of_device(connection, eui, limits).tenant_id
            elif tenant is not None:
                scope_of_town(connection, tenant, limits)
            found = devices(connection, now, tenant, eui)
    registered = bool(found)
    if silent:
        found = [one for one in found if one.presence is not Presence.FINE]
    found.sort(key=lambda one: (one.presence is Presence.FINE, one.dev_eui))
    print_list(
        found,
        {
            "DevEUI": lambda one: one.dev_eui,
            text("Name", "Name"): lambda one: one.name,
            text("Heard", "Gehört"): lambda one: _heard(one, now),
            text("Every", "Alle"): lambda one: span(one.interval_s * SECOND),
            "Signal": _signal,
            text("Battery", "Batterie"): _battery,
            text("Trouble", "Störung"): _trouble,
        },
        _fields,
        as_json=json_lines,
        empty=_none(registered),
    )


def _none(registered: bool) -> str:
    if registered:
        return text(
            "every device was heard in time: 'stadtsinn device status' shows them",
            "von jedem Gerät kam rechtzeitig etwas: 'stadtsinn device status' zeigt alle",
        )
    return text(
        "no device is registered: 'stadtsinn registry import-devices' or 'stadtsinn registry "
        "apply' registers some",
        "kein Gerät ist angelegt: 'stadtsinn registry import-devices' oder 'stadtsinn registry "
        "apply' legt welche an",
    )


def _heard(one: DeviceView, now: Instant) -> str:
    return text("never", "nie") if one.seen_at is None else age(one.seen_at, now)


def _signal(one: DeviceView) -> str:
    """RSSI and SNR at the gateway that heard it best."""
    return "–" if one.rssi is None else f"{one.rssi}/{one.snr:.0f}"


def _battery(one: DeviceView) -> str:
    if one.battery is None:
        return "–"
    units = {"battery_level": " %", "battery_voltage": " V"}
    if one.battery.quantity not in units:
        return text("low", "schwach") if one.battery_is_low else text("good", "gut")
    shown = decimal(f"{one.battery.value:.3g}{units[one.battery.quantity]}")
    return f"{shown} !" if one.battery_is_low else shown


def _trouble(one: DeviceView) -> str:
    said = {"silent": text("silent", "stumm"), "never": text("never heard", "nie gehört")}
    wrong = "" if one.trouble is None else trouble_in_words(one.trouble)
    parts = (said.get(one.presence, ""), wrong)
    return "; ".join(part for part in parts if part)


def _fields(one: DeviceView) -> dict[str, object]:
    return {
        "dev_eui": one.dev_eui,
        "tenant": one.tenant_id,
        "name": one.name,
        "device_type": one.device_type,
        "state": one.presence.value,
        "seen": write_time(one.seen_at),
        "interval_s": one.interval_s,
        "source": one.source or None,
        "rssi": one.rssi,
        "snr": one.snr,
        "gateways": one.gateways,
        "battery": None if one.battery is None else one.battery.value,
        "battery_quantity": None if one.battery is None else one.battery.quantity,
        "battery_low": one.battery_is_low,
        "trouble": None if one.trouble is None else _code(one.trouble),
    }


def _code(trouble: Undecoded | Reading) -> str:
    """For programs: the same in each language."""
    if isinstance(trouble, Undecoded):
        return why_undecoded(trouble).english
    return f"{trouble.quantity} {trouble.quality}: {trouble.reason}"
