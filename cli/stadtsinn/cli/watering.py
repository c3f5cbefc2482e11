"""`stadtsinn tree watering-list`, `water`, `forecast`: what a crew gets, and what it did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import decimal, readers_language, text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_json, print_list, say
from stadtsinn.cli.times import shown_day, shown_moment
from stadtsinn.cli.town_choice import Tenant, open_town, scope_of_town
from stadtsinn.cli.typed import as_typed

if TYPE_CHECKING:
    from stadtsinn.cloud.domains.trees.watering_list import WateringList

LIST_HELP = text(
    "Show which trees to water today, or write the list as a file to print, to edit or for "
    "maps.\n\nExample: stadtsinn tree watering-list --out giessliste.html",
    "Zeigen, welche Bäume heute Wasser brauchen, oder die Liste als Datei zum Drucken, "
    "Bearbeiten oder für Karten schreiben.\n\n"
    "Beispiel: stadtsinn tree watering-list --out giessliste.html",
)
WATER_HELP = text(
    "Log a watering, also afterwards.\n\n"
    "Example: stadtsinn tree water L-17 100 --at '2026-07-15 08:40' --crew 'Kolonne 2'",
    "Eine Wässerung eintragen, auch nachträglich.\n\n"
    "Beispiel: stadtsinn tree water L-17 100 --at '2026-07-15 08:40' --crew 'Kolonne 2'",
)
FORECAST_HELP = text(
    "Bring a forecast of rain (CSV: time, mm).\n\nExample: stadtsinn tree forecast regen.csv",
    "Eine Regenvorhersage einlesen (CSV: Zeit, mm).\n\nBeispiel: stadtsinn tree forecast regen.csv",
)


def _no_groups() -> str:
    """The answer to who has no group of trees yet."""
    return text(
        "no groups of trees: make one for each measured tree (docs/trees.md)",
        "keine Baumgruppen: zu jedem Messbaum eine anlegen (docs/trees.md)",
    )


def watering_list(
    tenant: Tenant = None,
    day: Annotated[
        str | None,
        typer.Option(metavar="DAY", help=text("Today by default.", "Vorgabe: heute.")),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help=text(
                "Write a file: .html (print), .csv or .geojson.",
                "Datei schreiben: .html (Druck), .csv oder .geojson.",
            ),
        ),
    ] = None,
    now: Annotated[
        bool,
        typer.Option(
            "--now",
            help=text("Judge the groups anew first.", "Die Gruppen vorher neu beurteilen."),
        ),
    ] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.base.berlin import local
    from stadtsinn.cli.times import read_day
    from stadtsinn.cloud.domains.trees import repository
    from stadtsinn.cloud.domains.trees.daily import judge_groups
    from stadtsinn.cloud.domains.trees.watering_service import watering_list as listed
    from stadtsinn.cloud.platform.tenants.repository import require_tenant
    from stadtsinn.cloud.series.retention.kept import KeptSeries

    with installation(config, reading=not now) as opened:
        moment = opened.clock.now()
        wanted = local(moment).date() if day is None else read_day("--day", day)
        with opened.database.read() as connection:
            scope = scope_of_town(connection, tenant, opened.settings.limits)
            slugs = repository.group_ids(connection, scope)
        if now:
            kept = KeptSeries(opened.series, opened.database, opened.clock)
            judge_groups(opened.database, kept, scope, slugs, moment)
        with opened.database.read() as connection:
            made = listed(connection, scope, wanted, moment)
            town = require_tenant(connection, scope.tenant_id).name
    if out is not None:
        _write_list(out, made, town)
    elif as_json:
        _print_list_json(made)
    else:
        _print_list(made)


def _write_list(out: Path, made: WateringList, town: str) -> None:
    from stadtsinn.base.csv_text import Locale
    from stadtsinn.cli.language import german
    from stadtsinn.cloud.domains.trees.list_csv import list_csv
    from stadtsinn.cloud.domains.trees.list_geojson import list_geojson
    from stadtsinn.cloud.domains.trees.list_page import list_page

    kind = out.suffix.lower()
    if kind == ".html":
        content = list_page(made, town).encode()
    elif kind == ".csv":
        content = list_csv(made, Locale.DE if german() else Locale.EN)
    elif kind in {".geojson", ".json"}:
        content = json.dumps(list_geojson(made), ensure_ascii=False).encode()
    else:
        refuse(
            text(
                f"'{out}' has to end in .html, .csv or .geojson",
                f"'{out}' muss auf .html, .csv oder .geojson enden",
            )
        )
    out.write_bytes(content)
    trees = len(made.trees)
    say(
        text(
            f"{counted(trees, 'tree', 'trees')} in {out}",
            f"{counted(trees, 'Baum', 'Bäume')} in {out}",
        )
    )


def _print_list_json(made: WateringList) -> None:
    from stadtsinn.cloud.domains.trees.list_geojson import listed_fields

    for fields in listed_fields(made):
        print_json(fields)


def _print_list(made: WateringList) -> None:
    from stadtsinn.cloud.domains.trees.words import LEVELS, reason, said

    language = readers_language()
    if made.judged_at is None and made.groups:
        day = shown_day(made.day)
        say(
            text(
                f"no list of {day}: it is made at {made.settings.list_at}; --now judges now",
                f"keine Liste vom {day}: sie entsteht um {made.settings.list_at} Uhr; --now "
                "beurteilt sofort",
            )
        )
    elif made.judged_at is not None:
        say(text("Values up to ", "Messwerte bis ") + shown_moment(made.judged_at))
    print_list(
        made.groups,
        {
            text("Group", "Gruppe"): lambda one: one.group.name,
            text("Level", "Stufe"): lambda one: said(LEVELS[one.level], language),
            text("Reason", "Grund"): lambda one: (
                "" if one.day is None else reason(one.day.verdict, language)
            ),
            text("Trees", "Bäume"): lambda one: str(one.trees),
        },
        lambda one: one.group.slug,
        as_json=False,
        empty=_no_groups(),
    )
    rows = [(number, one) for number, tour in enumerate(made.tours, 1) for one in tour.trees]
    say()
    print_list(
        rows,
        {
            "Tour": lambda row: str(row[0]),
            text("Tree", "Baum"): lambda row: row[1].tree.number,
            text("Place", "Standort"): lambda row: row[1].tree.street,
            text("Level", "Stufe"): lambda row: said(LEVELS[row[1].level], language),
            text("Litres", "Liter"): lambda row: decimal(f"{row[1].litres:g}"),
        },
        lambda row: row[1].tree.number,
        as_json=False,
        empty=text("nothing has to be watered", "nichts muss gegossen werden"),
    )
    for line in _list_notes(made):
        say(line)


def _list_notes(made: WateringList) -> list[str]:
    found = []
    if made.resting:
        found.append(
            text(
                f"watered a short while ago: {counted(made.resting, 'tree', 'trees')}",
                f"gerade erst gegossen: {counted(made.resting, 'Baum', 'Bäume')}",
            )
        )
    if made.without_group:
        found.append(
            text(
                f"without a group: {counted(made.without_group, 'tree', 'trees')} "
                "('stadtsinn tree list --without-group')",
                f"ohne Gruppe: {counted(made.without_group, 'Baum', 'Bäume')} "
                "('stadtsinn tree list --without-group')",
            )
        )
    if made.left_off:
        found.append(text(f"{made.left_off} more are due", f"{made.left_off} weitere sind fällig"))
    return found


def water(
    tree: Annotated[str, typer.Argument(metavar="TREE", help=text("Its number.", "Seine Nummer."))],
    litres: Annotated[float, typer.Argument(min=0.1, max=20_000, help=text("Litres.", "Liter."))],
    tenant: Tenant = None,
    at: Annotated[
        str | None, typer.Option("--at", help=text("When; now by default.", "Wann; sonst jetzt."))
    ] = None,
    crew: Annotated[str, typer.Option(help=text("Who watered.", "Wer gegossen hat."))] = "",
    remark: Annotated[str, typer.Option(help=text("A remark.", "Eine Bemerkung."))] = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    from stadtsinn.base.instant import to_datetime
    from stadtsinn.cli.times import read_moment
    from stadtsinn.cloud.domains.trees.model import WateringBody
    from stadtsinn.cloud.domains.trees.watering_service import log_watering

    with installation(config) as opened:
        now = opened.clock.now()
        when = None if at is None else to_datetime(read_moment("--at", at))
        with as_typed(tree="TREE", litres="litres", watered_at="--at"):
            body = WateringBody(tree=tree, litres=litres, crew=crew, remark=remark, watered_at=when)
            with opened.database.write() as connection:
                scope = scope_of_town(connection, tenant, opened.settings.limits)
                logged = log_watering(connection, scope, body, now)
    amount = decimal(f"{logged.litres:g}")
    say(f"{logged.tree}: {amount} l, {shown_moment(logged.watered_at)}")


def forecast(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=text("The forecast.", "Die Vorhersage."))
    ],
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    from stadtsinn.base.bounded_files import LISTS, read_whole
    from stadtsinn.cloud.domains.trees import repository
    from stadtsinn.cloud.domains.trees.forecast_file import read_forecast
    from stadtsinn.cloud.town.service import change

    with open_town(config, tenant) as (opened, scope):
        now = opened.clock.now()
        hours = read_forecast(read_whole(file, LISTS))
        with change(opened.database, scope, now) as connection:
            repository.write_forecast(connection, scope, hours, now)
    say(
        text(
            f"{counted(len(hours), 'hour', 'hours')} of rain",
            f"{counted(len(hours), 'Stunde', 'Stunden')} Regen",
        )
    )
