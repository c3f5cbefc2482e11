"""`stadtsinn rule backtest`: a rule tried over what was measured."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.sentence import Unusable
from stadtsinn.cli.frame import FAILED, refuse
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import readers_language, text
from stadtsinn.cli.times import read_end, read_moment
from stadtsinn.cli.town_choice import Tenant, scope_of_town

if TYPE_CHECKING:
    from stadtsinn.cloud.alarms.alerts.rule import Rule
    from stadtsinn.cloud.alarms.backtest.grid import Grid
    from stadtsinn.cloud.alarms.backtest.labels import Label
    from stadtsinn.cloud.series.stores.store import SeriesReader

HELP = text(
    "Try a rule over the stored history: every message that would have been sent, when and to "
    "whom. Nothing is changed and nobody is told. With --labels it ends with 1 where an event was "
    "missed.\n\n"
    "Example: stadtsinn rule backtest draft.toml --from 2026-06-01 --to 2026-08-31 --grid",
    "Eine Regel an den gespeicherten Messwerten ausprobieren: jede Meldung, die verschickt worden "
    "wäre, wann und an wen. Es wird nichts geändert und niemand benachrichtigt. Mit --labels endet "
    "es mit 1, wenn ein Ereignis verpasst wurde.\n\n"
    "Beispiel: stadtsinn rule backtest entwurf.toml --from 2026-06-01 --to 2026-08-31 --grid",
)
_PROCESSES = 2


class Form(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def backtest(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help=text("Rule file (TOML).", "Regeldatei (TOML)."),
        ),
    ],
    start: Annotated[
        str, typer.Option("--from", help=text("A day or a time.", "Ein Tag oder eine Zeit."))
    ],
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            help=text("To the end of this day; now.", "Bis zum Ende dieses Tages; sonst jetzt."),
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            "--rule",
            help=text("Which rule, where the file has several.", "Welche Regel der Datei."),
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            help=text(
                "What really happened (CSV: from,to,label): shows missed events and false alarms.",
                "Was wirklich war (CSV: von,bis,ereignis): zeigt Verpasstes und Fehlalarme.",
            ),
        ),
    ] = None,
    grid: Annotated[
        bool,
        typer.Option(
            "--grid",
            help=text(
                "Also what other limits and holds would do.",
                "Auch, was andere Grenzen und Dauern täten.",
            ),
        ),
    ] = False,
    limits: Annotated[
        str,
        typer.Option(
            "--limits",
            help=text("Of the grid, e.g. 12,15,18.", "Grenzen dafür, z. B. 12,15,18."),
        ),
    ] = "",
    holds: Annotated[
        str,
        typer.Option(
            "--holds",
            help=text(
                "Of the grid, in seconds, e.g. 0,600,3600.",
                "Dauern dafür in Sekunden, z. B. 0,600,3600.",
            ),
        ),
    ] = "",
    svg: Annotated[
        Path | None,
        typer.Option(
            "--svg", metavar="FILE", help=text("Draw it into a file.", "Als Bild in eine Datei.")
        ),
    ] = None,
    tenant: Tenant = None,
    form: Annotated[
        Form, typer.Option("--format", help=text("How it is printed.", "Wie es ausgegeben wird."))
    ] = Form.TEXT,
    config: Config = DEFAULT_CONFIG,
) -> None:
    from stadtsinn.cli.rule_report import print_report
    from stadtsinn.cloud.alarms.backtest.chart import drawn
    from stadtsinn.cloud.alarms.backtest.running import judged
    from stadtsinn.cloud.alarms.backtest.service import Question, prepare, report

    language = readers_language()
    with installation(config, reading=True) as opened:
        wanted = _rule(file, rule)
        question = Question(
            wanted,
            read_moment("--from", start),
            opened.clock.now() if end is None else read_end("--to", end),
            None if labels is None else _labels(labels),
            _grid(wanted, limits, holds) if grid or limits or holds else None,
            language,
        )
        with opened.database.read() as connection:
            scope = scope_of_town(connection, tenant, opened.settings.limits)
            prepared = prepare(connection, scope, question)
        opening = partial(open_series, config)
        found = report(prepared, judged(prepared.tasks, opening, _PROCESSES))
        if svg is not None:
            svg.write_text(drawn(found), encoding="utf-8")
    print_report(found, form)
    if found.score is not None and found.score.missed:
        raise typer.Exit(FAILED)


def open_series(config: Path) -> SeriesReader:
    """The installation's series, in this process or another."""
    from stadtsinn.base.clock import open_clock
    from stadtsinn.cli.installation import read_settings
    from stadtsinn.cloud.parts import Parts
    from stadtsinn.cloud.series.retention.kept import KeptSeries

    settings = read_settings(config)
    parts = Parts(settings, open_clock(settings.clock))
    return KeptSeries(parts.series, parts.database, parts.clock)


def _rule(file: Path, slug: str | None) -> Rule:
    from stadtsinn.cloud.alarms.rule_files.reading import read_files

    found = [one.rule for one in read_files([file])]
    if slug is None and len(found) == 1:
        return found[0]
    names = ", ".join(one.slug for one in found)
    chosen = next((one for one in found if one.slug == slug), None)
    if chosen is None:
        refuse(
            text(
                f"{file} has the rules {names}: name one with --rule",
                f"{file} enthält die Regeln {names}: eine mit --rule nennen",
            )
        )
    return chosen


def _labels(file: Path) -> list[Label]:
    from stadtsinn.base.bounded_files import LISTS, read_whole
    from stadtsinn.cloud.alarms.backtest.labels import LabelsRefused, read_labels

    try:
        return read_labels(read_whole(file, LISTS))
    except LabelsRefused as refused:
        raise LabelsRefused.of(refused.sentence.about(file)) from None


def _grid(rule: Rule, limits: str, holds: str) -> Grid:
    from stadtsinn.cloud.alarms.backtest.grid import grid_of

    try:
        tried = [float(one) for one in limits.split(",") if one.strip()]
        spans = [int(one) for one in holds.split(",") if one.strip()]
    except ValueError:
        raise Unusable(
            "--limits and --holds are numbers with commas between them: --limits 12,15.5,18",
            "--limits und --holds sind Zahlen mit Kommas dazwischen: --limits 12,15.5,18",
        ) from None
    return grid_of(rule, tried, spans)
