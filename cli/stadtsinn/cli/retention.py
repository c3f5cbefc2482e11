"""`stadtsinn tenant retention`: how long a town's data are kept."""

from __future__ import annotations

from typing import Annotated

import typer

from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json, TownName
from stadtsinn.cli.output import print_list

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
                usual = value == "default"
                change_retention(connection, tenant, wanted, _days(value), usual=usual)
        with opened.database.read() as connection:
            require_tenant(connection, tenant)
            present = retention_of(connection, tenant)
        if value is not None and name == "series":
            opened.series.set_retention(tenant, present.series)
    of_what = type(present).of_what()
    shown = [one for one in of_what if name in (None, one)]
    if not shown:
        raise typer.BadParameter(f"'{name}': {', '.join(of_what)}", param_hint="NAME")
    print_list(
        shown,
        {
            text("Retention", "Aufbewahrung"): lambda one: one,
            text("Days", "Tage"): lambda one: _shown(getattr(present, one)),
            text("Usually", "Sonst"): lambda one: _shown(getattr(DEFAULTS, one)),
            text("Of what", "Wovon"): lambda one: text(of_what[one].english, of_what[one].german),
        },
        lambda one: {
            "retention": one,
            "days": getattr(present, one),
            "usual": getattr(DEFAULTS, one),
        },
        as_json=json_lines,
        empty="",
    )


def _days(value: str) -> int | None:
    """None for ever."""
    if value in ("default", _FOR_EVER):
        return None
    if value.isdecimal():
        return int(value)
    raise typer.BadParameter(f"'{value}'", param_hint="VALUE")


def _shown(days: int | None) -> str:
    return text(_FOR_EVER, "unbegrenzt") if days is None else str(days)
