"""`stadtsinn alert`: what is open, who has it in hand, what is muted, what messages would say."""

from __future__ import annotations

from typing import Annotated

import typer

from stadtsinn.cli.alert_output import (
    say_acknowledged,
    say_answers,
    say_incidents,
    say_mute,
    say_mutes,
    say_previews,
    say_timeline,
)
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json, Limit
from stadtsinn.cli.times import read_end
from stadtsinn.cli.town_choice import Tenant, open_town, read_town, scope_of_town
from stadtsinn.cli.typed import as_typed

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "Alarms: who has them in hand, and mutes.", "Alarme: wer sie übernommen hat, was stumm ist."
    ),
)

Incident = Annotated[
    str, typer.Argument(help=text("Its number, from 'list'.", "Seine Nummer, aus 'list'."))
]


@app.command(
    "list",
    help=text(
        "Open alarms, and who has them in hand; '--all' also those that are over.\n\n"
        "Example: stadtsinn alert list",
        "Offene Alarme, und wer sie übernommen hat; '--all' auch die beendeten.\n\n"
        "Beispiel: stadtsinn alert list",
    ),
)
def list_(
    all_: Annotated[
        bool,
        typer.Option("--all", help=text("Also those that are over.", "Auch beendete.")),
    ] = False,
    limit: Limit = 50,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.alarms.alerts import attention_repository, incident_repository

    with read_town(config, tenant) as (_, connection, scope):
        still_open = None if all_ else True
        rows = incident_repository.incidents_page(
            connection, scope, None, limit, still_open=still_open
        )
        known = attention_repository.acknowledgements_of(connection, [row.id for row in rows])
    say_incidents(rows, known, as_json=json_lines)


@app.command(
    help=text(
        "All that happened to an alarm: who was told when, who has it in hand, what was muted.\n\n"
        "Example: stadtsinn alert show 3-1790409600000000",
        "Der Verlauf eines Alarms: wer wann Meldung bekam, wer übernommen hat, was stumm war.\n\n"
        "Beispiel: stadtsinn alert show 3-1790409600000000",
    )
)
def show(
    incident: Incident,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.alarms.answers.timeline import timeline

    with read_town(config, tenant) as (_, connection, scope):
        found = timeline(connection, scope, incident)
    say_timeline(found, as_json=json_lines)


@app.command(
    help=text(
        "Say that somebody has an alarm in hand: it is not repeated or passed on any more, and "
        "the others who were told learn who it is.\n\n"
        "Example: stadtsinn alert acknowledge 3-1790409600000000 --as meier",
        "Sagen, dass jemand einen Alarm übernommen hat: er wird nicht mehr wiederholt und nicht "
        "weitergegeben, und die anderen erfahren, wer es ist.\n\n"
        "Beispiel: stadtsinn alert acknowledge 3-1790409600000000 --as meier",
    )
)
def acknowledge(
    incident: Incident,
    who: Annotated[
        str | None,
        typer.Option(
            "--as",
            help=text(
                "The recipient's short name; without: the operator.",
                "Kurzname des Empfängers; ohne: der Betreiber.",
            ),
        ),
    ] = None,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.alarms.answers import repository
    from stadtsinn.cloud.alarms.answers.acknowledging import Person, Via, acknowledge_of
    from stadtsinn.cloud.platform.audit.recording import recording

    with installation(config) as opened:
        now = opened.clock.now()
        with opened.database.read() as connection:
            scope = scope_of_town(connection, tenant, opened.settings.limits)
            person = Person(text("the operator", "Betreiber"), Via.COMMAND)
            if who is not None:
                row = repository.recipient_named(connection, scope, who)
                person = Person(row.name, Via.COMMAND, row.id)
        with opened.database.write() as connection, recording(connection, scope, now):
            done = acknowledge_of(connection, scope, incident, person, now)
    say_acknowledged(done, as_json=json_lines)


@app.command(
    help=text(
        "Tell nobody of some alarms for a while. They are recorded all the same; what still goes "
        "on at the end is told then.\n\n"
        "Example: stadtsinn alert mute --station linde --until '2026-06-12 18:00' "
        "--reason Baustelle",
        "Von Alarmen eine Zeit lang nicht melden. Festgehalten werden sie trotzdem; was am Ende "
        "noch andauert, wird dann gemeldet.\n\n"
        "Beispiel: stadtsinn alert mute --station linde --until '2026-06-12 18:00' "
        "--reason Baustelle",
    )
)
def mute(
    until: Annotated[
        str,
        typer.Option(
            "--until",
            help=text(
                "Its end, 31 days ahead at most (limit 'mute_days').",
                "Ende, höchstens 31 Tage voraus (Grenze 'mute_days').",
            ),
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help=text("Why.", "Warum."))],
    rule: Annotated[str | None, typer.Option("--rule", help=text("A rule.", "Eine Regel."))] = None,
    station: Annotated[
        str | None, typer.Option("--station", help=text("A station.", "Eine Messstelle."))
    ] = None,
    zone: Annotated[str | None, typer.Option("--zone", help=text("A zone.", "Eine Zone."))] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", "-g", help=text("A duty group.", "Eine Bereitschaft.")),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option("--site", help=text("All stations of a site.", "Alle Messstellen am Ort.")),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option("--tag", help=text("All stations with a tag.", "Alle mit diesem Schlagwort.")),
    ] = None,
    office: Annotated[
        str | None,
        typer.Option("--office", help=text("All stations of an office.", "Alle eines Amtes.")),
    ] = None,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.base.instant import to_datetime
    from stadtsinn.cloud.alarms.alerts import muting
    from stadtsinn.cloud.alarms.alerts.mute import MuteBody
    from stadtsinn.cloud.platform.audit.recording import recording

    named = {
        "rule": rule,
        "station": station,
        "zone": zone,
        "duty_group": group,
        "site": site,
        "tag": tag,
        "office": office,
    }
    given = {name: value for name, value in named.items() if value is not None}
    if len(given) != 1:
        refuse(
            text(
                "name one of --rule, --station, --zone, --group, --site, --tag and --office",
                "eines von --rule, --station, --zone, --group, --site, --tag und --office angeben",
            )
        )
    with open_town(config, tenant) as (opened, scope):
        now, end = opened.clock.now(), to_datetime(read_end("--until", until))
        with as_typed(end="--until", duty_group="--group"):
            wanted = MuteBody.model_validate({**given, "end": end, "reason": reason})
            with opened.database.write() as connection, recording(connection, scope, now):
                made = muting.create_mute(connection, scope, wanted, now)
    say_mute(made, now, as_json=json_lines)


@app.command(
    help=text(
        "End a mute before its time; what still goes on is told within a minute.\n\n"
        "Example: stadtsinn alert unmute 4",
        "Eine Stummschaltung vorzeitig beenden; was noch andauert, wird binnen einer Minute "
        "gemeldet.\n\nBeispiel: stadtsinn alert unmute 4",
    )
)
def unmute(
    number: Annotated[
        int, typer.Argument(help=text("Its number, from 'mutes'.", "Ihre Nummer, aus 'mutes'."))
    ],
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.alarms.alerts import muting
    from stadtsinn.cloud.platform.audit.recording import recording

    with open_town(config, tenant) as (opened, scope):
        now = opened.clock.now()
        with opened.database.write() as connection, recording(connection, scope, now):
            ended = muting.end_mute(connection, scope, number, now)
    say_mute(ended, now, as_json=json_lines)


@app.command(
    help=text(
        "What is muted; '--all' also what was.\n\nExample: stadtsinn alert mutes",
        "Was stumm ist; '--all' auch, was es war.\n\nBeispiel: stadtsinn alert mutes",
    )
)
def mutes(
    all_: Annotated[
        bool, typer.Option("--all", help=text("Also those that are over.", "Auch beendete."))
    ] = False,
    limit: Limit = 50,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.alarms.alerts import mute_repository

    with read_town(config, tenant) as (opened, connection, scope):
        now = opened.clock.now()
        since = None if all_ else now
        found = mute_repository.mutes_page(connection, scope, None, limit, since=since)
    say_mutes(found, now, as_json=json_lines)


@app.command(
    help=text(
        "How many answers came by SMS, also those of numbers that nobody knows.\n\n"
        "Example: stadtsinn alert answers --days 7",
        "Wie viele Antworten per SMS kamen, auch von Nummern, die niemand kennt.\n\n"
        "Beispiel: stadtsinn alert answers --days 7",
    )
)
def answers(
    days: Annotated[
        int,
        typer.Option(
            "--days", min=1, max=30, help=text("Of so many days.", "Aus so vielen Tagen.")
        ),
    ] = 7,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.base.instant import DAY, Instant
    from stadtsinn.cloud.alarms.answers.inbound_repository import counts_since

    with read_town(config, tenant) as (opened, connection, scope):
        since = Instant(opened.clock.now() - days * DAY)
        found = {
            **counts_since(connection, since, scope.tenant_id),
            **counts_since(connection, since),
        }
    say_answers(found, as_json=json_lines)


@app.command(
    help=text(
        "What a rule's messages would say, with the town's own names, in both languages.\n\n"
        "Example: stadtsinn alert preview wochenmarkt-voll",
        "Wie die Meldungen einer Regel lauten würden, mit den Namen der Stadt, in beiden "
        "Sprachen.\n\nBeispiel: stadtsinn alert preview wochenmarkt-voll",
    )
)
def preview(
    rule: Annotated[str, typer.Argument(help=text("Its short name.", "Ihr Kurzname."))],
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.alarms.alerts.repository import rule as rule_named
    from stadtsinn.cloud.alarms.answers.preview import EXAMPLE_PERSON, previews

    with read_town(config, tenant) as (opened, connection, scope):
        stored = rule_named(connection, scope, rule)
        found = previews(connection, stored, EXAMPLE_PERSON, opened.clock.now())
    say_previews(found, as_json=json_lines)
