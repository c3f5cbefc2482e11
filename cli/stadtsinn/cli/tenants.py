"""`stadtsinn tenant`: the towns of an installation."""

from __future__ import annotations

from typing import Annotated

import typer

from stadtsinn.cli import erasing, retention
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json, Limit, TownName
from stadtsinn.cli.output import print_list, say
from stadtsinn.cli.registry import change_line
from stadtsinn.cli.times import shown_moment
from stadtsinn.cli.town_settings import USUAL, Columns, print_settings, read_number

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Towns on this installation.", "Städte dieser Zentrale."),
)


app.command("delete", help=erasing.TOWN_HELP)(erasing.delete_town)
app.command("retention", help=retention.HELP)(retention.retention)


@app.command(
    help=text(
        "Make a town.\n\nExample: stadtsinn tenant create musterstadt --name 'Stadt Musterstadt'",
        "Eine Stadt anlegen.\n\nBeispiel: "
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
        changes = apply_town(
            opened.database, town, opened.clock.now(), limits=opened.settings.limits
        )
    for change in changes:
        say(change_line(change))
    if not changes:
        say(text(f"town '{tenant}' is there already", f"Stadt '{tenant}' gibt es schon"))


@app.command(
    "list",
    help=text(
        "List the towns.\n\nExample: stadtsinn tenant list",
        "Städte auflisten.\n\nBeispiel: stadtsinn tenant list",
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
            "Name": lambda tenant: (
                tenant.name
                + ("" if tenant.erasing_since is None else text(" (erasing)", " (wird gelöscht)"))
            ),
        },
        lambda tenant: {"id": tenant.id, "name": tenant.name},
        as_json=json_lines,
        empty=text(
            "no towns yet: 'stadtsinn tenant create' or 'stadtsinn registry apply'",
            "noch keine Stadt: 'stadtsinn tenant create' oder 'stadtsinn registry apply'",
        ),
    )


@app.command(
    help=text(
        "Show or set what a town may have and ask for at most; 'default' goes back to \\[limits] "
        "of the configuration.\n\n"
        "Example: stadtsinn tenant limit musterstadt rules 3000",
        "Zeigen oder setzen, was eine Stadt höchstens haben und abfragen darf; 'default' stellt "
        "\\[limits] der Konfiguration wieder her.\n\n"
        "Beispiel: stadtsinn tenant limit musterstadt rules 3000",
    )
)
def limit(
    tenant: TownName,
    name: Annotated[
        str | None, typer.Argument(help=text("Which; all are shown.", "Welche; sonst alle."))
    ] = None,
    value: Annotated[
        str | None, typer.Argument(help=text("A number, or 'default'.", "Zahl oder 'default'."))
    ] = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.platform.access.service import operator_scope
    from stadtsinn.cloud.platform.limits.service import change_limit, limits_for
    from stadtsinn.cloud.platform.tenants.repository import require_tenant
    from stadtsinn.cloud.town.service import change

    with installation(config, reading=value is None) as opened:
        if value is not None:
            scope = operator_scope(tenant)
            with change(opened.database, scope, opened.clock.now()) as connection:
                require_tenant(connection, tenant)
                change_limit(connection, tenant, name or "", read_number(value, USUAL))
        with opened.database.read() as connection:
            require_tenant(connection, tenant)
            present = limits_for(connection, opened.settings.limits, tenant)
    columns = Columns(text("Limit", "Grenze"), text("At most", "Höchstens"), "limit", "at_most")
    print_settings(present, opened.settings.limits, name, columns, str, as_json=json_lines)


@app.command(
    help=text(
        "Who changed what, newest first.\n\nExample: stadtsinn tenant audit musterstadt",
        "Wer was geändert hat, das Neueste zuerst.\n\nBeispiel: stadtsinn tenant audit musterstadt",
    )
)
def audit(
    tenant: TownName,
    config: Config = DEFAULT_CONFIG,
    limit: Limit = 50,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cli import audit_words
    from stadtsinn.cloud.platform.access.service import operator_scope
    from stadtsinn.cloud.platform.audit.endpoints import view
    from stadtsinn.cloud.platform.audit.repository import lines_page

    with installation(config, reading=True) as opened, opened.database.read() as connection:
        found = lines_page(connection, operator_scope(tenant), None, limit)
    print_list(
        found,
        {
            text("When", "Wann"): lambda kept: shown_moment(kept.at),
            text("Who", "Wer"): audit_words.who,
            text("Did", "Getan"): lambda kept: audit_words.action(kept.line.action),
            text("What", "Was"): lambda kept: (
                f"{audit_words.kind(kept.line.kind)} {kept.line.name}"
            ),
            text("How", "Wie"): lambda kept: kept.line.detail,
        },
        lambda kept: view(kept).model_dump(mode="json"),
        as_json=json_lines,
        empty=text(
            "nothing was changed within the time that changes are kept ('stadtsinn tenant "
            "retention' shows it)",
            "nichts wurde geändert, soweit Änderungen aufbewahrt werden ('stadtsinn tenant "
            "retention' zeigt, wie lange)",
        ),
    )
