"""`stadtsinn device`: bring devices in, swap and move them, hand them over to a town."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.berlin import isoformat
from stadtsinn.cli import device_labels, device_orders, device_scans, device_status, erasing
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import DryRun, Json, Limit
from stadtsinn.cli.output import print_json, print_list, say
from stadtsinn.cli.times import read_moment, shown_moment
from stadtsinn.cli.town_choice import scope_of_device, scope_of_town

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from stadtsinn.base.instant import Instant
    from stadtsinn.cloud.intake.device_claims.model import ClaimRow
    from stadtsinn.cloud.series.corrections.preview import Difference
    from stadtsinn.cloud.town.stations.model import PlacedDeployment
    from stadtsinn.cloud.town.stations.service import Editor

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Devices come and go.", "Geräte kommen und gehen."),
)

app.command("erase", help=erasing.DEVICE_HELP)(erasing.erase_device)
app.command("status", help=device_status.HELP)(device_status.status)
app.command("import", help=device_orders.IMPORT_HELP)(device_orders.import_delivery)
app.command("scan", help=device_scans.HELP)(device_scans.scan)
app.command("label", help=device_labels.HELP)(device_labels.label)
app.command("plan", help=device_orders.PLAN_HELP)(device_orders.plan)
app.command("apply", help=device_orders.APPLY_HELP)(device_orders.apply)
app.command("pull", help=device_orders.PULL_HELP)(device_orders.pull)

At = Annotated[
    str | None,
    typer.Option(
        "--at",
        help=text(
            "When it was done, e.g. '2026-06-12 12:00' (local time) or with offset. Now, if not "
            "given; may lie in the past.",
            "Wann es geschah, z. B. '2026-06-12 12:00' (Ortszeit) oder mit Zeitversatz. Jetzt, "
            "wenn nichts angegeben ist; auch nachträglich.",
        ),
    ),
]
By = Annotated[str, typer.Option("--by", help=text("Who did it.", "Wer es gemacht hat."))]


@app.command(
    help=text(
        "Replace a device by another at its station: series, rules and gates go on.\n\n"
        "Example: stadtsinn device swap 70b3d57ed0000001 70b3d57ed0000002 --at '2026-06-12 12:00'",
        "Ein Gerät an seiner Messstelle durch ein anderes ersetzen: Messreihen, Regeln und "
        "Zugänge laufen weiter.\n\n"
        "Beispiel: stadtsinn device swap 70b3d57ed0000001 70b3d57ed0000002 "
        "--at '2026-06-12 12:00'",
    )
)
def swap(
    old: Annotated[str, typer.Argument(help=text("DevEUI taken away.", "DevEUI ausgebaut."))],
    new: Annotated[str, typer.Argument(help=text("DevEUI put in.", "DevEUI eingebaut."))],
    at: At = None,
    by: By = "",
    dry_run: DryRun = False,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.town.service import dev_eui
    from stadtsinn.cloud.town.stations.service import swap_device

    def change(connection: Connection, editor: Editor, when: Instant) -> list[PlacedDeployment]:
        return swap_device(connection, editor, dev_eui(old), dev_eui(new), when)

    _change(old, change, at, by, dry_run, config, json_lines)


@app.command(
    help=text(
        "Take a device to another station; what it measured before stays at the old one.\n\n"
        "Example: stadtsinn device move 70b3d57ed0000001 eiche-am-bach",
        "Ein Gerät an eine andere Messstelle bringen; bisherige Werte bleiben an der alten.\n\n"
        "Beispiel: stadtsinn device move 70b3d57ed0000001 eiche-am-bach",
    )
)
def move(
    device: Annotated[str, typer.Argument(help="DevEUI.")],
    station: Annotated[
        str, typer.Argument(help=text("The station's short name.", "Kurzname der Messstelle."))
    ],
    at: At = None,
    by: By = "",
    dry_run: DryRun = False,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.town.service import dev_eui
    from stadtsinn.cloud.town.stations.service import move_device

    def change(connection: Connection, editor: Editor, when: Instant) -> list[PlacedDeployment]:
        return [move_device(connection, editor, dev_eui(device), station, when)]

    _change(device, change, at, by, dry_run, config, json_lines)


@app.command(
    "hand-over",
    help=text(
        "Give a device to another town of this installation, from now on. The former town keeps "
        "its stations, series and uplinks; the new one never sees them. Only the operator can.\n\n"
        "Example: stadtsinn device hand-over 70b3d57ed0000001 nachbarstadt --name 'Linde'",
        "Ein Gerät ab jetzt einer anderen Stadt dieser Installation geben. Die bisherige behält "
        "Messstellen, Messreihen und Rohdaten; die neue sieht sie nie. Nur der Betreiber "
        "kann das.\n\n"
        "Beispiel: stadtsinn device hand-over 70b3d57ed0000001 nachbarstadt --name 'Linde'",
    ),
)
def hand_over(
    device: Annotated[str, typer.Argument(help="DevEUI.")],
    tenant: Annotated[
        str, typer.Argument(help=text("The town that gets it.", "Die Stadt, die es bekommt."))
    ],
    name: Annotated[
        str,
        typer.Option(
            "--name", help=text("Its name there; the DevEUI by default.", "Sein Name dort.")
        ),
    ] = "",
    station: Annotated[
        str | None,
        typer.Option(
            "--station",
            help=text("A station there; one of its own by default.", "Eine Messstelle dort."),
        ),
    ] = None,
    by: By = "",
    dry_run: DryRun = False,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.town.service import (
        DryRunEnded,
        change_or_dry_run,
        dev_eui,
        hand_over_device,
    )
    from stadtsinn.cloud.town.stations.service import Editor

    with installation(config) as opened:
        eui = dev_eui(device)
        try:
            with opened.database.read() as connection:
                limits = opened.settings.limits
                giver = scope_of_device(connection, eui, limits)
                taker = scope_of_town(connection, tenant, limits)
            now = opened.clock.now()
            with change_or_dry_run(opened.database, dry_run, giver, now) as connection:
                editor = Editor(giver, now, by or text("operator", "Betreiber"))
                hand_over_device(connection, editor, taker, eui, name=name, station=station)
        except DryRunEnded:
            pass
    if json_lines:
        moved = {"dev_eui": eui, "from": giver.tenant_id, "to": taker.tenant_id}
        print_json({**moved, "dry_run": dry_run})
        return
    if dry_run:
        say(text(f"{eui} would go to '{tenant}'", f"{eui} ginge an '{tenant}'"))
        return
    say(
        text(
            f"{eui} belongs to '{tenant}' from now on; '{giver.tenant_id}' keeps its history",
            f"{eui} gehört ab jetzt '{tenant}'; '{giver.tenant_id}' behält den Verlauf",
        )
    )


@app.command(
    "claims",
    help=text(
        "Devices that a town claims from another: who, whose, and how it stands. Towns claim by "
        "the API (POST /claims); 'stadtsinn device hand-over' decides.\n\n"
        "Example: stadtsinn device claims",
        "Geräte, die eine Stadt von einer anderen beansprucht: wer, wessen, Stand. Städte "
        "beanspruchen über die API (POST /claims); 'stadtsinn device hand-over' entscheidet.\n\n"
        "Beispiel: stadtsinn device claims",
    ),
)
def claims(
    ended: Annotated[
        bool, typer.Option("--ended", help=text("Also those that ended.", "Auch beendete."))
    ] = False,
    limit: Limit = 100,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.intake.device_claims.repository import all_claims
    from stadtsinn.cloud.town.repository import tenant_of_device

    with installation(config, reading=True) as opened, opened.database.read() as connection:
        rows = [
            (one, one.former_owner or tenant_of_device(connection, one.dev_eui) or "")
            for one in all_claims(connection, limit, ended=ended)
        ]
    print_list(
        rows,
        {
            "DevEUI": lambda row: row[0].dev_eui,
            text("Claimed by", "Beansprucht von"): lambda row: row[0].tenant_id,
            text("Owner", "Besitzer"): lambda row: row[1],
            text("Since", "Seit"): lambda row: shown_moment(row[0].opened_at),
            text("Proof", "Nachweis"): lambda row: row[0].proof or "",
            text("Stands", "Stand"): lambda row: _stands(row[0]),
            text("Message", "Mitteilung"): lambda row: row[0].device.message,
        },
        lambda row: {**row[0].model_dump(mode="json"), "owner": row[1]},
        as_json=json_lines,
        empty=text(
            "no claim has ended within the time that they are kept",
            "kein Anspruch, der noch verzeichnet ist, ist beendet",
        )
        if ended
        else text(
            "no claim is open: a town makes one by the API (POST /claims); '--ended' shows others",
            "kein Anspruch ist offen: Städte erheben ihn über die API (POST /claims); '--ended' "
            "zeigt beendete",
        ),
    )


def _stands(claim: ClaimRow) -> str:
    from stadtsinn.cloud.intake.device_claims.model import Ending

    german_words = {
        None: "wartet",
        Ending.CHANGED_HANDS: "übergegangen",
        Ending.REGISTERED: "neu registriert",
        Ending.OBJECTED: "Widerspruch",
        Ending.EXPIRED: "abgelaufen",
        Ending.WITHDRAWN: "zurückgezogen",
        Ending.IMPOSSIBLE: "unmöglich",
    }
    return text(claim.ending or claim.state, german_words[claim.ending])


def _change(
    device: str,
    change: Callable[[Connection, Editor, Instant], list[PlacedDeployment]],
    at: str | None,
    by: str,
    dry_run: bool,
    config: Config,
    json_lines: bool,
) -> None:
    """Make a change of the device's town and say what measures where from then on; a dry run
    also what would change in series."""
    from stadtsinn.cloud.series.corrections.preview import preview
    from stadtsinn.cloud.series.retention.kept import KeptSeries
    from stadtsinn.cloud.town import service as town
    from stadtsinn.cloud.town.stations.service import Editor

    made: list[PlacedDeployment] = []
    differences: list[Difference] = []
    older = False
    with installation(config, reading=dry_run) as opened:
        when = opened.clock.now() if at is None else read_moment("--at", at)
        with opened.database.read() as connection:
            scope = scope_of_device(connection, town.dev_eui(device), opened.settings.limits)
        editor = Editor(scope, opened.clock.now(), by or text("operator", "Betreiber"))

        def changed(connection: Connection) -> None:
            made[:] = change(connection, editor, when)

        if dry_run:
            series = KeptSeries(opened.series, opened.database, opened.clock)
            parts = opened.database, opened.archive, series, opened.clock
            differences = preview(*parts, scope.tenant_id, changed)
        else:
            with town.change(opened.database, scope, editor.now) as connection:
                changed(connection)
                older = _counted_before(connection, editor, town.dev_eui(device), when)
    for one in made:
        if json_lines:
            print_json({**one.model_dump(mode="json", exclude={"id"}), "dry_run": dry_run})
        else:
            say(_line(one, when, dry_run))
    if older:
        say(
            text(
                "counts of a gate are made anew for the last seven days only: "
                "'stadtsinn cloud rebuild live' makes the older ones anew",
                "Zählungen an einem Zugang werden nur für die letzten sieben Tage neu gebildet: "
                "'stadtsinn cloud rebuild live' bildet auch die älteren neu",
            ),
            error=True,
        )
    if dry_run:
        print_list(
            differences,
            _columns(),
            _fields,
            as_json=json_lines,
            empty=text(
                "no value of a series would change", "kein Wert einer Messreihe würde anders"
            ),
        )


def _counted_before(connection: Connection, editor: Editor, dev_eui: str, when: Instant) -> bool:
    """Whether gates counted by this device so long ago that nobody counts anew by himself."""
    from stadtsinn.cloud.domains.crowd.recount import COUNTED_ANEW
    from stadtsinn.cloud.town.stations import repository

    if when >= editor.now - COUNTED_ANEW:
        return False
    places = repository.deployments_page(connection, editor.scope, None, None, dev_eui=dev_eui)
    return any(
        "gates" in repository.users_of_station(connection, editor.scope, one.station)
        for one in places
        if one.ends >= when
    )


def _columns() -> dict[str, Callable[[Difference], str]]:
    return {
        text("Station", "Messstelle"): lambda one: one.key.station,
        text("Quantity", "Größe"): lambda one: one.key.quantity,
        text("Channel", "Kanal"): lambda one: one.key.channel,
        text("From", "Von"): lambda one: shown_moment(one.first),
        text("To", "Bis"): lambda one: shown_moment(one.last),
        text("Values gone", "Werte entfallen"): lambda one: str(one.removed),
        text("new", "neu"): lambda one: str(one.added),
        text("changed", "anders"): lambda one: str(one.changed),
    }


def _fields(one: Difference) -> dict[str, object]:
    return {
        "station": one.key.station,
        "quantity": one.key.quantity,
        "channel": one.key.channel,
        "removed": one.removed,
        "added": one.added,
        "changed": one.changed,
        "first": isoformat(one.first),
        "last": isoformat(one.last),
        "dry_run": True,
    }


def _line(one: PlacedDeployment, when: Instant, dry_run: bool) -> str:
    moment = shown_moment(when)
    if dry_run:
        return text(
            f"{one.dev_eui} would measure at '{one.station}' from {moment} on; nothing was changed",
            f"{one.dev_eui} würde ab {moment} an '{one.station}' messen; nichts geändert",
        )
    return text(
        f"{one.dev_eui} measures at '{one.station}' from {moment} on; "
        "its series are made anew from then",
        f"{one.dev_eui} misst ab {moment} an '{one.station}'; "
        "die Messreihe wird von da an neu geschrieben",
    )
