"""`stadtsinn tree`: the tree register, its groups, the watering list, waterings, the season."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.cli import tree_season, watering
from stadtsinn.cli.frame import FAILED, refuse
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import text
from stadtsinn.cli.options import DryRun, Json
from stadtsinn.cli.output import print_json, print_list, say
from stadtsinn.cli.town_choice import Tenant, open_town, read_town

if TYPE_CHECKING:
    from stadtsinn.base.sentence import Sentence
    from stadtsinn.cloud.domains.trees.grouping import Grouping
    from stadtsinn.cloud.domains.trees.model import TreeGroup
    from stadtsinn.cloud.domains.trees.register_row import Tree
    from stadtsinn.cloud.domains.trees.register_service import Imported

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Trees and their watering.", "Bäume und das Gießen."),
)
app.command("watering-list", help=watering.LIST_HELP)(watering.watering_list)
app.command("water", help=watering.WATER_HELP)(watering.water)
app.command("forecast", help=watering.FORECAST_HELP)(watering.forecast)
app.command("answers", help=tree_season.ANSWERS_HELP)(tree_season.answers)
app.command("season", help=tree_season.SEASON_HELP)(tree_season.season)


@app.command(
    "import",
    help=text(
        "Import a tree register (CSV or GeoJSON).\n\n"
        "Example: stadtsinn tree import baumkataster.csv --crs EPSG:25832",
        "Ein Baumkataster einlesen (CSV oder GeoJSON).\n\n"
        "Beispiel: stadtsinn tree import baumkataster.csv --crs EPSG:25832",
    ),
)
def import_trees(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=text("The register.", "Das Kataster."))
    ],
    tenant: Tenant = None,
    crs: Annotated[
        str | None,
        typer.Option(
            "--crs",
            help=text(
                "Coordinate system, where the file does not say it: EPSG:25832.",
                "Koordinatensystem, wenn die Datei es nicht sagt: EPSG:25832.",
            ),
        ),
    ] = None,
    number: Annotated[
        list[str] | None,
        typer.Option(
            "--number",
            help=text(
                "Column that numbers a tree; several are put together.",
                "Spalte mit der Baumnummer; mehrere werden zusammengesetzt.",
            ),
        ),
    ] = None,
    remove_missing: Annotated[
        bool,
        typer.Option(
            "--remove-missing",
            help=text(
                "Delete trees that the file does not have.",
                "Bäume löschen, die in der Datei fehlen.",
            ),
        ),
    ] = False,
    dry_run: DryRun = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.base.bounded_files import REGISTERS, read_whole
    from stadtsinn.cloud.domains.trees.register_file import RegisterRefused
    from stadtsinn.cloud.domains.trees.register_service import Wanted, import_register

    refused: Sentence | None = None
    with open_town(config, tenant) as (opened, scope):
        wanted = Wanted(crs, tuple(number or ()), remove_missing, dry_run)
        content, now = read_whole(file, REGISTERS), opened.clock.now()
        try:
            done = import_register(opened.database, scope, content, wanted, now)
        except RegisterRefused as error:
            refused = error.sentence
    if refused is not None:
        said = text(f"nothing was changed\n{refused}", f"nichts geändert\n{refused.german}")
        refuse(said, FAILED)
    if as_json:
        print_json(_import_fields(done))
    else:
        _say_import(done)


def _import_fields(done: Imported) -> dict[str, object]:
    return {
        "trees": len(done.register.trees),
        "new": done.new,
        "changed": done.changed,
        "same": done.same,
        "missing": done.missing,
        "removed": done.removed,
        "without_position": done.register.unplaced,
        "crs": done.register.system,
        "left_out": list(done.register.left_out),
    }


def _say_import(done: Imported) -> None:
    trees = len(done.register.trees)
    say(
        text(
            f"{counted(trees, 'tree', 'trees')}: {done.new} new, {done.changed} changed, "
            f"{done.same} as they were",
            f"{counted(trees, 'Baum', 'Bäume')}: {done.new} neu, {done.changed} geändert, "
            f"{done.same} unverändert",
        )
    )
    if done.register.system:
        say(text("Coordinates: ", "Koordinaten: ") + done.register.system)
    if unplaced := done.register.unplaced:
        say(
            text(
                f"{unplaced} without coordinates: they come last on watering lists",
                f"{unplaced} ohne Koordinaten: sie stehen am Ende der Gießlisten",
            )
        )
    if done.removed:
        say(text(f"{done.removed} deleted", f"{done.removed} gelöscht"))
    elif done.missing:
        say(
            text(
                f"not in the file: {counted(done.missing, 'tree', 'trees')}; --remove-missing "
                "deletes",
                f"nicht in der Datei: {counted(done.missing, 'Baum', 'Bäume')}; "
                "--remove-missing löscht",
            )
        )
    if done.register.left_out:
        columns = ", ".join(done.register.left_out)
        say(text(f"Columns left out: {columns}", f"Spalten ohne Platz: {columns}"))


@app.command(
    "list",
    help=text(
        "List the trees of a town with their groups.\n\n"
        "Example: stadtsinn tree list --without-group",
        "Bäume mit ihren Gruppen auflisten.\n\nBeispiel: stadtsinn tree list --without-group",
    ),
)
def list_trees(
    tenant: Tenant = None,
    without_group: Annotated[
        bool,
        typer.Option(
            "--without-group",
            help=text(
                "Only trees for which no station stands.",
                "Nur Bäume, für die keine Messstelle steht.",
            ),
        ),
    ] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.base.berlin import local
    from stadtsinn.cloud.domains.trees import repository
    from stadtsinn.cloud.domains.trees.grouping import Grouping

    with read_town(config, tenant) as (opened, connection, scope):
        groups = repository.groups_page(connection, scope, None, None)
        grouping = Grouping(groups, local(opened.clock.now()).date())
        found = list(repository.all_trees(connection, scope))
    if without_group:
        found = [tree for tree in found if grouping.of(tree).group is None]
    print_list(
        found,
        {
            text("Number", "Nummer"): lambda tree: tree.number,
            text("Species", "Baumart"): lambda tree: tree.species or tree.species_de,
            text("Standing year", "Standjahr"): lambda tree: _standing(tree, grouping),
            text("Street", "Straße"): lambda tree: tree.street,
            text("Group", "Gruppe"): lambda tree: _group(tree, grouping),
        },
        lambda tree: _tree_fields(tree, grouping),
        as_json=as_json,
        empty=text(
            "no such trees: 'stadtsinn tree import' brings a register",
            "keine solchen Bäume: 'stadtsinn tree import' liest ein Kataster ein",
        ),
    )


def _standing(tree: Tree, grouping: Grouping) -> str:
    found = grouping.standing_year(tree)
    return "" if found is None else str(found)


def _group(tree: Tree, grouping: Grouping) -> str:
    """The group, or in brackets why there is none."""
    from stadtsinn.cloud.domains.trees.grouping import LACKS

    found = grouping.of(tree)
    if found.lack is None:
        return found.group or ""
    said = LACKS[found.lack]
    return f"({text(said.english, said.german)})"


def _tree_fields(tree: Tree, grouping: Grouping) -> dict[str, object]:
    from dataclasses import asdict

    found = grouping.of(tree)
    lack = None if found.lack is None else found.lack.value
    return {
        **asdict(tree),
        "standing_year": grouping.standing_year(tree),
        "group": found.group,
        "without_group": lack,
    }


@app.command(
    help=text(
        "List the groups of trees and their stations.\n\nExample: stadtsinn tree groups",
        "Baumgruppen und ihre Messstellen auflisten.\n\nBeispiel: stadtsinn tree groups",
    )
)
def groups(tenant: Tenant = None, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    from stadtsinn.cloud.domains.trees import repository

    with read_town(config, tenant) as (_, connection, scope):
        found = repository.groups_page(connection, scope, None, None)
    print_list(
        found,
        {
            text("Short name", "Kurzname"): lambda group: group.slug,
            "Name": lambda group: group.name,
            text("Station", "Messstelle"): lambda group: group.station,
            text("Soil", "Boden"): lambda group: group.soil_class,
            text("Exposure", "Besonnung"): lambda group: group.exposure or "",
            text("Species", "Baumart"): lambda group: group.species,
            text("Standing years", "Standjahre"): _years,
        },
        lambda group: group.model_dump(mode="json"),
        as_json=as_json,
        empty=text(
            "no groups: POST /api/v1/tree-groups makes one",
            "keine Gruppen: POST /api/v1/tree-groups legt eine an",
        ),
    )


def _years(group: TreeGroup) -> str:
    end = "" if group.standing_to is None else str(group.standing_to)
    return f"{group.standing_from}–{end}"
