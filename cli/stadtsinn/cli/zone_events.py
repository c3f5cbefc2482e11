"""`stadtsinn zone events`: market days of a zone, and adding and removing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_list, say
from stadtsinn.cli.times import read_day, shown_day
from stadtsinn.cli.town_choice import Tenant, open_town, read_town

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date as Date  # noqa: N812 (an option has the name)
    from pathlib import Path

    from stadtsinn.cloud.domains.crowd.zones.agenda import ZoneEvent
    from stadtsinn.cloud.domains.crowd.zones.model import Zone

EVENTS_HELP = text(
    "When something takes place in a zone; outside nobody is counted there.\n\n"
    "Example: stadtsinn zone events wochenmarkt",
    "Wann in einer Zone etwas stattfindet; sonst wird dort nicht gezählt.\n\n"
    "Beispiel: stadtsinn zone events wochenmarkt",
)
ADD_HELP = text(
    "Add an event, each week (--day) or once (--date).\n\n"
    "Example: stadtsinn zone add-event wochenmarkt samstag --event-name Wochenmarkt --day sat "
    "--start 07:00 --end 13:00 --permitted 900",
    "Eine Veranstaltung anlegen, jede Woche (--day) oder einmal (--date).\n\n"
    "Beispiel: stadtsinn zone add-event wochenmarkt samstag --event-name Wochenmarkt --day sat "
    "--start 07:00 --end 13:00 --permitted 900",
)
REMOVE_HELP = text(
    "Remove an event. The zone counts always once it has none.\n\n"
    "Example: stadtsinn zone remove-event wochenmarkt samstag",
    "Eine Veranstaltung löschen. Ohne eine zählt die Zone immer.\n\n"
    "Beispiel: stadtsinn zone remove-event wochenmarkt samstag",
)

_Zone = Annotated[
    str,
    typer.Argument(metavar="ZONE", help=text("The zone's short name.", "Kurzname der Zone.")),
]
_Event = Annotated[
    str,
    typer.Argument(
        metavar="EVENT", help=text("The event's short name.", "Kurzname der Veranstaltung.")
    ),
]


def events(
    zone: _Zone, tenant: Tenant = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    from stadtsinn.cloud.domains.crowd.zones import repository

    with read_town(config, tenant) as (_, connection, scope):
        found = repository.zone(connection, scope, zone).events
    print_list(
        found,
        {
            text("event", "Veranstaltung"): lambda one: one.slug,
            text("name", "Name"): lambda one: one.name,
            text("on", "am"): _days,
            text("from", "von"): lambda one: one.start,
            text("to", "bis"): lambda one: one.end,
            text("permitted", "zugelassen"): lambda one: str(one.permitted or "-"),
            text("on duty", "im Dienst"): lambda one: one.staff,
        },
        lambda one: one.model_dump(mode="json"),
        as_json=as_json,
        empty=text("no events: the zone counts always", "keine: die Zone zählt immer"),
    )


def _days(event: ZoneEvent) -> str:
    if event.date is not None:
        return shown_day(event.date)
    return " ".join(text(day.value, _GERMAN_DAYS[day.value]) for day in event.days)


_GERMAN_DAYS = {
    "mon": "Mo",
    "tue": "Di",
    "wed": "Mi",
    "thu": "Do",
    "fri": "Fr",
    "sat": "Sa",
    "sun": "So",
}
_TYPED = {"slug": "EVENT", "name": "--event-name", "days": "--day"}
"""Fields of an event, as they are typed where that is another word."""


def add_event(
    zone: _Zone,
    event: _Event,
    event_name: Annotated[
        str, typer.Option("--event-name", help=text("As citizens read it.", "Für die Leute."))
    ],
    start: Annotated[
        str, typer.Option("--start", help=text("Local time, 07:00.", "Ortszeit, 07:00."))
    ],
    end: Annotated[
        str,
        typer.Option(
            "--end",
            help=text("Not after the start: next day.", "Nicht nach dem Beginn: am Tag danach."),
        ),
    ],
    day: Annotated[
        list[str] | None,
        typer.Option("--day", help=text("mon … sun; several times.", "mon … sun; mehrfach.")),
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", help=text("Once: 2026-12-05.", "Einmal: 2026-12-05."))
    ] = None,
    permitted: Annotated[
        int | None,
        typer.Option(
            "--permitted", min=1, help=text("Persons permitted then.", "Dann zugelassene Personen.")
        ),
    ] = None,
    staff: Annotated[
        str, typer.Option("--staff", help=text("Who is on duty there.", "Wer dort Dienst hat."))
    ] = "",
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    given = {
        "slug": event,
        "name": event_name,
        "days": day or [],
        "date": None if date is None else read_day("--date", date).isoformat(),
        "start": start,
        "end": end,
        "permitted": permitted,
        "staff": staff,
    }

    def added(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*found, given]

    today = _change(zone, added, tenant, config)
    say(text(f"{zone}: '{event}' added", f"{zone}: '{event}' angelegt"))
    if date is not None and read_day("--date", date) < today:
        say(
            text(
                f"note: {shown_day(read_day('--date', date))} is past: is it the right day?",
                f"Hinweis: der {shown_day(read_day('--date', date))} ist vorbei: ist es der "
                "richtige Tag?",
            ),
            error=True,
        )


def remove_event(
    zone: _Zone, event: _Event, tenant: Tenant = None, config: Config = DEFAULT_CONFIG
) -> None:
    from stadtsinn.base.problems import NotFound

    def removed(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        left = [one for one in found if one["slug"] != event]
        if len(left) == len(found):
            names = ", ".join(one["slug"] for one in found) or "-"
            raise NotFound(
                f"'{zone}' has no event '{event}'; it has: {names}",
                f"'{zone}' hat keine Veranstaltung '{event}', sondern: {names}",
            )
        return left

    _change(zone, removed, tenant, config)
    say(text(f"{zone}: '{event}' removed", f"{zone}: '{event}' gelöscht"))


def _change(
    zone: str,
    changed: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    tenant: str | None,
    config: Path,
) -> Date:
    """The zone with other events, as the API would replace it. Returns today."""
    from stadtsinn.base.berlin import local
    from stadtsinn.cloud.domains.crowd.zones import repository, service
    from stadtsinn.cloud.town.service import change

    with open_town(config, tenant) as (opened, scope):
        now = opened.clock.now()
        with change(opened.database, scope, now) as connection:
            before = repository.zone(connection, scope, zone)
            document = before.model_dump(mode="json")
            wanted = _zone(document | {"events": changed(document["events"])})
            service.replace_zone(connection, scope, wanted)
    return local(now).date()


def _zone(document: dict[str, Any]) -> Zone:
    """The zone as the API would take it. An error is about a field of the event that was typed."""
    from pydantic import ValidationError

    from stadtsinn.base.field_errors import field_sentence
    from stadtsinn.base.problems import Invalid
    from stadtsinn.cloud.domains.crowd.zones.model import Zone

    try:
        return Zone.model_validate(document)
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        named = [part for part in item["loc"] if isinstance(part, str) and part != "events"]
        option = _TYPED.get(named[-1], f"--{named[-1]}") if named else ""
        raise Invalid.of(field_sentence(item).about(option)) from None
