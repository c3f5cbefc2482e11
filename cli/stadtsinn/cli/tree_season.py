"""`stadtsinn tree answers` and `season`: what the water did, and what a year was like."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import decimal, german, text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_json, print_list, say
from stadtsinn.cli.times import shown_moment
from stadtsinn.cli.town_choice import Tenant, scope_of_town

if TYPE_CHECKING:
    from stadtsinn.cloud.domains.trees.answers import Answer
    from stadtsinn.cloud.domains.trees.season import Season
    from stadtsinn.cloud.domains.trees.season_service import Answers

ANSWERS_HELP = text(
    "Show whether the soil answered the waterings of a group's reference tree.\n\n"
    "Example: stadtsinn tree answers junge-linden",
    "Zeigen, ob der Boden auf die Wässerungen des Messbaums einer Gruppe geantwortet hat.\n\n"
    "Beispiel: stadtsinn tree answers junge-linden",
)
SEASON_HELP = text(
    "Show a season: litres, waterings, dry days, trees at risk.\n\n"
    "Example: stadtsinn tree season --year 2026 --out giessjahr.csv",
    "Ein Gießjahr zeigen: Liter, Wässerungen, trockene Tage, gefährdete Bäume.\n\n"
    "Beispiel: stadtsinn tree season --year 2026 --out giessjahr.csv",
)


def answers(
    group: Annotated[
        str, typer.Argument(metavar="GROUP", help=text("Its short name.", "Ihr Kurzname."))
    ],
    tenant: Tenant = None,
    days: Annotated[
        int, typer.Option(min=1, max=400, help=text("So far back.", "So weit zurück."))
    ] = 90,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.cloud.domains.trees.season_service import answers_of
    from stadtsinn.cloud.series.retention.kept import KeptSeries

    with installation(config, reading=True) as opened:
        with opened.database.read() as connection:
            scope = scope_of_town(connection, tenant, opened.settings.limits)
        kept = KeptSeries(opened.series, opened.database, opened.clock)
        now = opened.clock.now()
        found = answers_of(opened.database, kept, scope, group, days, now)
    if found.reference_tree is None and not as_json:
        say(
            text(
                "which tree stands at the station? Set 'reference_tree' of the group",
                "welcher Baum steht an der Messstelle? 'reference_tree' der Gruppe setzen",
            )
        )
        return
    _print_answers(found, as_json=as_json)


def _print_answers(found: Answers, *, as_json: bool) -> None:

    print_list(
        found.answers,
        {
            text("Watered", "Gegossen"): lambda one: shown_moment(one.watering.watered_at),
            text("Litres", "Liter"): lambda one: decimal(f"{one.watering.litres:g}"),
            text("Soil", "Boden"): _outcome,
            text("Depths", "Tiefen"): lambda one: ", ".join(map(_depth, _pairs(one))),
        },
        lambda one: {**asdict(one), "outcome": one.outcome.value},
        as_json=as_json,
        empty=text("no waterings of its tree", "keine Wässerungen des Messbaums"),
    )
    if as_json:
        return
    for line in found.calibration:
        depth = decimal(f"{line.depth_cm:g} cm")
        rise = decimal(f"{line.rise_per_100_l:g} ") + line.scale
        say(
            text(
                f"{depth}: 100 l make it {rise} wetter "
                f"({counted(line.waterings, 'watering', 'waterings')})",
                f"{depth}: 100 l machen es um {rise} feuchter "
                f"({counted(line.waterings, 'Wässerung', 'Wässerungen')})",
            )
        )


def _pairs(one: Answer) -> list[tuple[float, str, float, float]]:
    return [(depth.depth_cm, depth.scale, depth.before, depth.after) for depth in one.depths]


def _depth(pair: tuple[float, str, float, float]) -> str:
    depth_cm, scale, before, after = pair
    return decimal(f"{depth_cm:g} cm: {before:.1f} → {after:.1f} ") + scale


def _outcome(one: Answer) -> str:
    from stadtsinn.cloud.domains.trees.answers import Outcome

    said = {
        Outcome.ANSWERED: text("answered", "hat geantwortet"),
        Outcome.NO_ANSWER: text(
            "no answer: the water does not arrive, or the sensor has no contact",
            "keine Antwort: Das Wasser kommt nicht an, oder der Sensor hat keinen Kontakt",
        ),
        Outcome.WAITING: text("a day has not passed", "ein Tag ist noch nicht um"),
        Outcome.NOT_MEASURED: text("nothing was measured", "nichts gemessen"),
    }
    return said[one.outcome]


def season(
    tenant: Tenant = None,
    year: Annotated[
        int | None,
        typer.Option(
            min=1970, max=2254, help=text("This one by default.", "Vorgabe: das laufende.")
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help=text("Write a CSV.", "Als CSV schreiben.")),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.base.berlin import local
    from stadtsinn.base.csv_text import Locale
    from stadtsinn.cloud.domains.trees.season_csv import season_csv
    from stadtsinn.cloud.domains.trees.season_service import season_of

    with installation(config, reading=True) as opened:
        with opened.database.read() as connection:
            scope = scope_of_town(connection, tenant, opened.settings.limits)
        now = opened.clock.now()
        found = season_of(opened.database, scope, year or local(now).year, now)
    if out is not None:
        out.write_bytes(season_csv(found, Locale.DE if german() else Locale.EN))
    elif as_json:
        print_json(asdict(found))
    else:
        _print_season(found)


def _print_season(found: Season) -> None:
    print_list(
        found.groups,
        {
            text("Group", "Gruppe"): lambda one: one.group or text("(none)", "(keine)"),
            text("Trees", "Bäume"): lambda one: str(one.trees),
            text("watered", "gegossen"): lambda one: str(one.watered_trees),
            text("Waterings", "Wässerungen"): lambda one: str(one.waterings),
            text("Litres", "Liter"): lambda one: decimal(f"{one.litres:g}"),
            text("Dry days", "Tage unter der Schwelle"): lambda one: str(one.dry_days),
            text("urgent", "dringend"): lambda one: str(one.urgent_days),
            text("judged", "beurteilt"): lambda one: str(one.judged_days),
        },
        asdict,
        as_json=False,
        empty=text("no trees", "keine Bäume"),
    )
    if found.at_risk_count:
        named = ", ".join(found.at_risk[:20])
        more = " …" if found.at_risk_count > 20 else ""
        say(
            text(
                f"{counted(found.at_risk_count, 'tree', 'trees')} at risk: {named}{more}",
                f"{counted(found.at_risk_count, 'gefährdeter Baum', 'gefährdete Bäume')}: "
                f"{named}{more}",
            )
        )
