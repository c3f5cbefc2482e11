"""`stadtsinn roster`: who is on duty, whether somebody always is, shift plans, stand-ins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.sentence import Unusable
from stadtsinn.cli.frame import FAILED, refuse
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import readers_language, text
from stadtsinn.cli.options import DryRun, Json
from stadtsinn.cli.output import say
from stadtsinn.cli.roster_output import (
    say_change,
    say_coverage,
    say_now_and_next,
    say_stand_ins,
)
from stadtsinn.cli.times import read_end, read_moment
from stadtsinn.cli.town_choice import Tenant, read_town, scope_of_town
from stadtsinn.cli.typed import as_typed

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from stadtsinn.cloud.alarms.duty.repository import StoredGroup
    from stadtsinn.cloud.platform.access.scope import Scope

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Who is on duty.", "Wer Bereitschaft hat."),
)

GroupName = Annotated[
    str | None,
    typer.Option(
        "--group",
        "-g",
        help=text(
            "The duty group's short name; all of the town.",
            "Kurzname der Bereitschaft; sonst alle der Stadt.",
        ),
    ),
]
OneGroup = Annotated[
    str,
    typer.Option(
        "--group", "-g", help=text("The duty group's short name.", "Kurzname der Bereitschaft.")
    ),
]


@app.command(
    help=text(
        "Who is on duty now, and in the week from then on.\n\n"
        "Example: stadtsinn roster show --at '2026-12-24 18:00'",
        "Wer jetzt Dienst hat, und in der Woche danach.\n\n"
        "Beispiel: stadtsinn roster show --at '2026-12-24 18:00'",
    )
)
def show(
    at: Annotated[
        str | None,
        typer.Option("--at", help=text("At another time than now.", "Zu anderer Zeit als jetzt.")),
    ] = None,
    group: GroupName = None,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.base.calendar import Span
    from stadtsinn.base.instant import DAY, Instant
    from stadtsinn.cloud.alarms.duty import repository, service

    with read_town(config, tenant) as (opened, connection, scope):
        moment = opened.clock.now() if at is None else read_moment("--at", at)
        names = repository.names(connection, scope.tenant_id)
        week = Span(moment, Instant(moment + 7 * DAY))
        for stored in _groups(connection, scope, group):
            roster = service.roster_of(connection, stored, Span(Instant(moment - DAY), week.end))
            is_list = service.is_list(connection, stored)
            say_now_and_next(stored.group, roster, week, names, is_list=is_list, as_json=json_lines)


@app.command(
    help=text(
        "Prove that no minute of the next year is without anybody on duty, or name the gaps; "
        "overlaps are shown, which are allowed. Ends with 1 where there is a gap.\n\n"
        "Example: stadtsinn roster check",
        "Beweisen, dass im nächsten Jahr keine Minute ohne Dienst ist, oder die Lücken nennen; "
        "gezeigt werden auch Überschneidungen, die erlaubt sind. Endet mit 1, wenn es eine Lücke "
        "gibt.\n\nBeispiel: stadtsinn roster check",
    )
)
def check(
    group: GroupName = None,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.alarms.duty import repository
    from stadtsinn.cloud.alarms.duty.coverage import a_year_from, coverage

    uncovered = False
    with read_town(config, tenant) as (opened, connection, scope):
        names = repository.names(connection, scope.tenant_id)
        whole = a_year_from(opened.clock.now())
        language = readers_language()
        for stored in _groups(connection, scope, group):
            found = coverage(connection, stored, whole, language)
            say_coverage(stored.group, found, names, as_json=json_lines)
            uncovered = uncovered or bool(found.gaps)
    if uncovered:
        raise typer.Exit(FAILED)


@app.command(
    "import",
    help=text(
        "Bring a shift plan into a duty group: iCalendar (.ics) of Outlook, Google, Nextcloud, or "
        "a table (CSV). It takes the place of what an earlier import said of the same time; all "
        "mistakes are named at once and change nothing.\n\n"
        "Example: stadtsinn roster import juni.csv --group bereitschaft --dry-run",
        "Einen Dienstplan in eine Bereitschaft einlesen: iCalendar (.ics) aus Outlook, Google, "
        "Nextcloud, oder eine Tabelle (CSV). Er ersetzt, was früher für dieselbe Zeit eingelesen "
        "wurde; alle Fehler werden auf einmal genannt und ändern nichts.\n\n"
        "Beispiel: stadtsinn roster import juni.csv --group bereitschaft --dry-run",
    ),
)
def import_plan(
    file: Annotated[Path, typer.Argument(help=text("The plan.", "Der Dienstplan."))],
    group: OneGroup,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help=text(
                "The plan speaks of all time from here on; else from its first shift.",
                "Der Plan gilt von hier an; sonst ab seiner ersten Schicht.",
            ),
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            help=text(
                "And to here; else to its last shift.", "Und bis hier; sonst bis zur letzten."
            ),
        ),
    ] = None,
    tenant: Tenant = None,
    dry_run: DryRun = False,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.base.bounded_files import LISTS, read_whole
    from stadtsinn.cloud.alarms.duty import importing, repository
    from stadtsinn.cloud.alarms.duty.importing import PlanRefused
    from stadtsinn.cloud.town.service import DryRunEnded, change_or_dry_run

    refused: str | None = None
    with installation(config, reading=dry_run) as opened:
        content, now = read_whole(file, LISTS), opened.clock.now()
        first = None if start is None else read_moment("--from", start)
        last = None if end is None else read_end("--to", end)
        with opened.database.read() as connection:
            scope = scope_of_town(connection, tenant, opened.settings.limits)
            names = repository.names(connection, scope.tenant_id)
        try:
            with change_or_dry_run(opened.database, dry_run, scope, now) as connection:
                made = importing.import_plan(
                    connection, scope, group, content, now, start=first, end=last
                )
        except DryRunEnded:
            pass
        except PlanRefused as problem:
            said = problem.sentence
            refused = text(
                f"nothing was changed\n{said.english}", f"nichts geändert\n{said.german}"
            )
    if refused is not None:
        refuse(refused, FAILED)
    say_change(made, names, dry_run=dry_run, as_json=json_lines)


@app.command(
    "stand-in",
    help=text(
        "Somebody takes another's shifts for a while; without names: who stands in for whom. "
        "'--delete NUMBER' takes one back.\n\n"
        "Example: stadtsinn roster stand-in meier schulze --from 2026-07-01 --to 2026-07-14 "
        "-g bereitschaft",
        "Jemand übernimmt eine Zeit lang die Schichten eines anderen; ohne Namen: wer wen "
        "vertritt. '--delete NUMMER' nimmt eine Vertretung zurück.\n\n"
        "Beispiel: stadtsinn roster stand-in meier schulze --from 2026-07-01 --to 2026-07-14 "
        "-g bereitschaft",
    ),
)
def stand_in(
    group: OneGroup,
    absent: Annotated[
        str | None, typer.Argument(help=text("Who is away.", "Wer fort ist."))
    ] = None,
    taker: Annotated[
        str | None, typer.Argument(help=text("Who stands in.", "Wer vertritt."))
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help=text("From when on.", "Ab wann."))
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", help=text("To the end of this day.", "Bis zum Ende dieses Tages.")),
    ] = None,
    delete: Annotated[
        int | None, typer.Option("--delete", help=text("Its number.", "Ihre Nummer."))
    ] = None,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.base.instant import to_datetime
    from stadtsinn.cloud.alarms.duty import repository, service
    from stadtsinn.cloud.alarms.duty.model import SubstitutionBody
    from stadtsinn.cloud.town.service import change

    changing = absent is not None or delete is not None
    if absent is not None and (taker is None or start is None or end is None):
        refuse(
            text(
                "name who is away, who stands in, --from and --to",
                "angeben, wer fort ist, wer vertritt, --from und --to",
            )
        )
    with installation(config, reading=not changing) as opened:
        now = opened.clock.now()
        with opened.database.read() as connection:
            scope = scope_of_town(connection, tenant, opened.settings.limits)
            stored = service.group_named(connection, scope, group)
        if absent and taker and start and end:
            first, last = read_moment("--from", start), read_end("--to", end)
            if last <= first:
                raise Unusable("--to has to lie after --from", "--to muss nach --from liegen")
            if absent == taker:
                raise Unusable("nobody stands in for themselves", "niemand vertritt sich selbst")
            with as_typed(absent="absent", stand_in="taker", start="--from", end="--to"):
                wanted = SubstitutionBody(
                    absent=absent, stand_in=taker, start=to_datetime(first), end=to_datetime(last)
                )
            with change(opened.database, scope, now) as connection:
                service.add_substitution(connection, scope, group, wanted, now)
        if delete is not None:
            with change(opened.database, scope, now) as connection:
                service.delete_substitution(connection, scope, group, delete)
        with opened.database.read() as connection:
            names = repository.names(connection, scope.tenant_id)
            found = repository.substitutions(connection, stored.id)
    say_stand_ins([one for one in found if one.span.end > now], names, as_json=json_lines)


def _groups(connection: Connection, scope: Scope, group: str | None) -> Sequence[StoredGroup]:
    from stadtsinn.cloud.alarms.duty import repository
    from stadtsinn.cloud.alarms.duty.service import group_named

    if group is not None:
        return [group_named(connection, scope, group)]
    found = repository.groups_page(connection, scope, None, None)
    if not found:
        say(
            text(
                "there is no duty group yet: '[[duty_groups]]' of a town file makes one "
                "(docs/duty.md)",
                "es gibt noch keine Bereitschaft: '[[duty_groups]]' einer Stadt-Datei legt eine "
                "an (docs/duty.md)",
            ),
            error=True,
        )
    return found
