"""`stadtsinn device import|plan|apply|pull`: from a delivery to devices that can be heard."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.cli.frame import FAILED, end, end_in_json
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import in_words, text, translated
from stadtsinn.cli.options import DeviceTypes, DryRun, Json
from stadtsinn.cli.output import print_json, print_table, progress_bar, say
from stadtsinn.cli.registry import change_line, say_left_out
from stadtsinn.cli.town_choice import Tenant, scope_of_town

if TYPE_CHECKING:
    from stadtsinn.cloud.platform.lists.row_errors import RowError
    from stadtsinn.cloud.provisioning.order import Order, OrderFile
    from stadtsinn.cloud.provisioning.planner import Plan, Refusal, Step
    from stadtsinn.cloud.provisioning.service import Imported, Installation
    from stadtsinn.cloud.provisioning.suppliers import Supplier
    from stadtsinn.cloud.town_file.sections import Change

_SHOWN = 20
"""Steps of a plan, before the rest is only counted."""

IMPORT_HELP = text(
    "Read a supplier's list (CSV or Excel) of new devices with their keys, check all of it, and "
    "keep it for 'device plan' and 'device apply'. Nothing is changed anywhere yet; mistakes are "
    "listed by row, and then nothing of the list is kept. Keys lie in a file that only this user "
    "can read until they are applied.\n\n"
    "Example: stadtsinn device import delivery.xlsx --supplier dragino --type LSE01=dragino/lse01",
    "Liste eines Lieferanten (CSV oder Excel) mit neuen Geräten und ihren Schlüsseln lesen, ganz "
    "prüfen und für 'device plan' und 'device apply' aufheben. Noch ändert sich nichts; Fehler "
    "stehen nach Zeilen da, und dann wird nichts davon aufgehoben. Schlüssel liegen bis zum "
    "Anlegen in einer Datei, die nur dieser Benutzer lesen kann.\n\n"
    "Beispiel: stadtsinn device import lieferung.xlsx --supplier dragino --type "
    "LSE01=dragino/lse01",
)
PLAN_HELP = text(
    "Show what 'device apply' would do at the network server and in the registry.\n\n"
    "Example: stadtsinn device plan",
    "Zeigen, was 'device apply' am Netzwerkserver und im Bestand täte.\n\n"
    "Beispiel: stadtsinn device plan",
)
APPLY_HELP = text(
    "Register what was imported: tenant, application, device profiles, devices and keys at the "
    "network server, then devices and stations here. May be called again at any time: what is "
    "there already stays.\n\n"
    "Example: stadtsinn device apply",
    "Anlegen, was importiert ist: tenant, Anwendung, Geräteprofile, Geräte und Schlüssel am "
    "Netzwerkserver, dann Geräte und Messstellen hier. Lässt sich jederzeit noch einmal aufrufen: "
    "was schon da ist, bleibt.\n\n"
    "Beispiel: stadtsinn device apply",
)
PULL_HELP = text(
    "Take over the devices that stand at the network server and not here.\n\n"
    "Example: stadtsinn device pull --dry-run",
    "Geräte übernehmen, die am Netzwerkserver stehen und hier nicht.\n\n"
    "Beispiel: stadtsinn device pull --dry-run",
)


def import_delivery(
    file: Annotated[Path, typer.Argument(help=text("List (CSV, XLSX).", "Liste (CSV oder XLSX)."))],
    supplier: Annotated[
        str | None,
        typer.Option(
            "--supplier",
            help=text(
                "Whose list it is: --column and --type are remembered for the next one.",
                "Von wem die Liste ist: --column und --type gelten dann auch für die nächste.",
            ),
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help=text(
                "What a column holds: 'Device no.=dev_eui'; '-' leaves it out.",
                "Was in einer Spalte steht: 'Geräte-Nr.=dev_eui'; '-' lässt sie weg.",
            ),
        ),
    ] = None,
    types: DeviceTypes = None,
    sheet: Annotated[
        str | None,
        typer.Option("--sheet", help=text("Which sheet of an Excel file.", "Blatt bei Excel.")),
    ] = None,
    anew: Annotated[
        bool,
        typer.Option(
            "--anew",
            help=text(
                "Forget what was imported before and is not applied.",
                "Verwerfen, was früher importiert und nicht angelegt wurde.",
            ),
        ),
    ] = False,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cli.sheets import read_list
    from stadtsinn.cloud.provisioning.order import Order
    from stadtsinn.cloud.provisioning.service import import_list

    with order_of_town(config, tenant, json_lines) as (parts, town, kept):
        content = read_list(file, sheet)
        known = _supplier(parts, supplier, columns or (), types or ())
        order = Order(applied=True) if anew else kept.read()
        imported = import_list(
            parts, town, content, order, columns=known.columns, types=known.types
        )
        kept.write(imported.order)
        if supplier is not None:
            _remember(parts, supplier, known)
    _say_imported(imported, json_lines)


def plan(tenant: Tenant = None, config: Config = DEFAULT_CONFIG, json_lines: Json = False) -> None:
    from stadtsinn.cloud.provisioning.service import plan_order

    with order_of_town(config, tenant, json_lines, reading=True) as (parts, town, kept):
        order = _anything(kept.read(), json_lines)
        with progress_of_devices(json_lines) as progress:
            planned = plan_order(parts, town, order, progress)
    if planned.server.refusals:
        _refuse_devices(planned.server.refusals, json_lines)
    _print_steps(planned.server, planned.registry, json_lines)
    if not json_lines:
        say(_conclusion(len(planned.server) + len(planned.registry), done=False))


def apply(tenant: Tenant = None, config: Config = DEFAULT_CONFIG, json_lines: Json = False) -> None:
    from stadtsinn.cloud.provisioning.service import apply_order

    with order_of_town(config, tenant, json_lines) as (parts, town, kept):
        order = _anything(kept.read(), json_lines)
        with progress_of_devices(json_lines) as progress:
            applied = apply_order(parts, town, order, progress)
        kept.write(order.after({one.dev_eui for one in applied.refused}))
    _print_steps(applied.server, applied.registry, json_lines)
    if not json_lines:
        done = len(applied.server) + len(applied.registry)
        say(_conclusion(done, done=True))
    if applied.refused:
        _refuse_devices(applied.refused, json_lines)


def pull(
    types: DeviceTypes = None,
    dry_run: DryRun = False,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.provisioning.service import pull as taken_over

    with order_of_town(config, tenant, json_lines, reading=dry_run) as (parts, town, _):
        pulled = taken_over(parts, town, types=types or (), dry_run=dry_run)
    for change in pulled.changes:
        _say_change(change, json_lines)
    if json_lines:
        return
    count = len(pulled.devices)
    if not count:
        say(
            text(
                "every device of the network server is here too",
                "jedes Gerät des Netzwerkservers ist auch hier",
            )
        )
    elif dry_run:
        say(
            text(
                f"{count} would be taken over; nothing was",
                f"{counted(count, 'Gerät', 'Geräte')} zu übernehmen; nichts geändert",
            )
        )
    else:
        say(
            text(
                f"{count} taken over",
                f"{counted(count, 'Gerät', 'Geräte')} übernommen",
            )
        )


# --- shared ----------------------------------------------------------------------------


@contextmanager
def order_of_town(
    config: Path, tenant: str | None, json_lines: bool, *, reading: bool = False
) -> Iterator[tuple[Installation, str, OrderFile]]:
    """The installation, its town and that town's order, which no other process changes meanwhile.
    Errors of rows and devices end as a table."""
    from stadtsinn.cloud.provisioning.order import OrderFile
    from stadtsinn.cloud.provisioning.service import DevicesRefused, Installation
    from stadtsinn.cloud.town_file.device_import import ListRefused

    with installation(config, reading=reading) as opened:
        settings = opened.settings
        with opened.database.read() as connection:
            town = scope_of_town(connection, tenant, settings.limits).tenant_id
        parts = Installation(
            opened.database, settings.limits, settings.provisioning, opened.clock.now()
        )
        with OrderFile.held(settings.provisioning.folder, town) as kept:
            try:
                yield parts, town, kept
            except ListRefused as refused:
                _refuse_rows(refused.errors, json_lines)
            except DevicesRefused as refused:
                _refuse_devices(refused.refusals, json_lines)


def progress_of_devices(
    json_lines: bool,
) -> AbstractContextManager[Callable[[int, int | None], None]]:
    label = text("devices", "Geräte")
    return progress_bar(label, shown=sys.stderr.isatty() and not json_lines)


def _supplier(
    parts: Installation, name: str | None, columns: Sequence[str], types: Sequence[str]
) -> Supplier:
    from stadtsinn.cloud.provisioning.suppliers import Supplier, Suppliers

    known = Suppliers(parts.settings.folder).read() if name is not None else {}
    return known.get(name or "", Supplier()).told(columns, types)


def _remember(parts: Installation, name: str, supplier: Supplier) -> None:
    from stadtsinn.cloud.provisioning.suppliers import Suppliers

    Suppliers(parts.settings.folder).remember(name, supplier)


# --- what is printed -------------------------------------------------------------------


def _say_imported(imported: Imported, json_lines: bool) -> None:
    count = len(imported.table.rows)
    if json_lines:
        print_json(
            {
                "devices": count,
                "waiting": len(imported.order.rows),
                "without_key": imported.keyless,
                "same_key": imported.alike,
                "left_out": list(imported.table.left_out),
            }
        )
        return
    say_left_out((*imported.table.left_out, *imported.table.secret))
    if imported.keyless:
        note = text(
            f"note: {imported.keyless} without AppKey: they can join only if the network server "
            "has their keys; import a list with DevEUI and AppKey",
            f"Hinweis: {imported.keyless} ohne AppKey: ins Netz kommt nur, wessen Schlüssel der "
            "Netzwerkserver hat; eine Liste mit DevEUI und AppKey importieren",
        )
        say(note, error=True)
    if imported.alike:
        note = text(
            f"note: {counted(imported.alike, 'device has', 'devices have')} the AppKey of another "
            "one: whoever knows one key knows them all; is it the vendor's default? Ask for keys "
            "of their own",
            f"Hinweis: {counted(imported.alike, 'Gerät hat', 'Geräte haben')} denselben AppKey "
            "wie ein anderes: wer einen kennt, kennt alle; ist es der des Herstellers? Eigene "
            "verlangen",
        )
        say(note, error=True)
    waiting = len(imported.order.rows)
    say(
        text(
            f"{counted(count, 'device is', 'devices are')} in order; "
            f"{counted(waiting, 'waits', 'wait')} for 'stadtsinn device apply'",
            f"{counted(count, 'Gerät', 'Geräte')} in Ordnung; "
            f"{counted(waiting, 'wartet', 'warten')} auf 'stadtsinn device apply'",
        )
    )


def _print_steps(server: Plan, registry: tuple[Change, ...], json_lines: bool) -> None:
    if json_lines:
        for step in server.steps:
            print_json(
                {
                    "at": "network_server",
                    "kind": "created" if step.creates else "changed",
                    "what": step.thing.value,
                    "name": step.name,
                    "detail": step.detail,
                }
            )
        for change in registry:
            _say_change(change, json_lines)
        return
    lines = [_step_line(step) for step in server.steps]
    _say_some(text("At the network server:", "Am Netzwerkserver:"), lines)
    _say_some(text("In the registry:", "Im Bestand:"), [change_line(one) for one in registry])


def _say_some(head: str, lines: list[str]) -> None:
    if not lines:
        return
    say(head)
    for line in lines[:_SHOWN]:
        say(f"  {line}")
    if (more := len(lines) - _SHOWN) > 0:
        say(text(f"  … and {more} more", f"  … und {more} weitere"))


_GERMAN = {
    "tenant": "tenant",
    "application": "Anwendung",
    "device profile": "Geräteprofil",
    "device": "Gerät",
    "keys": "Schlüssel",
}


def _step_line(step: Step) -> str:
    what = translated(step.thing.value, _GERMAN)
    return f"{'+' if step.creates else '~'} {what} {step.name}" + (
        f"  ({step.detail})" if step.detail else ""
    )


def _say_change(change: Change, json_lines: bool) -> None:
    if json_lines:
        print_json({"at": "registry", **asdict(change)})
    else:
        say(change_line(change))


def _anything(order: Order, json_lines: bool) -> Order:
    """The order; without one there is nothing to do."""
    if order.rows:
        return order
    if not json_lines:
        say(
            text(
                "nothing was imported yet: 'stadtsinn device import'",
                "noch nichts importiert: 'stadtsinn device import'",
            )
        )
    raise typer.Exit


def _conclusion(count: int, *, done: bool) -> str:
    if not count:
        return text("everything is as it was ordered", "alles ist schon so, wie es bestellt ist")
    if done:
        return text(f"{count} changed", f"{count} geändert")
    return text(
        f"{count} would change; 'stadtsinn device apply' does it",
        f"{counted(count, 'Änderung', 'Änderungen')}; 'stadtsinn device apply' macht sie",
    )


def _refuse_rows(errors: tuple[RowError, ...], json_lines: bool) -> None:
    if json_lines:
        for error in errors:
            said = in_words(error.said)
            print_json({"row": error.row, "field": error.field, "error": said})
        raise typer.Exit(FAILED)
    heads = (
        text("Row", "Zeile"),
        text("Column", "Spalte"),
        text("What is wrong, and what helps", "Was nicht stimmt und was hilft"),
    )
    rows = [(str(error.row), error.field, in_words(error.said)) for error in errors]
    print_table(heads, rows)
    count = len(errors)
    end(
        text(
            f"error: {counted(count, 'mistake', 'mistakes')}; nothing was kept or changed",
            f"Fehler: {counted(count, 'Stelle', 'Stellen')} in der Liste; nichts aufgehoben oder "
            "geändert",
        ),
        FAILED,
    )


def _refuse_devices(refusals: tuple[Refusal, ...], json_lines: bool) -> None:
    if json_lines:
        for one in refusals[1:]:
            print_json({"dev_eui": one.dev_eui, "error": in_words(one.said)})
        first = refusals[0]
        end_in_json({"dev_eui": first.dev_eui, "error": in_words(first.said)}, FAILED)
    heads = ("DevEUI", text("What is wrong, and what helps", "Was nicht stimmt und was hilft"))
    print_table(heads, [(one.dev_eui, in_words(one.said)) for one in refusals])
    count = len(refusals)
    end(
        text(
            f"error: {counted(count, 'device is', 'devices are')} not registered",
            f"Fehler: {counted(count, 'Gerät ist', 'Geräte sind')} nicht angelegt",
        ),
        FAILED,
    )
