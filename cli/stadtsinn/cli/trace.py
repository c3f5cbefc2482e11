"""`stadtsinn trace`: where a device's measurement got stuck, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.berlin import isoformat, write_time
from stadtsinn.base.counted import counted
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cli.ages import age, span
from stadtsinn.cli.frame import FAILED
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Clock, Json
from stadtsinn.cli.output import print_facts, print_json, print_table, say
from stadtsinn.cli.times import shown_moment
from stadtsinn.cli.trace_words import next_step, undecoded_in_words

if TYPE_CHECKING:
    from stadtsinn.cloud.operations.trace import Step, Trace

app = typer.Typer(add_completion=False)


@app.command(
    help=text(
        "Follow a device's last uplink through every stage, and say what is missing next and what "
        "to do about it.\n\nExample: stadtsinn trace 70b3d57ed0000001",
        "Der letzten Meldung eines Geräts durch alle Stationen folgen und sagen, was als Nächstes "
        "fehlt und was zu tun ist.\n\nBeispiel: stadtsinn trace 70b3d57ed0000001",
    )
)
def trace(
    device: Annotated[str, typer.Argument(help="DevEUI.")],
    config: Config = DEFAULT_CONFIG,
    clock: Clock = None,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.operations.trace import trace as follow
    from stadtsinn.cloud.series.points import PointMaker
    from stadtsinn.cloud.town.service import dev_eui

    with installation(config, clock, reading=True) as opened:
        now = opened.clock.now()
        eui = dev_eui(device)
        with opened.database.read() as connection:
            points = PointMaker(opened.directory, opened.clock)
            found = follow(connection, points, opened.series, eui, now)
    if json_lines:
        print_json(_document(found))
    else:
        _print(found, now)
    if found.device is None:
        raise typer.Exit(FAILED)


def _print(found: Trace, now: Instant) -> None:
    print_facts(_facts(found, now))
    if found.steps:
        say()
        print_table(
            [text("Stage", "Abschnitt"), text("When", "Wann"), text("What", "Was")],
            [[_stage(step), _when(step), _told(step)] for step in found.steps],
        )
    say()
    say(next_step(found, now))


def _facts(found: Trace, now: Instant) -> Iterator[tuple[str, str]]:
    yield text("device", "Gerät"), found.dev_eui
    device = found.device
    if device is not None:
        yield text("name", "Name"), f"{device.name}, {device.device_type}, {device.tenant_id}"
        heard = text("never", "nie") if device.seen_at is None else age(device.seen_at, now)
        every = span(device.interval_s * SECOND)
        yield (
            text("heard", "gehört"),
            text(f"{heard} ago, expected every {every}", f"vor {heard}, erwartet alle {every}")
            if device.seen_at is not None
            else text(f"never, expected every {every}", f"nie, erwartet alle {every}"),
        )
    for row in found.quarantined:
        yield (
            text("quarantine", "Quarantäne"),
            text(
                f"no. {row.id}, {row.times} ×, last {shown_moment(row.last_at)}: {row.reason}",
                f"Nr. {row.id}, {row.times} ×, zuletzt {shown_moment(row.last_at)}: {row.reason}",
            ),
        )


def _stage(step: Step) -> str:
    words = {
        "radio": text("radio", "Funk"),
        "edge": text("received, spooled", "empfangen, verwahrt"),
        "log": text("delivered, logged", "geliefert, im Log"),
        "decoded": text("decoded", "dekodiert"),
        "station": text("station", "Messstelle"),
        "series": text("series", "Messreihe"),
        "live": text("counts", "Zählung"),
        "alerts": text("alarms judged", "Alarme beurteilt"),
    }
    return ("✓ " if step.done else "✗ ") + words[step.stage]


def _when(step: Step) -> str:
    return "" if step.at is None else shown_moment(step.at)


def _told(step: Step) -> str:
    told = step.told
    if step.stage == "radio":
        signal = f", {told['rssi']} dBm, {told['snr']:.0f} dB" if "rssi" in told else ""
        gateways = counted(told["gateways"], "gateway", "gateways")
        return text(
            f"{gateways}{signal}, time of {told['clock']}",
            f"{gateways.capitalize()}{signal}, Zeit {clock_words(told)}",
        )
    if step.stage == "decoded" and step.done:
        return text(
            f"{told['decoder']}, {counted(told['values'], 'value', 'values')}",
            f"{told['decoder']}, {counted(told['values'], 'Wert', 'Werte')}",
        )
    if step.stage == "decoded":
        return undecoded_in_words(told)
    if step.stage == "station":
        stations = told["stations"]
        assert isinstance(stations, list)
        return ", ".join(stations) or text("at none", "an keiner")
    return _joined(told)


def clock_words(told: Mapping[str, object]) -> str:
    """Whose clock told the time, in German words."""
    words = {
        "gps": "aus GPS",
        "gateway": "des Gateways",
        "network_server": "des Netzwerkservers",
        "arrival": "der Ankunft",
        "corrected": "berichtigt",
    }
    named = str(told["clock"])
    return words.get(named, named)


def _joined(told: Mapping[str, object]) -> str:
    known = {name: value for name, value in told.items() if name != "follower"}
    if isinstance(latest := known.get("latest"), int):
        by = shown_moment(latest)
        return text(f"by {by} at the latest", f"spätestens {by}")
    if "behind" in known:
        return text(
            f"{counted(known['behind'], 'uplink', 'uplinks')} behind",
            f"{counted(known['behind'], 'Meldung', 'Meldungen')} zurück",
        )
    if "position" in known:
        return text(f"position {known['position']}", f"Position {known['position']}")
    return ": ".join(str(value) for value in known.values())


def _document(found: Trace) -> dict[str, object]:
    return {
        "dev_eui": found.dev_eui,
        "registered": found.device is not None,
        "tenant": found.device.tenant_id if found.device else None,
        "steps": [
            {
                "stage": step.stage.value,
                "done": step.done,
                "at": write_time(step.at),
                **_plain(step.told),
            }
            for step in found.steps
        ],
        "missing": {
            "why": found.missing.why.value,
            "stage": found.missing.stage.value if found.missing.stage else None,
            **_plain(found.missing.told),
        },
        "quarantined": [row.id for row in found.quarantined],
    }


def _plain(told: Mapping[str, object]) -> dict[str, object]:
    """Times as text."""
    return {
        name: isoformat(value)
        if name in ("since", "at", "latest") and isinstance(value, int)
        else value
        for name, value in told.items()
    }
