"""`stadtsinn tenant retention`: how long a town's data are kept."""

from __future__ import annotations

from typing import Annotated

import typer

from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json, TownName
from stadtsinn.cli.town_settings import USUAL, Columns, print_settings, read_number

HELP = text(
    "Show or set how many days a town's data are kept: log, archive, series, samples, outbox, "
    "audit. 'default' goes back to what is usual; the running installation deletes what is older "
    "within a minute, and then once a day.\n\n"
    "Example: stadtsinn tenant retention musterstadt outbox 30",
    "Zeigen oder setzen, wie viele Tage Daten einer Stadt aufbewahrt werden: log, archive, series, "
    "samples, outbox, audit. 'default' stellt das Übliche wieder her; die laufende Zentrale löscht "
    "Älteres binnen einer Minute, danach einmal am Tag.\n\n"
    "Beispiel: stadtsinn tenant retention musterstadt outbox 30",
)
_FOR_EVER = "forever"


def retention(
    tenant: TownName,
    name: Annotated[
        str | None, typer.Argument(help=text("Which; all are shown.", "Welche; sonst alle."))
    ] = None,
    value: Annotated[
        str | None,
        typer.Argument(
            help=text("Days, 'forever' or 'default'.", "Tage, 'forever' oder 'default'.")
        ),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.platform.access.service import operator_scope
    from stadtsinn.cloud.platform.retention.model import DEFAULTS
    from stadtsinn.cloud.platform.retention.service import change_retention, retention_of
    from stadtsinn.cloud.platform.tenants.repository import require_tenant
    from stadtsinn.cloud.town.service import change

    with installation(config, reading=value is None) as opened:
        if value is not None:
            scope, wanted = operator_scope(tenant), name or ""
            with change(opened.database, scope, opened.clock.now()) as connection:
                require_tenant(connection, tenant)
                days, usual = read_number(value, USUAL, _FOR_EVER), value == USUAL
                change_retention(connection, tenant, wanted, days, usual=usual)
        with opened.database.read() as connection:
            require_tenant(connection, tenant)
            present = retention_of(connection, tenant)
        if value is not None and name == "series":
            opened.series.set_retention(tenant, present.series)
    columns = Columns(text("Retention", "Aufbewahrung"), text("Days", "Tage"), "retention", "days")
    print_settings(present, DEFAULTS, name, columns, _shown, as_json=json_lines)


def _shown(days: int | None) -> str:
    return text(_FOR_EVER, "unbegrenzt") if days is None else str(days)
