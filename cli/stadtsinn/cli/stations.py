"""`stadtsinn station`: the places where a town measures, and which device was there when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import decimal, shown_value, text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_facts, print_json, print_list, say
from stadtsinn.cli.times import shown_moment
from stadtsinn.cli.town_choice import Tenant, read_town

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stadtsinn.cloud.series.answers.repository import Datastream
    from stadtsinn.cloud.series.stores.store import SeriesKey
    from stadtsinn.cloud.town.stations.model import PlacedDeployment, Station

    _Stream = tuple[SeriesKey, Datastream]

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

    with read_town(config, tenant) as (_, connection, scope):
        found = repository.stations_page(connection, scope, None, None, kind=kind, site=site)
    print_list(
        found,
        {
            text("Short name", "Kurzname"): lambda station: station.slug,
            text("Kind", "Art"): _kind,
            "Name": lambda station: station.name,
        },
        _fields,
        as_json=json_lines,
        empty=text(
            "no stations: registering a device makes one ('stadtsinn registry apply')",
            "keine Messstellen: ein Gerät anlegen legt eine an ('stadtsinn registry apply')",
        ),
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
    from stadtsinn.cloud.series.answers.repository import streams
    from stadtsinn.cloud.town.stations import repository

    with read_town(config, tenant) as (opened, connection, scope):
        station = repository.station(connection, scope, slug)
        placed = repository.deployments_page(connection, scope, None, None, station=slug)
        described = streams(connection, scope, slug).items()
        now = opened.clock.now()
    present = [one for one in placed if one.starts <= now < one.ends]
    measuring = sorted(described, key=lambda one: (one[0].quantity, one[0].channel))
    if json_lines:
        deployed = [_fields(one) for one in present]
        measured = [_stream_fields(one) for one in measuring]
        print_json({**_fields(station), "deployments": deployed, "datastreams": measured})
        return
    print_facts(_facts(station))
    say()
    _print_deployments(present, as_json=False, title=text("Measures now:", "Misst jetzt:"))
    if measuring:
        say()
        _print_streams(measuring)


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

    with read_town(config, tenant) as (_, connection, scope):
        repository.station(connection, scope, slug)
        placed = repository.deployments_page(connection, scope, None, None, station=slug)
    _print_deployments(sorted(placed, key=lambda one: one.starts), as_json=json_lines)


def _fields(shown: Station | PlacedDeployment) -> dict[str, object]:
    return shown.model_dump(mode="json")


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
        yield text("Height", "Höhe"), decimal(f"{station.height_m:g} m")
    if station.office:
        yield text("Office", "Amt"), station.office
    if station.tags:
        yield text("Tags", "Merkmale"), ", ".join(station.tags)
    for name, value in station.attributes.items():
        yield _attribute(station, name), shown_value(value)
    if station.remarks:
        yield text("Remarks", "Bemerkung"), station.remarks


def _attribute(station: Station, name: str) -> str:
    """Its label; free ones are named as their town names them."""
    from stadtsinn.cloud.town.stations.kinds import KINDS

    known = KINDS[station.kind].attributes.get(name)
    return name if known is None else text(known.label_en, known.label_de)


def _print_deployments(
    deployments: Sequence[PlacedDeployment], *, as_json: bool, title: str = ""
) -> None:
    print_list(
        deployments,
        {
            text("Device", "Gerät"): lambda one: one.dev_eui,
            text("From", "Von"): _start,
            text("To", "Bis"): _end,
            text("Remarks", "Bemerkungen"): _remarks,
        },
        _fields,
        as_json=as_json,
        empty=text(
            "no device measures there: 'stadtsinn device move' brings one",
            "dort misst kein Gerät: 'stadtsinn device move' bringt eines hin",
        ),
        title=title,
    )


def _print_streams(streams: Sequence[_Stream]) -> None:
    print_list(
        streams,
        {
            text("Quantity", "Messgröße"): lambda one: one[0].quantity,
            text("Channel", "Kanal"): lambda one: one[0].channel,
            text("Label", "Bezeichnung"): lambda one: one[1].label,
            text("Values are kept", "Werte bleiben"): _kept,
        },
        _stream_fields,
        as_json=False,
        empty="",
        title=text("Datastreams:", "Messreihen:"),
    )


def _stream_fields(one: _Stream) -> dict[str, object]:
    key, said = one
    return {
        "quantity": key.quantity,
        "channel": key.channel,
        "label": said.label,
        "retention_days": said.retention_days,
    }


def _kept(one: _Stream) -> str:
    days = one[1].retention_days
    if days is None:
        return text("as all of the town", "wie alle der Stadt")
    return text(counted(days, "day", "days"), counted(days, "Tag", "Tage"))


def _start(one: PlacedDeployment) -> str:
    if one.start is None:
        return text("the beginning", "Anfang an")
    return shown_moment(one.starts)


def _end(one: PlacedDeployment) -> str:
    return text("now", "heute") if one.end is None else shown_moment(one.ends)


def _remarks(one: PlacedDeployment) -> str:
    channels = (one.channels or {}).items()
    return ", ".join(
        [
            *(f"{of_device or '·'} → {of_station or '·'}" for of_device, of_station in channels),
            *([text("mounted back to front", "verkehrt herum eingebaut")] if one.swapped else []),
            *([text("calibrated", "kalibriert")] if one.calibration else []),
            *([text("comparison", "Vergleichsmessung")] if one.comparison else []),
            *([one.installed_by] if one.installed_by else []),
        ]
    )
