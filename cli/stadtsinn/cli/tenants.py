"""`stadtsinn tenant`: the towns of an installation."""

from __future__ import annotations

from typing import Annotated

import typer

from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_list, say

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Towns on this installation.", "Mandanten dieser Zentrale."),
)


@app.command(
    help=text(
        "Make a town. Example: stadtsinn tenant create musterstadt --name 'Stadt Musterstadt'",
        "Mandanten anlegen. Beispiel: "
        "stadtsinn tenant create musterstadt --name 'Stadt Musterstadt'",
    )
)
def create(
    tenant: Annotated[
        str,
        typer.Argument(
            help=text("Short name: a-z, 0-9, hyphen.", "Kurzname: a-z, 0-9, Bindestrich.")
        ),
    ],
    name: Annotated[str, typer.Option(help=text("Full name.", "Voller Name."))],
    config: Config = DEFAULT_CONFIG,
) -> None:
    from stadtsinn.cloud.town_file.apply import apply_town
    from stadtsinn.cloud.town_file.model import Town

    with installation(config) as opened:
        town = Town.read({"tenant": tenant, "name": name})
        changes = apply_town(opened.database, town, opened.clock.now())
    for change in changes:
        say(str(change))
    if not changes:
        say(text(f"tenant '{tenant}' is there already", f"Mandant '{tenant}' gibt es schon"))


@app.command(
    "list",
    help=text(
        "List the towns. Example: stadtsinn tenant list",
        "Mandanten auflisten. Beispiel: stadtsinn tenant list",
    ),
)
def list_tenants(config: Config = DEFAULT_CONFIG, json_lines: Json = False) -> None:
    from stadtsinn.cloud.platform.tenants.repository import all_tenants

    with installation(config, reading=True) as opened, opened.database.read() as connection:
        tenants = all_tenants(connection)
    print_list(
        tenants,
        {
            text("Short name", "Kurzname"): lambda tenant: tenant.id,
            "Name": lambda tenant: tenant.name,
        },
        lambda tenant: {"id": tenant.id, "name": tenant.name},
        as_json=json_lines,
        empty=text(
            "no towns yet: 'stadtsinn tenant create' or 'stadtsinn registry apply'",
            "noch keine Mandanten: 'stadtsinn tenant create' oder 'stadtsinn registry apply'",
        ),
    )
