"""`stadtsinn demo`: a market day in Musterstadt, to look at or as a proof."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table

from stadtsinn.base.berlin import date_and_time
from stadtsinn.base.counted import counted
from stadtsinn.base.foreign_text import visible
from stadtsinn.cli.language import decimal, text
from stadtsinn.cli.output import progress_lines, say, say_json
from stadtsinn.cli.sparkline import sparkline
from stadtsinn.cli.stage_options import cache_folder, errors_as_sentences, stage_folder

if TYPE_CHECKING:
    from stadtsinn.simulator.demo.play import Scene, Show

_LOOK_S = 0.5
_LINE_EVERY_S = 5.0
_SPEED = 240.0
"""The first alarm comes a good minute after the pages are there."""


HELP = text(
    "A market day in Musterstadt: sensors, brokers, edge agent, cloud, SMS, public page.\n\n"
    "Example: stadtsinn demo --for 60",
    "Ein Markttag in Musterstadt: Sensoren, Broker, Edge-Agent, Zentrale, SMS, öffentliche "
    "Seite.\n\nBeispiel: stadtsinn demo --for 60",
)


def demo(
    for_seconds: Annotated[
        float | None,
        typer.Option(
            "--for",
            help=text(
                "End by itself so many seconds after the pages are there.",
                "So viele Sekunden nach dem Aufbau von selbst enden.",
            ),
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(help=text("Times real time.", "Vielfaches der Echtzeit."), min=1),
    ] = _SPEED,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help=text(
                "Play the day at full speed with outages and kills, compare with the truth.",
                "Den Tag mit Ausfällen im Eiltempo spielen und mit der Wahrheit vergleichen.",
            ),
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help=text("With --check: report as JSON.", "Mit --check: Bericht als JSON.")
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help=text("Another day.", "Ein anderer Tag."))] = 1,
    port: Annotated[
        int | None, typer.Option(help=text("Port of the pages.", "Port der Seiten."))
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help=text("Keep all files here.", "Alle Dateien hier behalten.")),
    ] = None,
) -> None:
    with errors_as_sentences("demo", as_json), stage_folder(folder) as place:
        if check:
            _check(place, seed, as_json)
        else:
            _show(place, seed, speed, port, for_seconds)


def _check(folder: Path, seed: int, as_json: bool) -> None:
    from stadtsinn.simulator.demo.play import check_day

    report = check_day(folder, cache_folder(), seed=seed, report=progress_lines())
    if as_json:
        say_json(report.to_json().decode())
    else:
        say("\n".join(report.lines()))
        say(", ".join(f"{name} {count}" for name, count in report.counts.items()))
    if not report.ok:
        raise typer.Exit(1)


def _show(
    folder: Path, seed: int, speed: float, port: int | None, for_seconds: float | None
) -> None:
    from stadtsinn.simulator.demo.play import open_show

    console = Console()
    console.print(text("Setting the stage …", "Die Bühne wird aufgebaut …"))
    with open_show(folder, cache_folder(), seed=seed, speed=speed, api_port=port) as show:
        console.print(_addresses(show.stage.base_url))
        end = None if for_seconds is None else time.monotonic() + for_seconds
        watch = _watch_live if console.is_terminal else _watch_lines
        watch(console, show, end)


def _watch_live(console: Console, show: Show, end: float | None) -> None:
    with Live(console=console, refresh_per_second=4) as live:
        while end is None or time.monotonic() < end:
            live.update(_picture(show, show.scene()))
            time.sleep(_LOOK_S)


def _watch_lines(console: Console, show: Show, end: float | None) -> None:
    """Output for a log file: a line at intervals, and every message when it arrives."""
    message, printed, due = None, None, 0.0
    while end is None or time.monotonic() < end:
        scene = show.scene()
        if scene.last_message != message:
            message = scene.last_message
            console.print(f"SMS: {visible(message or '')}", markup=False, highlight=False)
        if scene.watering != printed:
            printed = scene.watering
            console.print(
                text("Watering list: ", "Gießliste: ") + _watering(scene),
                markup=False,
                highlight=False,
            )
        if time.monotonic() >= due:
            due = time.monotonic() + _LINE_EVERY_S
            console.print(
                f"{_clock(scene)}  {_sent(scene)}; {_crowd(scene)}; {_tree(scene)}",
                markup=False,
                highlight=False,
            )
        time.sleep(_LOOK_S)


def _addresses(base: str) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_row(
        text("Public counter", "Öffentlicher Zähler"), f"{base}/musterstadt/zaehler/wochenmarkt"
    )
    table.add_row(text("API documentation", "API-Dokumentation"), f"{base}/api/v1/docs")
    table.add_row(text("Sandbox phone", "Sandbox-Telefon"), f"{base}/sandbox-phone")
    return Panel(table, title=text("Where to look", "Hier ist etwas zu sehen"), expand=False)


def _picture(show: Show, scene: Scene) -> Table:
    span = show.day.span
    bar = ProgressBar(total=span.end - span.start, completed=scene.now - span.start, width=60)
    table = Table.grid(padding=(0, 2))
    table.add_row(text("Time in Musterstadt", "Uhrzeit in Musterstadt"), _clock(scene))
    table.add_row(text("Market day", "Markttag"), bar)
    table.add_row(text("Events sent", "Ereignisse gesendet"), _sent(scene))
    table.add_row(text("Line to the cloud", "Leitung zur Zentrale"), _line(scene))
    table.add_row(text("At the market", "Auf dem Markt"), _crowd(scene))
    table.add_row(text("Soil at Ahorn 31", "Boden am Ahorn 31"), _tree(scene))
    table.add_row(text("Watering list", "Gießliste"), _watering(scene))
    table.add_row(text("Last SMS", "Letzte SMS"), escape(visible(scene.last_message or "–")))
    if scene.finished:
        over = text("The market is over. Ctrl-C ends.", "Der Markt ist vorbei. Strg-C beendet.")
        table.add_row("", over)
    return table


def _clock(scene: Scene) -> str:
    return date_and_time(scene.now)


def _sent(scene: Scene) -> str:
    return text(
        f"{scene.published}, {counted(scene.committed, 'uplink', 'uplinks')} in the log",
        f"{scene.published}, {counted(scene.committed, 'Uplink', 'Uplinks')} im Protokoll",
    )


def _line(scene: Scene) -> str:
    if scene.line_up:
        return text("up", "steht") + _waiting(scene)
    return text("CUT", "UNTERBROCHEN") + _waiting(scene)


def _waiting(scene: Scene) -> str:
    if not scene.spooled:
        return ""
    return text(
        f", {counted(scene.spooled, 'uplink', 'uplinks')} safe in the edge agent",
        f", {counted(scene.spooled, 'Uplink', 'Uplinks')} sicher im Edge-Agenten",
    )


def _tree(scene: Scene) -> str:
    """The tree's soil moisture as bars; one line, whichever sensor measured."""
    if not scene.tree:
        return "–"
    value = decimal(f"{scene.tree[-1]:.1f}")
    line = f"{sparkline(scene.tree)} {value} %"
    if scene.sensor_replaced:
        line += text(" (sensor replaced at 12:00)", " (Sensor um 12:00 getauscht)")
    return line


def _watering(scene: Scene) -> str:
    """What the crew takes along, and the file to look at."""
    if scene.watering is None:
        return text("at 13:00", "um 13:00")
    trees = len(scene.watering.made.trees)
    litres = sum(tour.litres for tour in scene.watering.made.tours)
    return text(
        f"{counted(trees, 'tree', 'trees')}, {litres:.0f} l: {scene.watering.page}",
        f"{counted(trees, 'Baum', 'Bäume')}, {litres:.0f} l: {scene.watering.page}",
    )


def _crowd(scene: Scene) -> str:
    if scene.zone is None:
        return "–"
    zone = scene.zone
    return text(
        f"{counted(zone.occupancy, 'person', 'persons')} ({zone.low} to {zone.high}); in truth "
        f"{scene.truth}",
        f"{counted(zone.occupancy, 'Person', 'Personen')} ({zone.low} bis {zone.high}); in "
        f"Wahrheit {scene.truth}",
    )
