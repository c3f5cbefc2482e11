"""`stadtsinn redecode`: what was logged, decoded again with the catalogue of now."""

from __future__ import annotations

import getpass
import os
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.sentence import Unusable
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import DryRun, Json
from stadtsinn.cli.times import read_end, read_moment

if TYPE_CHECKING:
    from stadtsinn.cloud.parts import Parts
    from stadtsinn.cloud.series.redecode.service import Redecoder, Wanted

_WHEN = "2026-10-01, '2026-10-01 08:00'"


def redecode(
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            help=text(
                f"First uplinks: a day or a time, local or with offset, {_WHEN}.",
                f"Erste Uplinks: ein Tag oder eine Zeit, örtlich oder mit Zeitversatz, {_WHEN}.",
            ),
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--to",
            help=text(
                "Last day (with it), or the time to stop before.",
                "Letzter Tag (einschließlich) oder Zeit, vor der Schluss ist.",
            ),
        ),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            help=text(
                "Only this DevEUI or device type; may be repeated.",
                "Nur diese DevEUI oder dieser Gerätetyp; mehrfach möglich.",
            )
        ),
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help=text("Only this town.", "Nur diese Stadt."))
    ] = None,
    dry_run: DryRun = False,
    go_on: Annotated[
        bool,
        typer.Option(
            "--continue",
            help=text(
                "Only finish a run that was interrupted.",
                "Nur einen unterbrochenen Lauf zu Ende bringen.",
            ),
        ),
    ] = False,
    past: Annotated[
        bool, typer.Option("--list", help=text("Show past runs.", "Frühere Läufe zeigen."))
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            help=text("Processes that read the archive.", "Prozesse, die das Archiv lesen."),
        ),
    ] = min(2, os.cpu_count() or 1),
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    with installation(config, reading=past or dry_run) as opened:
        if past:
            _list(opened, json_lines)
        elif go_on:
            _show_finished(_redecoder(opened, jobs), json_lines)
        else:
            wanted = _wanted(since, until, device or [], tenant)
            _run(_redecoder(opened, jobs), wanted, json_lines, dry_run=dry_run)


redecode.__doc__ = text(
    "Decode what was logged again with the catalogue of now, and replace log and series.\n\n"
    "Live occupancy, alerts and messages of the past stay as they were.\n\n"
    "Example: stadtsinn redecode --from 2026-10-01 --to 2026-10-31 --device dragino/lse01 "
    "--dry-run",
    "Protokolliertes mit dem heutigen Katalog neu dekodieren, Log und Messreihen ersetzen.\n\n"
    "Belegung, Alarme und Nachrichten der Vergangenheit bleiben, wie sie waren.\n\n"
    "Beispiel: stadtsinn redecode --from 2026-10-01 --to 2026-10-31 --device dragino/lse01 "
    "--dry-run",
)


def _wanted(since: str | None, until: str | None, devices: list[str], tenant: str | None) -> Wanted:
    from stadtsinn.cloud.series.redecode.service import Wanted

    if since is None or until is None:
        raise Unusable(
            "give the range with --from and --to, e.g. --from 2026-10-01 --to 2026-10-31",
            "bitte den Zeitraum mit --from und --to angeben, "
            "z. B. --from 2026-10-01 --to 2026-10-31",
        )
    start, end = read_moment("--from", since), read_end("--to", until)
    if start >= end:
        raise Unusable(
            "--from lies after --to: swap them", "--from liegt nach --to: bitte tauschen"
        )
    return Wanted(start, end, tenant, frozenset(name.strip().lower() for name in devices))


def _redecoder(opened: Parts, jobs: int) -> Redecoder:
    from stadtsinn.cloud.series.redecode.service import Redecoder, Workers
    from stadtsinn.decoders.catalogue import catalogue

    return Redecoder(
        opened.database,
        opened.archive,
        opened.series,
        opened.directory,
        catalogue(),
        opened.clock,
        Workers(jobs, opened.settings.devices),
    )


def _run(redecoder: Redecoder, wanted: Wanted, json_lines: bool, *, dry_run: bool) -> None:
    from stadtsinn.cli.redecode_output import print_done

    done = redecoder.dry_run(wanted) if dry_run else redecoder.run(wanted, _account())
    print_done(done, as_json=json_lines)


def _show_finished(redecoder: Redecoder, json_lines: bool) -> None:
    from stadtsinn.cli.redecode_output import print_records

    nothing = text(
        "Nothing was interrupted: there is no run to finish.",
        "Nichts wurde unterbrochen: Kein Lauf ist zu beenden.",
    )
    print_records(redecoder.finish_interrupted(), nothing, as_json=json_lines)


def _list(opened: Parts, json_lines: bool) -> None:
    from stadtsinn.cli.redecode_output import print_records
    from stadtsinn.cloud.series.redecode.repository import records

    with opened.database.read() as connection:
        found = records(connection)
    nothing = text(
        "Nothing was decoded again yet: 'stadtsinn redecode --from … --to … --dry-run' shows what "
        "would change.",
        "Noch nichts wurde neu dekodiert: 'stadtsinn redecode --from … --to … --dry-run' zeigt, "
        "was anders würde.",
    )
    print_records(found, nothing, as_json=json_lines)


def _account() -> str:
    """Whom the record names: the account and the machine."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        account = str(os.getuid())
    return f"{account}@{socket.gethostname()}"[:200]
