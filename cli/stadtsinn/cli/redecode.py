"""`stadtsinn redecode`: what was logged, decoded again with the catalogue of now."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.installation import (
    DEFAULT_CONFIG,
    Config,
    Installation,
    Json,
    installation,
)
from stadtsinn.cli.language import text

if TYPE_CHECKING:
    from stadtsinn.cloud.series.redecode.service import Redecoder, Wanted

_WHEN = "2026-10-01, 2026-10-01T08:00:00+02:00"


def redecode(
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            help=text(
                f"First uplinks: a day in Berlin or an instant, {_WHEN}.",
                f"Erste Uplinks: ein Tag oder ein Zeitpunkt, {_WHEN}.",
            ),
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--to",
            help=text(
                "Last day (with it), or the instant to stop before.",
                "Letzter Tag (einschließlich) oder Zeitpunkt, vor dem Schluss ist.",
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
        str | None, typer.Option(help=text("Only this town.", "Nur dieser Mandant."))
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help=text("Only show what would change.", "Nur zeigen, was sich ändern würde."),
        ),
    ] = False,
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
    with installation(config) as opened:
        from stadtsinn.base.logs import configure_logs

        configure_logs("redecode", level=opened.settings.log_level)
        if past:
            _list(opened, json_lines)
        elif go_on:
            with _redecoder(opened, jobs) as redecoder:
                _show_finished(redecoder, json_lines)
        else:
            wanted = _wanted(since, until, device or [], tenant)
            with _redecoder(opened, jobs) as redecoder:
                _run(redecoder, wanted, json_lines, dry_run=dry_run)


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
    from stadtsinn.cloud.platform.api.times import read_time
    from stadtsinn.cloud.series.redecode.service import Wanted
    from stadtsinn.cloud.series.stores.store import Window
    from stadtsinn.cloud.series.stores.windows import next_window

    if since is None or until is None:
        raise ValueError(
            text(
                "give the range with --from and --to, e.g. --from 2026-10-01 --to 2026-10-31",
                "bitte den Zeitraum mit --from und --to angeben, "
                "z. B. --from 2026-10-01 --to 2026-10-31",
            )
        )
    start, end = read_time("--from", since), read_time("--to", until)
    if len(until) == len("2026-10-31"):
        end = next_window(end, Window.DAY)
    if start >= end:
        raise ValueError(
            text("--from lies after --to: swap them", "--from liegt nach --to: bitte tauschen")
        )
    return Wanted(start, end, tenant, frozenset(name.strip().lower() for name in devices))


@contextmanager
def _redecoder(opened: Installation, jobs: int) -> Iterator[Redecoder]:
    from stadtsinn.cloud.log.archive_files.archive import Archive
    from stadtsinn.cloud.series.redecode.service import Redecoder, Workers
    from stadtsinn.cloud.series.stores.opening import open_store
    from stadtsinn.cloud.series.stores.store import SeriesRejected, SeriesUnavailable
    from stadtsinn.cloud.town.directory import DirectoryCache
    from stadtsinn.decoders.catalogue import catalogue

    settings = opened.settings
    store = open_store(
        settings.series.url,
        token=settings.series.token.read(),
        org=settings.series.org,
        clock=opened.clock,
        database=opened.database,
    )
    try:
        yield Redecoder(
            opened.database,
            Archive(settings.archive.folder),
            store,
            DirectoryCache(opened.database),
            catalogue(),
            opened.clock,
            Workers(jobs, settings.devices),
        )
    except (SeriesRejected, SeriesUnavailable) as error:
        raise RuntimeError(str(error)) from error
    finally:
        store.close()


def _run(redecoder: Redecoder, wanted: Wanted, json_lines: bool, *, dry_run: bool) -> None:
    from stadtsinn.cli.redecode_output import print_json, print_text

    done = redecoder.dry_run(wanted) if dry_run else redecoder.run(wanted, _account())
    (print_json if json_lines else print_text)(done)


def _show_finished(redecoder: Redecoder, json_lines: bool) -> None:
    from stadtsinn.cli.redecode_output import record_fields, record_line

    finished = redecoder.finish_interrupted()
    for one in finished:
        print(json.dumps(record_fields(one)) if json_lines else record_line(one))
    if not finished and not json_lines:
        print(text("Nothing was interrupted.", "Nichts wurde unterbrochen."))


def _list(opened: Installation, json_lines: bool) -> None:
    from stadtsinn.cli.redecode_output import record_fields, record_line
    from stadtsinn.cloud.series.redecode.repository import records

    with opened.database.read() as connection:
        found = records(connection)
    for one in found:
        print(json.dumps(record_fields(one)) if json_lines else record_line(one))
    if not found and not json_lines:
        print(text("Nothing was decoded again yet.", "Noch nichts wurde neu dekodiert."))


def _account() -> str:
    """Whom the record names: the account and the machine."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        account = str(os.getuid())
    return f"{account}@{socket.gethostname()}"[:200]
