"""`stadtsinn station`: the places where a town measures, and which device was there when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, Json, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.town_choice import Tenant, scope_of_town

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stadtsinn.cloud.town.stations.model import PlacedDeployment, Station

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Where the town measures.", "Wo die Stadt misst."),
)

Slug = Annotated[
    str, typer.Argument(metavar="STATION", help=text("Its short name.", "Ihr Kurzname."))
]


@app.command(
    "list",
    help=text(
        "List the stations of a town.\n\nExample: stadtsinn station list --kind tree",
        "Messstellen auflisten.\n\nBeispiel: stadtsinn station list --kind tree",
    ),
)
def list_stations(
    tenant: Tenant = None,
    kind: Annotated[str | None, typer.Option(help=text("Only of a kind.", "Nur eine Art."))] = None,
    site: Annotated[
        str | None, typer.Option(help=text("Only of a site.", "Nur an einem Ort."))
    ] = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.town.stations import repository

    with installation(config) as opened, opened.database.read() as connection:
        scope = scope_of_town(connection, tenant)
        found = repository.stations_page(connection, scope, None, None, kind=kind, site=site)
    for station in found:
        print(station.model_dump_json() if json_lines else _line(station))
    if not found and not json_lines:
        print(
            text(
                "no stations: registering a device makes one ('stadtsinn registry apply')",
                "keine Messstellen: ein Gerät anlegen legt eine an ('stadtsinn registry apply')",
            )
        )


@app.command(
    help=text(
        "Show a station and what measures there now.\n\n"
        "Example: stadtsinn station show linde-am-markt",
        "Eine Messstelle zeigen, und was dort jetzt misst.\n\n"
        "Beispiel: stadtsinn station show linde-am-markt",
    )
)
def show(
    slug: Slug, tenant: Tenant = None, config: Config = DEFAULT_CONFIG, json_lines: Json = False
) -> None:
    from stadtsinn.cloud.town.stations import repository

    with installation(config) as opened, opened.database.read() as connection:
        scope = scope_of_town(connection, tenant)
        station = repository.station(connection, scope, slug)
        placed = repository.deployments_page(connection, scope, None, None, station=slug)
        now = opened.clock.now()
    present = [one for one in placed if one.starts <= now < one.ends]
    if json_lines:
        deployed = [json.loads(one.model_dump_json()) for one in present]
        shown = {**json.loads(station.model_dump_json()), "deployments": deployed}
        print(json.dumps(shown, ensure_ascii=False))
        return
    for label, value in _facts(station):
        print(f"{label:<14}{value}")
    print(text("Measures now:", "Misst jetzt:") if present else _nothing_there())
    for one in present:
        print(f"  {_deployment_line(one)}")


@app.command(
    help=text(
        "Show which devices a station has had, from when to when.\n\n"
        "Example: stadtsinn station history linde-am-markt",
        "Zeigen, welche Geräte eine Messstelle hatte, von wann bis wann.\n\n"
        "Beispiel: stadtsinn station history linde-am-markt",
    )
)
def history(
    slug: Slug, tenant: Tenant = None, config: Config = DEFAULT_CONFIG, json_lines: Json = False
) -> None:
    from stadtsinn.cloud.town.stations import repository

    with installation(config) as opened, opened.database.read() as connection:
        scope = scope_of_town(connection, tenant)
        repository.station(connection, scope, slug)
        placed = repository.deployments_page(connection, scope, None, None, station=slug)
    for one in sorted(placed, key=lambda place: place.starts):
        print(one.model_dump_json() if json_lines else _deployment_line(one))
    if not placed and not json_lines:
        print(_nothing_there())


def _line(station: Station) -> str:
    return f"{station.slug}  {_kind(station)}  {station.name}"


def _kind(station: Station) -> str:
    from stadtsinn.cloud.town.stations.kinds import KINDS

    kind = KINDS[station.kind]
    return text(kind.label_en, kind.label_de)


def _facts(station: Station) -> Iterator[tuple[str, str]]:
    """What there is to say of a station: label and value."""
    yield text("Station", "Messstelle"), f"{station.name} ({station.slug})"
    yield text("Kind", "Art"), _kind(station)
    if station.site:
        yield text("Site", "Ort"), station.site
    if station.latitude is not None:
        yield text("Position", "Lage"), f"{station.latitude}, {station.longitude}"
    if station.height_m is not None:
        yield text("Height", "Höhe"), f"{station.height_m:g} m"
    if station.office:
        yield text("Office", "Amt"), station.office
    if station.tags:
        yield text("Tags", "Merkmale"), ", ".join(station.tags)
    for name, value in station.attributes.items():
        yield name, str(value)
    if station.remarks:
        yield text("Remarks", "Bemerkung"), station.remarks


def _deployment_line(one: PlacedDeployment) -> str:
    """``70b3d57ed0000001  01.03.2026, 09:15 – 12.06.2026, 12:00  → 30cm``."""
    from stadtsinn.base.berlin import date_and_time

    start = text("from the beginning", "von Anfang an")
    if one.start is not None:
        start = date_and_time(one.starts)
    end = text("now", "heute") if one.end is None else date_and_time(one.ends)
    notes = [
        *(
            f"{of_device or '·'} → {of_station or '·'}"
            for of_device, of_station in (one.channels or {}).items()
        ),
        *([text("mounted back to front", "verkehrt herum eingebaut")] if one.swapped else []),
        *([text("calibrated", "kalibriert")] if one.calibration else []),
        *([text("comparison", "Vergleichsmessung")] if one.comparison else []),
        *([one.installed_by] if one.installed_by else []),
    ]
    return "  ".join([one.dev_eui, f"{start} – {end}", *([", ".join(notes)] if notes else [])])


def _nothing_there() -> str:
    return text(
        "no device measures there: 'stadtsinn device move' brings one",
        "dort misst kein Gerät: 'stadtsinn device move' bringt eines hin",
    )
