"""`stadtsinn zone`: who is inside, correcting it, what is permitted, market days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.berlin import write_time
from stadtsinn.cli import zone_events
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import decimal, text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_facts, print_json, print_list, say
from stadtsinn.cli.times import read_moment, shown_moment
from stadtsinn.cli.town_choice import Tenant, open_town, read_town
from stadtsinn.cli.typed import as_typed

if TYPE_CHECKING:
    from stadtsinn.base.instant import Instant
    from stadtsinn.cloud.domains.crowd.drift import Learned
    from stadtsinn.cloud.domains.crowd.present import Present
    from stadtsinn.cloud.domains.crowd.zone_repository import Correction
    from stadtsinn.cloud.domains.crowd.zones.model import Zone

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Zones whose persons are counted.", "Zonen, in denen Personen gezählt werden."),
)
app.command("events", help=zone_events.EVENTS_HELP)(zone_events.events)
app.command("add-event", help=zone_events.ADD_HELP)(zone_events.add_event)
app.command("remove-event", help=zone_events.REMOVE_HELP)(zone_events.remove_event)

ZoneName = Annotated[
    str,
    typer.Argument(metavar="ZONE", help=text("The zone's short name.", "Kurzname der Zone.")),
]
By = Annotated[
    str,
    typer.Option("--name", help=text("Who says so; on record.", "Wer das sagt; wird vermerkt.")),
]
Reason = Annotated[
    str, typer.Option("--reason", help=text("Why; on record.", "Warum; wird vermerkt."))
]


@app.command(
    "list",
    help=text(
        "All zones of the town with their numbers.\n\nExample: stadtsinn zone list",
        "Alle Zonen der Stadt mit ihren Zahlen.\n\nBeispiel: stadtsinn zone list",
    ),
)
def list_zones(
    tenant: Tenant = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    from stadtsinn.cloud.domains.crowd import service
    from stadtsinn.cloud.domains.crowd.zones import repository

    with read_town(config, tenant) as (opened, connection, scope):
        now = opened.clock.now()
        found = [
            (zone, service.current(connection, scope, zone.slug, now))
            for zone in repository.zones_page(connection, scope, None, None)
        ]
    print_list(
        found,
        {
            text("zone", "Zone"): lambda one: one[0].slug,
            text("name", "Name"): lambda one: one[0].name,
            text("inside", "Personen"): lambda one: _number(one[1]),
            text("permitted", "zugelassen"): lambda one: _optional(one[1].permitted),
            text("state", "Stand"): lambda one: _state(one[1]),
        },
        lambda one: _fields(*one),
        as_json=as_json,
        empty=text("the town has no zone", "die Stadt hat keine Zone"),
    )


@app.command(
    help=text(
        "A zone now: number, interval, permit, what is planned, learned ratio, last "
        "corrections.\n\nExample: stadtsinn zone show wochenmarkt",
        "Eine Zone jetzt: Zahl, Bereich, Zulassung, was geplant ist, gelerntes Verhältnis, letzte "
        "Korrekturen.\n\nBeispiel: stadtsinn zone show wochenmarkt",
    )
)
def show(
    zone: ZoneName, tenant: Tenant = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    from stadtsinn.cloud.domains.crowd import service
    from stadtsinn.cloud.domains.crowd.zones import repository

    with read_town(config, tenant) as (opened, connection, scope):
        now = opened.clock.now()
        entry = repository.zone(connection, scope, zone)
        found = service.current(connection, scope, zone, now)
        planned = repository.planned_permits(connection, scope, zone)
        ratio = service.ratio(connection, scope, zone, now)
        corrections = service.corrections(connection, scope, zone, None, 5)
    if as_json:
        said = [{"since": write_time(one.since), "permitted": one.permitted} for one in planned]
        learned = {"out_ratio": round(ratio.ratio, 4), "out_ratio_days": ratio.days}
        print_json(_fields(entry, found) | {"planned": said} | learned)
        return
    say(f"{entry.name} ({entry.slug})")
    print_facts(
        [
            (text("  inside", "  Personen"), _number(found)),
            (text("  state", "  Stand"), _state(found)),
            (text("  permitted", "  zugelassen"), _optional(found.permitted)),
            *((f"    {shown_moment(one.since)}", _optional(one.permitted)) for one in planned),
            (text("  who leaves counts", "  wer geht, zählt"), _ratio(ratio, entry)),
            *((f"  {shown_moment(one.event_time)}", _correction(one)) for one in corrections),
        ]
    )


@app.command(
    help=text(
        "Enter a number that was counted by hand, or how many more or fewer there are; on record "
        "with name and reason.\n\n"
        "Example: stadtsinn zone correct wochenmarkt --to 640 --name 'K. Muster' --reason Zählung",
        "Eine von Hand gezählte Zahl eintragen, oder wie viele es mehr oder weniger sind; mit Name "
        "und Grund vermerkt.\n\n"
        "Beispiel: stadtsinn zone correct wochenmarkt --to 640 --name 'K. Muster' --reason Zählung",
    )
)
def correct(
    zone: ZoneName,
    name: By,
    reason: Reason,
    to: Annotated[
        int | None,
        typer.Option("--to", min=0, help=text("Persons inside.", "Personen, die da sind.")),
    ] = None,
    by: Annotated[
        int | None,
        typer.Option(
            "--by", help=text("So many more, or fewer (-20).", "So viele mehr, oder weniger (-20).")
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", help=text("When it was counted; else now.", "Wann gezählt wurde; sonst jetzt.")
        ),
    ] = None,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.cloud.domains.crowd import service
    from stadtsinn.cloud.domains.crowd.schemas import NewCorrection

    if (to is None) == (by is None):
        refuse(
            text(
                "give either --to (persons inside) or --by (so many more or fewer)",
                "entweder --to (Personen, die da sind) oder --by (so viele mehr oder weniger) "
                "angeben",
            )
        )
    with open_town(config, tenant) as (opened, scope):
        now = opened.clock.now()
        moment = now if at is None else read_moment("--at", at)
        with as_typed(value="--to", change="--by", at="--at"):
            wanted = NewCorrection(value=to, change=by, name=name, reason=reason)
            entered = service.enter_number(
                opened.database,
                scope,
                zone,
                value=wanted.value,
                change=wanted.change or 0,
                name=wanted.name,
                reason=wanted.reason,
                at=moment,
                now=now,
            )
    if as_json:
        print_json({"zone": zone, "value": entered.value, "time": write_time(moment)})
        return
    when = shown_moment(moment)
    say(
        text(
            f"{zone}: {entered.value} inside at {when}; counting goes on from there",
            f"{zone}: {entered.value} am {when}; von da wird weitergezählt",
        )
    )


@app.command(
    help=text(
        "Change the permitted number: now, or from a time on; 'none' takes it away. Rules of kind "
        "'permit' follow at once.\n\n"
        "Example: stadtsinn zone permit wochenmarkt 800 --name 'K. Muster' --reason Bühne",
        "Die zugelassene Zahl ändern: jetzt, oder ab einer Zeit; 'none' nimmt sie weg. Regeln der "
        "Art 'permit' folgen sofort.\n\n"
        "Beispiel: stadtsinn zone permit wochenmarkt 800 --name 'K. Muster' --reason Bühne",
    )
)
def permit(
    zone: ZoneName,
    permitted: Annotated[
        str,
        typer.Argument(
            metavar="NUMBER", help=text("Persons, or 'none'.", "Personen, oder 'none'.")
        ),
    ],
    name: By,
    reason: Reason,
    since: Annotated[
        str | None,
        typer.Option("--from", help=text("From when on; else now.", "Ab wann; sonst sofort.")),
    ] = None,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.cloud.domains.crowd.schemas import NewPermit
    from stadtsinn.cloud.domains.crowd.zones.permit_service import set_permit

    number = _permitted(permitted)
    with open_town(config, tenant) as (opened, scope):
        moment = None if since is None else read_moment("--from", since)
        now = opened.clock.now()
        with as_typed(permitted="NUMBER", since="--from"):
            wanted = NewPermit(permitted=number, name=name, reason=reason)
            found = set_permit(
                opened.database,
                scope,
                zone,
                wanted.permitted,
                name=wanted.name,
                reason=wanted.reason,
                since=moment,
                now=now,
            )
    if as_json:
        planned = [
            {"since": write_time(one.since), "permitted": one.permitted} for one in found.planned
        ]
        print_json({"zone": zone, "permitted": found.permitted, "planned": planned})
        return
    say(
        text(f"{zone}: permitted now: ", f"{zone}: jetzt zugelassen: ") + _optional(found.permitted)
    )
    for one in found.planned:
        say(text("  from ", "  ab ") + f"{shown_moment(one.since)}: {_optional(one.permitted)}")


def _permitted(written: str) -> int | None:
    if written == "none":
        return None
    if not written.isdecimal() or not 1 <= int(written) <= 10_000_000:
        refuse(
            text(
                "a permitted number is at least 1; 'none' where there is no number",
                "eine zugelassene Zahl ist mindestens 1; 'none', wenn es keine gibt",
            )
        )
    return int(written)


def _optional(number: int | None) -> str:
    return "-" if number is None else str(number)


def _number(found: Present) -> str:
    sample = found.sample if found.shown else None
    return "-" if sample is None else f"{sample.occupancy} ({sample.low}–{sample.high})"


def _state(found: Present) -> str:
    from stadtsinn.cloud.domains.crowd.present import State

    words = {
        State.LIVE: text("live", "aktuell"),
        State.DEGRADED: text("a gate is silent", "ein Zugang meldet sich nicht"),
        State.STALE: text("no current number", "keine aktuelle Zahl"),
        State.CLOSED: text("closed", "geschlossen"),
    }[found.state]
    return f"{words}, {_again(found.opens_at)}" if found.opens_at else words


def _correction(one: Correction) -> str:
    from stadtsinn.cloud.domains.crowd.zone_repository import CorrectionKind

    words = {
        CorrectionKind.RESET: text("reset", "Nullstellung"),
        CorrectionKind.MANUAL: text("by hand", "von Hand"),
        CorrectionKind.CLAMP: text("raised: more had left than came", "angehoben: mehr gingen"),
    }[one.kind]
    number = "" if one.value is None else f": {one.value}"
    return words + number + (f" ({one.name})" if one.name else "")


def _again(moment: Instant) -> str:
    return text("again from ", "wieder ab ") + shown_moment(moment)


def _ratio(ratio: Learned, zone: Zone) -> str:
    if not zone.learn_ratio:
        return text("1 (not learned)", "1 (wird nicht gelernt)")
    said = decimal(f"{ratio.ratio:.3f} ")
    said += text(f"(days learned from: {ratio.days})", f"(gelernt aus Tagen: {ratio.days})")
    if ratio.is_at_bound:
        said += text("; at its bound: look at the counters", "; am Anschlag: Zähler prüfen")
    return said


def _fields(zone: Zone, found: Present) -> dict[str, object]:
    sample = found.sample if found.shown else None
    return {
        "zone": zone.slug,
        "name": zone.name,
        "state": found.state.value,
        "occupancy": sample.occupancy if sample else None,
        "low": sample.low if sample else None,
        "high": sample.high if sample else None,
        "permitted": found.permitted,
        "opens_at": write_time(found.opens_at),
    }
