"""`stadtsinn parking`: lots, their spaces, and who stays for too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.ages import age
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import text
from stadtsinn.cli.measuring_town import measuring_town
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_json, print_list, say
from stadtsinn.cli.town_choice import Tenant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stadtsinn.base.instant import Instant
    from stadtsinn.cloud.domains.parking.service import LotNow, SpaceNow

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Parking spaces and lots.", "Stellplätze und Parkplätze."),
)


@app.command(
    "list",
    help=text(
        "List the lots: free, taken, unknown.\n\nExample: stadtsinn parking list",
        "Parkplätze auflisten: frei, belegt, unbekannt.\n\nBeispiel: stadtsinn parking list",
    ),
)
def list_lots(
    tenant: Tenant = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    from stadtsinn.cloud.domains.parking.service import lots_now

    with measuring_town(config, tenant) as (database, series, scope, now):
        found = lots_now(database, series, scope, now)
    print_list(
        found,
        {
            text("Lot", "Parkplatz"): lambda lot: lot.slug,
            "Name": lambda lot: lot.name,
            text("Spaces", "Plätze"): lambda lot: str(lot.occupancy.capacity),
            text("Free", "Frei"): _free,
            text("Taken", "Belegt"): lambda lot: str(lot.occupancy.occupied),
            text("Unknown", "Unbekannt"): lambda lot: str(lot.occupancy.unknown),
            text("Why", "Warum"): lambda lot: _why(lot.occupancy.doubt),
        },
        _lot_fields,
        as_json=as_json,
        empty=text(
            "no lots: give stations the kind parking_space and a site, or the kind parking_lot",
            "keine Parkplätze: Messstellen die Art parking_space und einen Ort geben, oder die "
            "Art parking_lot",
        ),
    )


def _free(lot: LotNow) -> str:
    found = lot.occupancy
    if found.free_estimate is None:
        return text("no data", "keine Angabe")
    about = text("about ", "etwa ") if found.unknown else ""
    return f"{about}{found.free_estimate}"


@app.command(
    help=text(
        "Show the spaces of a lot.\n\nExample: stadtsinn parking show marktstrasse",
        "Die Stellplätze eines Parkplatzes zeigen.\n\n"
        "Beispiel: stadtsinn parking show marktstrasse",
    )
)
def show(
    lot: Annotated[
        str, typer.Argument(metavar="LOT", help=text("Its short name.", "Sein Kurzname."))
    ],
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.cloud.domains.parking.service import lot_now

    with measuring_town(config, tenant) as (database, series, scope, now):
        found = lot_now(database, series, scope, lot, now)
    if as_json:
        spaces = [_space_fields(one) for one in found.spaces]
        print_json({**_lot_fields(found), "spaces": spaces})
        return
    say(f"{found.name}: {_free(found)} {text('free of', 'frei von')} {found.occupancy.capacity}")
    if not found.counted:
        _print_spaces(found.spaces, now, as_json=False)


@app.command(
    help=text(
        "List spaces that are taken for longer than allowed.\n\n"
        "Example: stadtsinn parking overstay --longest 7200",
        "Stellplätze auflisten, die zu lange belegt sind.\n\n"
        "Beispiel: stadtsinn parking overstay --longest 7200",
    )
)
def overstay(
    tenant: Tenant = None,
    longest: Annotated[
        int | None,
        typer.Option(
            "--longest",
            min=60,
            max=345_600,
            help=text(
                "Seconds, for all spaces; else what each allows (attribute longest_s).",
                "Sekunden, für alle; sonst was jeder erlaubt (Attribut longest_s).",
            ),
        ),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.cloud.domains.parking.service import overstays, spaces_now

    with measuring_town(config, tenant) as (database, series, scope, now):
        found = overstays(spaces_now(database, series, scope, now), now, longest)
    _print_spaces(found, now, as_json=as_json)


def _print_spaces(found: Sequence[SpaceNow], now: Instant, *, as_json: bool) -> None:
    print_list(
        found,
        {
            text("Space", "Stellplatz"): lambda one: one.place.slug,
            "Name": lambda one: one.place.name,
            text("State", "Zustand"): _state,
            text("For", "Seit"): lambda one: _for(one, now),
            text("Why", "Warum"): lambda one: _why(one.space.doubt),
        },
        _space_fields,
        as_json=as_json,
        empty=text("none", "keine"),
    )


def _for(one: SpaceNow, now: Instant) -> str:
    return age(one.space.since, now)


def _state(one: SpaceNow) -> str:
    words = {
        "free": text("free", "frei"),
        "occupied": text("taken", "belegt"),
        "unknown": text("unknown", "unbekannt"),
    }
    return words[one.space.state.value]


def _why(doubt: str | None) -> str:
    words = {
        None: "",
        "never_reported": text("never reported", "nie gemeldet"),
        "silent": text("silent", "meldet nichts"),
        "after_start": text("sensor has just started", "Sensor gerade gestartet"),
        "stuck": text("unchanged for three days", "seit drei Tagen unverändert"),
        "counter": text("counts what cannot be", "zählt Unmögliches"),
        "no_capacity": text("attribute capacity is missing", "Attribut capacity fehlt"),
    }
    return words[doubt]


def _lot_fields(lot: LotNow) -> dict[str, object]:
    from dataclasses import asdict

    counts = asdict(lot.occupancy)
    left = lot.left_over
    return {"lot": lot.slug, "name": lot.name, "counted": lot.counted, **counts, "left_over": left}


def _space_fields(one: SpaceNow) -> dict[str, object]:
    from stadtsinn.base.berlin import write_time

    space = one.space
    return {
        "station": one.place.slug,
        "name": one.place.name,
        "lot": one.place.site,
        "state": space.state.value,
        "since": write_time(space.since),
        "reported_at": write_time(space.reported_at),
        "doubt": None if space.doubt is None else space.doubt.value,
    }
