"""`stadtsinn cloud`: run the installation, upgrade its database, show its quarantine, rebuild."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtsinn.base.berlin import isoformat
from stadtsinn.cli import cloud_check, database_move, set_aside
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.installation import (
    DEFAULT_CONFIG,
    Config,
    installation,
    read_settings,
    server_errors,
)
from stadtsinn.cli.language import shown_value, text
from stadtsinn.cli.options import Clock, Json, Limit
from stadtsinn.cli.output import print_facts, print_json, print_list, say, say_as_it_is
from stadtsinn.cli.times import shown_moment
from stadtsinn.cli.whose_files import refuse_as_root
from stadtsinn.cloud.settings import EXAMPLE

if TYPE_CHECKING:
    from stadtsinn.cloud.intake.repository import QuarantineRow

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "The installation: takes uplinks, keeps them, follows them, answers questions.",
        "Die Zentrale: nimmt Messungen an, bewahrt sie auf, wertet sie aus, gibt Auskunft.",
    ),
)
quarantine_app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "What came and was not taken into the log.",
        "Was ankam und nicht übernommen wurde.",
    ),
)
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(set_aside.app, name="set-aside")
app.command("check", help=cloud_check.HELP)(cloud_check.check)
app.command("move-database", help=database_move.HELP)(database_move.move_database)


def _known_reason(word: str | None) -> str | None:
    from stadtsinn.cloud.intake.reasons import Reason as Known

    if word is None or word in set(Known):
        return word
    known = ", ".join(sorted(Known))
    raise typer.BadParameter(text(f"reasons are {known}", f"Gründe sind {known}"))


Reason = Annotated[
    str | None,
    typer.Option(callback=_known_reason, help=text("Only this reason.", "Nur dieser Grund.")),
]
DevEui = Annotated[
    str | None,
    typer.Option(help=text("Only this device (DevEUI).", "Nur dieses Gerät (DevEUI).")),
]


@app.command(
    help=text(
        "Run until SIGTERM or Ctrl-C: all roles, the API as a process of its own, or those named "
        "with --only in this process alone.\n\n"
        "Example: stadtsinn cloud run --config cloud.toml --only ingest --only series",
        "Die Zentrale starten; endet mit SIGTERM oder Strg-C. Alle Rollen, die API als eigener "
        "Prozess, oder die mit --only genannten allein in diesem Prozess.\n\n"
        "Beispiel: stadtsinn cloud run --config cloud.toml --only ingest --only series",
    )
)
def run(
    config: Config = DEFAULT_CONFIG,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help=text(
                "Only these roles: ingest, series, live, alerts, notify, api.",
                "Nur diese Rollen: ingest, series, live, alerts, notify, api.",
            ),
        ),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            help=text(
                "Health page (host:port) of another process, shown in that of the API.",
                "Zustandsseite (host:port) eines weiteren Prozesses; die API zeigt sie mit an.",
            ),
        ),
    ] = None,
    child_of: Annotated[int | None, typer.Option(hidden=True)] = None,
    clock: Clock = None,
) -> None:
    from stadtsinn.base.clock import open_clock
    from stadtsinn.base.logs import configure_logs
    from stadtsinn.base.settings.reading import warn_of_open_secrets
    from stadtsinn.cloud.roles import ROLES
    from stadtsinn.cloud.run import Process

    for name in only or []:
        if name not in ROLES:
            refuse(
                text(
                    f"unknown role '{name}': roles are {', '.join(ROLES)}",
                    f"unbekannte Rolle '{name}': es gibt {', '.join(ROLES)}",
                )
            )
    with server_errors(config):
        settings = read_settings(config)
        refuse_as_root(settings.database.url)
        configure_logs("cloud", level=settings.log_level)
        warn_of_open_secrets(settings)
        process = Process(
            settings,
            open_clock(clock or settings.clock),
            only or [role for role in ROLES if role != "api"],
            api_command=[] if only else _api_command(config, clock, settings.health.bind),
            beside=beside or (),
            parent=child_of,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: process.stop())
        code = process.run()
    raise typer.Exit(code)


def _api_command(config: Path, clock: str | None, beside: str) -> list[str]:
    """Runs the API beside this process."""
    command = [sys.executable, "-m", "stadtsinn.cli", "cloud", "run", "--config", str(config)]
    command += ["--only", "api", "--beside", beside, "--child-of", str(os.getpid())]
    return command + (["--clock", clock] if clock else [])


@app.command(
    "config-example",
    help=text(
        "Print a commented configuration.\n\nExample: stadtsinn cloud config-example > cloud.toml",
        "Eine erläuterte Konfiguration ausgeben.\n\n"
        "Beispiel: stadtsinn cloud config-example > cloud.toml",
    ),
)
def config_example() -> None:
    say_as_it_is(EXAMPLE)


@app.command(
    help=text(
        "Bring the database to this version's schema, as 'stadtsinn cloud run' does at its start."
        "\n\nExample: stadtsinn cloud upgrade --dry-run",
        "Die Datenbank auf den Stand dieser Version bringen, wie 'stadtsinn cloud run' es beim "
        "Start tut.\n\nBeispiel: stadtsinn cloud upgrade --dry-run",
    )
)
def upgrade(
    config: Config = DEFAULT_CONFIG,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help=text("Only say what would change.", "Nur sagen, was sich änderte.")
        ),
    ] = False,
) -> None:
    from stadtsinn.cloud.migrations import pending, upgrade
    from stadtsinn.cloud.platform.database.engine import open_database

    with server_errors(config):
        url = read_settings(config).database.url
        refuse_as_root(url)
        database = open_database(url)
        try:
            if not dry_run:
                changes = upgrade(database)
            elif database.is_there():
                with database.read() as connection:
                    changes = pending(connection)
            else:
                changes = []
        finally:
            database.dispose()
    for change in changes:
        say(f"{change.revision}  {change.what}")
    if not changes:
        say(text("Nothing to change.", "Nichts zu ändern."))


@app.command(
    help=text(
        "Make what a follower keeps anew from the log; right also while it runs.\n\n"
        "Example: stadtsinn cloud rebuild series",
        "Das Ergebnis einer Auswertung neu aus dem Log aufbauen; auch im laufenden Betrieb.\n\n"
        "Beispiel: stadtsinn cloud rebuild series",
    )
)
def rebuild(
    name: Annotated[
        str,
        typer.Argument(
            metavar="series|live|alerts",
            help=text(
                "Values for charts, numbers of zones, or alarms.",
                "Werte für Diagramme, Zahlen der Zonen oder Alarme.",
            ),
        ),
    ],
    config: Config = DEFAULT_CONFIG,
    clock: Clock = None,
) -> None:
    from stadtsinn.cloud.log.followers.forgetting import rebuild as rebuild_follower
    from stadtsinn.cloud.roles import FOLLOWERS, follower

    if name not in FOLLOWERS:
        refuse(
            text(
                f"unknown follower '{name}': {', '.join(FOLLOWERS)}",
                f"unbekannte Auswertung '{name}': {', '.join(FOLLOWERS)}",
            )
        )
    with installation(config, clock) as parts:
        rebuild_follower(parts.database, follower(name, parts), parts.clock, parts.archive)
    say(
        text(
            f"{name}: set back to the start of the log; "
            "'stadtsinn cloud run' applies it again, at once where it is running",
            f"{name}: auf den Anfang des Logs zurückgesetzt; 'stadtsinn cloud run' wertet es "
            "neu aus, sofort, wo es läuft",
        )
    )


@quarantine_app.command(
    "list",
    help=text(
        "List what was not taken, newest first.\n\nExample: stadtsinn cloud quarantine list",
        "Zeigt, was nicht übernommen wurde, das Neueste zuerst.\n\n"
        "Beispiel: stadtsinn cloud quarantine list",
    ),
)
def list_quarantine(
    config: Config = DEFAULT_CONFIG,
    reason: Reason = None,
    dev_eui: DevEui = None,
    limit: Limit = 50,
    everything: Annotated[
        bool, typer.Option("--all", help=text("Also replayed ones.", "Auch nachgeholte."))
    ] = False,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.intake.repository import quarantined

    with installation(config, reading=True) as parts, parts.database.read() as connection:
        rows = quarantined(
            connection, reason=reason, dev_eui=dev_eui, with_replayed=everything, limit=limit
        )
    print_list(
        rows,
        {
            text("No.", "Nr."): lambda row: str(row.id),
            text("Last received", "Zuletzt empfangen"): lambda row: shown_moment(row.last_at),
            text("Times", "Anzahl"): lambda row: str(row.times),
            text("Device", "Gerät"): lambda row: row.dev_eui or "–",
            text("Source", "Quelle"): lambda row: row.source,
            text("Reason", "Grund"): _why,
        },
        lambda row: _fields(row, isoformat),
        as_json=json_lines,
        empty=text(
            "no item fits: 'stadtsinn cloud quarantine list --all' without a filter shows all",
            "kein Eintrag passt: 'stadtsinn cloud quarantine list --all' ohne Filter zeigt alle",
        )
        if reason or dev_eui
        else text(
            "Quarantine is empty: all that came was taken into the log. Where a device is missing, "
            "'stadtsinn trace DEVEUI' says where it got stuck; '--all' shows what was taken later.",
            "Die Quarantäne ist leer: Alles, was kam, liegt im Log. Fehlt ein Gerät, sagt "
            "'stadtsinn trace DEVEUI', wo es hängt; '--all' zeigt auch Nachgeholtes.",
        ),
    )


@quarantine_app.command(
    help=text(
        "Show one item with its bytes.\n\nExample: stadtsinn cloud quarantine show 17",
        "Einen Eintrag mit seinen Bytes zeigen.\n\nBeispiel: stadtsinn cloud quarantine show 17",
    )
)
def show(
    row_id: Annotated[int, typer.Argument(help=text("Its number.", "Die Nummer."))],
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.intake.repository import quarantined_row

    with installation(config, reading=True) as parts, parts.database.read() as connection:
        row = quarantined_row(connection, row_id)
    if row is None:
        refuse(
            text(
                f"no item {row_id}: 'stadtsinn cloud quarantine list --all' shows all",
                f"kein Eintrag {row_id}: 'stadtsinn cloud quarantine list --all' zeigt alle",
            )
        )
    payload = {"payload_hex": row.payload.hex()}
    if json_lines:
        print_json({**_fields(row, isoformat), **payload})
    else:
        shown = {**_fields(row, shown_moment), **payload}
        print_facts((_label(name), shown_value(value)) for name, value in shown.items())


@quarantine_app.command(
    help=text(
        "Try items again, e.g. after registering a device.\n\n"
        "Example: stadtsinn cloud quarantine replay --dev-eui 70b3d57ed0001234",
        "Einträge erneut versuchen, etwa nachdem ein Gerät angelegt wurde.\n\n"
        "Beispiel: stadtsinn cloud quarantine replay --dev-eui 70b3d57ed0001234",
    )
)
def replay(
    row_id: Annotated[
        list[int] | None, typer.Argument(help=text("Its numbers.", "Die Nummern."))
    ] = None,
    config: Config = DEFAULT_CONFIG,
    reason: Reason = None,
    dev_eui: DevEui = None,
    clock: Clock = None,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.intake.opening import open_ingestor
    from stadtsinn.cloud.intake.quarantine import replay as replay_rows

    with installation(config, clock) as parts:
        report = replay_rows(
            parts.database,
            open_ingestor(parts.database, parts.directory, parts.clock, parts.archive),
            parts.clock,
            reason=reason,
            dev_eui=dev_eui,
            row_ids=row_id or None,
        )
    if json_lines:
        print_json(
            {
                "taken": report.taken,
                "copies": report.copies,
                "resent": report.resent,
                "refused": dict(report.refused),
                "never": dict(report.never),
            }
        )
        return
    say(
        text(
            f"{report.taken} taken into the log, {report.copies} were there already",
            f"{report.taken} übernommen, {report.copies} lagen schon vor",
        )
    )
    if report.resent:
        say(
            text(
                f"{report.resent} about edges that are registered now and send everything again",
                f"{report.resent} zu Edge-Agenten, die nun angelegt sind und alles erneut senden",
            )
        )
    for why, count in sorted(report.never.items()):
        say(text(f"{count} can never be taken: {why}", f"{count} nie übernehmbar: {why}"))
    for why, count in sorted(report.refused.items()):
        say(text(f"{count} still not taken: {why}", f"{count} weiter nicht übernommen: {why}"))


_LABELS = {
    "id": "Nummer",
    "reason": "Grund",
    "detail": "Näheres",
    "tenant": "Stadt",
    "dev_eui": "DevEUI",
    "source": "Quelle",
    "format": "Format",
    "topic": "Topic",
    "times": "Anzahl",
    "size": "Bytes",
    "first": "zuerst",
    "last": "zuletzt",
    "replayable": "nachholbar",
    "replayed": "nachgeholt",
    "payload_hex": "Inhalt (hex)",
}


def _label(name: str) -> str:
    return text(name, _LABELS[name])


def _why(row: QuarantineRow) -> str:
    never = text(" (can never be taken)", " (nie übernehmbar)") if row.never else ""
    return f"{row.reason}{never}: {row.detail}"


def _fields(row: QuarantineRow, shown: Callable[[int], str]) -> dict[str, Any]:
    """What is known of an item; `shown` writes its times."""
    return {
        "id": row.id,
        "reason": row.reason,
        "detail": row.detail,
        "tenant": row.tenant_id,
        "dev_eui": row.dev_eui,
        "source": row.source,
        "format": row.format,
        "topic": row.topic,
        "times": row.times,
        "size": row.size,
        "first": shown(row.received_at),
        "last": shown(row.last_at),
        "replayable": row.never is None,
        "replayed": shown(row.replayed_at) if row.replayed_at is not None else None,
    }
