"""`stadtsinn registry`: bring a town's devices, zones and rules into the installation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import DeviceTypes, DryRun, Json, TownName
from stadtsinn.cli.output import print_json, print_list, say, say_as_it_is

if TYPE_CHECKING:
    from stadtsinn.cloud.alarms.alerts.rule import Rule
    from stadtsinn.cloud.parts import Parts
    from stadtsinn.cloud.town_file.device_csv import DeviceTable
    from stadtsinn.cloud.town_file.model import Town
    from stadtsinn.cloud.town_file.sections import Change

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("A town's devices, zones and rules.", "Geräte, Zonen und Regeln einer Stadt."),
)


@app.command(
    help=text(
        "Bring the registry to what a town file says; a mistake anywhere in it changes nothing.\n\n"
        "Example: stadtsinn registry apply town.toml --dry-run",
        "Bestand auf den Stand einer Stadt-Datei bringen; ein Fehler darin ändert nichts.\n\n"
        "Beispiel: stadtsinn registry apply town.toml --dry-run",
    )
)
def apply(
    file: Annotated[Path, typer.Argument(help=text("Town file (TOML).", "Stadt-Datei (TOML)."))],
    dry_run: DryRun = False,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.town_file.model import load_town

    with installation(config, reading=dry_run) as opened:
        _apply(opened, load_town(file), dry_run, json_lines)


@app.command(
    help=text(
        "Print a commented town file.\n\nExample: stadtsinn registry example > town.toml",
        "Eine erläuterte Stadt-Datei ausgeben.\n\nBeispiel: stadtsinn registry example > town.toml",
    )
)
def example() -> None:
    from stadtsinn.cloud.town_file.example import EXAMPLE

    say_as_it_is(EXAMPLE)


EdgeId = Annotated[
    str,
    typer.Argument(
        help=text("Its id, as in its certificate.", "Seine Kennung, wie in seinem Zertifikat.")
    ),
]


@app.command(
    "import-devices",
    help=text(
        "Register or change the devices of a list (CSV, Excel): of a spreadsheet, a vendor's "
        "delivery, or the export of a network server. Columns: dev_eui, type, name, interval_s, "
        "site, station, depth_cm, latitude, longitude, tags. Empty cells leave things as they "
        "are; all mistakes are named at once and change nothing; keys are never read.\n\n"
        "Example: stadtsinn registry import-devices musterstadt delivery.csv --dry-run",
        "Geräte einer Liste (CSV, Excel) anlegen oder ändern: aus einer Tabelle, einer Lieferung "
        "oder dem Export eines Netzwerkservers. Spalten: dev_eui, type, name, interval_s, site, "
        "station, depth_cm, latitude, longitude, tags. Leere Zellen lassen alles, wie es ist; "
        "alle Fehler werden auf einmal genannt und ändern nichts; Schlüssel werden nie gelesen.\n\n"
        "Beispiel: stadtsinn registry import-devices musterstadt lieferung.csv --dry-run",
    ),
)
def import_devices(
    tenant: TownName,
    file: Annotated[
        Path, typer.Argument(help=text("Table (CSV, XLSX).", "Tabelle (CSV oder XLSX)."))
    ],
    types: DeviceTypes = None,
    dry_run: DryRun = False,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cli.sheets import read_list
    from stadtsinn.cloud.town_file.device_import import import_devices

    with installation(config, reading=dry_run) as opened:
        imported = import_devices(
            opened.database,
            tenant,
            read_list(file),
            opened.clock.now(),
            types=types or (),
            dry_run=dry_run,
            limits=opened.settings.limits,
        )
    _say_not_taken(imported.table)
    _say_changes(imported.changes, dry_run, json_lines)


def say_left_out(columns: Sequence[str]) -> None:
    """That columns of a list have no place here; nothing where there is none of them."""
    if columns:
        heads = ", ".join(columns)
        say(
            text(
                f"note: these columns have no place here and were left out: {heads}",
                f"Hinweis: für diese Spalten ist hier kein Platz, sie blieben aus: {heads}",
            ),
            error=True,
        )


def _say_not_taken(table: DeviceTable) -> None:
    say_left_out(table.left_out)
    if table.secret:
        heads = ", ".join(table.secret)
        say(
            text(
                f"note: keys are neither read nor stored ({heads}); keep the file safe",
                f"Hinweis: Schlüssel werden weder gelesen noch gespeichert ({heads}); die Datei "
                "sicher verwahren",
            ),
            error=True,
        )


@app.command(
    help=text(
        "List the devices of a town.\n\nExample: stadtsinn registry devices musterstadt",
        "Geräte einer Stadt auflisten.\n\nBeispiel: stadtsinn registry devices musterstadt",
    )
)
def devices(tenant: TownName, config: Config = DEFAULT_CONFIG, json_lines: Json = False) -> None:
    from stadtsinn.cloud.platform.access.service import operator_scope
    from stadtsinn.cloud.town.repository import devices_page

    with installation(config, reading=True) as opened, opened.database.read() as connection:
        known = devices_page(connection, operator_scope(tenant), None, None)
    print_list(
        known,
        {
            "DevEUI": lambda device: device.dev_eui,
            text("Type", "Typ"): lambda device: device.device_type,
            "Name": lambda device: device.name,
        },
        lambda device: device.model_dump(mode="json"),
        as_json=json_lines,
        empty=text(
            "no device is registered: 'stadtsinn registry import-devices' or 'stadtsinn registry "
            "apply' registers some",
            "kein Gerät ist angelegt: 'stadtsinn registry import-devices' oder 'stadtsinn registry "
            "apply' legt welche an",
        ),
    )


@app.command(
    help=text(
        "List the edge agents, of all towns or of one.\n\nExample: stadtsinn registry edges",
        "Edge-Agenten auflisten, aller Städte oder einer.\n\nBeispiel: stadtsinn registry edges",
    )
)
def edges(
    tenant: Annotated[
        str | None, typer.Argument(help=text("Only this town.", "Nur diese Stadt."))
    ] = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.town.repository import edges_of_all

    with installation(config, reading=True) as opened, opened.database.read() as connection:
        known = [one for one in edges_of_all(connection) if tenant in (None, one.tenant_id)]
    print_list(
        known,
        {
            text("Edge agent", "Edge-Agent"): lambda one: one.edge.id,
            text("Town", "Stadt"): lambda one: one.tenant_id,
            "Name": lambda one: one.edge.name,
        },
        lambda one: {**one.edge.model_dump(mode="json"), "tenant": one.tenant_id},
        as_json=json_lines,
        empty=text(
            "no edge is registered: 'stadtsinn registry give-edge' or a town file registers one",
            "kein Agent ist angelegt: 'stadtsinn registry give-edge' oder eine Stadtdatei legt "
            "einen an",
        ),
    )


@app.command(
    "give-edge",
    help=text(
        "Say to which town an edge agent belongs; also takes it from the town that had it. "
        "Its id is the common name of its certificate.\n\n"
        "Example: stadtsinn registry give-edge rathaus-1 musterstadt --name 'Rathaus, Dach'",
        "Festlegen, welcher Stadt ein Edge-Agent gehört; nimmt ihn auch der bisherigen. "
        "Seine Kennung ist der Name (CN) in seinem Zertifikat.\n\n"
        "Beispiel: stadtsinn registry give-edge rathaus-1 musterstadt --name 'Rathaus, Dach'",
    ),
)
def give_edge(
    edge: EdgeId,
    tenant: TownName,
    name: Annotated[str, typer.Option("--name", help=text("Its name.", "Sein Name."))] = "",
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cli.town_choice import scope_of_town
    from stadtsinn.cloud.town import service
    from stadtsinn.cloud.town.model import Edge
    from stadtsinn.edge.messages.edge_id import checked_edge_id

    with installation(config) as opened:
        record = Edge(id=checked_edge_id(edge), name=name or edge)
        now = opened.clock.now()
        with opened.database.read() as connection:
            to = scope_of_town(connection, tenant, opened.settings.limits)
        with service.change(opened.database, to, now) as connection:
            former = service.give_edge(connection, to, record, now)
    if json_lines:
        print_json({"id": edge, "tenant": tenant, "from": former})
    elif former in (None, tenant):
        say(text(f"{edge} belongs to '{tenant}'", f"{edge} gehört '{tenant}'"))
    else:
        say(
            text(
                f"{edge} belongs to '{tenant}' from now on, no longer to '{former}'",
                f"{edge} gehört ab jetzt '{tenant}', nicht mehr '{former}'",
            )
        )


@app.command(
    "take-edge",
    help=text(
        "Strike an edge agent off: it belongs to no town, and what it sends stays with it.\n\n"
        "Example: stadtsinn registry take-edge rathaus-1",
        "Einen Edge-Agenten streichen: Er gehört keiner Stadt, und was er sendet, bleibt bei "
        "ihm.\n\nBeispiel: stadtsinn registry take-edge rathaus-1",
    ),
)
def take_edge(edge: EdgeId, config: Config = DEFAULT_CONFIG) -> None:
    from stadtsinn.base.problems import NotFound
    from stadtsinn.cloud.platform.access.service import operator_scope
    from stadtsinn.cloud.town import service
    from stadtsinn.cloud.town.repository import tenant_of_edge

    with installation(config) as opened:
        with opened.database.read() as connection:
            owner = tenant_of_edge(connection, edge)
        if owner is None:
            raise NotFound(
                f"There is no edge agent '{edge}': 'stadtsinn registry edges'.",
                f"Es gibt keinen Agenten '{edge}': 'stadtsinn registry edges'.",
            )
        scope = operator_scope(owner)
        with service.change(opened.database, scope, opened.clock.now()) as connection:
            service.delete_edge(connection, scope, edge)
    say(text(f"{edge} belongs to no town", f"{edge} gehört keiner Stadt"))


def _apply(opened: Parts, town: Town, dry_run: bool, json_lines: bool) -> None:
    from stadtsinn.cloud.town_file.apply import apply_town

    changes = apply_town(
        opened.database,
        town,
        opened.clock.now(),
        dry_run=dry_run,
        limits=opened.settings.limits,
        on_idle=_warn_of_idle,
    )
    _say_changes(changes, dry_run, json_lines)


def _say_changes(changes: Sequence[Change], dry_run: bool, json_lines: bool) -> None:
    for change in changes:
        if json_lines:
            print_json(asdict(change))
        else:
            say(change_line(change))
    if not json_lines:
        say(_conclusion(len(changes), dry_run))


def _warn_of_idle(rule: Rule) -> None:
    group = ", ".join(f"{name} {value}" for name, value in rule.group or () if value is not None)
    say(
        text(
            f"note: rule {rule.slug} watches no station yet: none has {group}",
            f"Hinweis: Regel {rule.slug} gilt noch für keine Messstelle: keine hat {group}",
        ),
        error=True,
    )


def change_line(change: Change) -> str:
    sign = {"created": "+", "changed": "~"}.get(change.kind, "?")
    from stadtsinn.cloud.platform.nouns import in_german

    what = text(change.what, in_german(change.what))
    return f"{sign} {what}{f'  ({change.detail})' if change.detail else ''}"


def _conclusion(count: int, dry_run: bool) -> str:
    if not count:
        return text("everything is as the file says", "alles ist schon so, wie es da steht")
    if dry_run:
        return text(
            f"{count} would change; nothing was",
            f"{counted(count, 'Änderung', 'Änderungen')}; nichts geändert",
        )
    return text(f"{count} changed", f"{count} geändert")
