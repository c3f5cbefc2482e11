"""`stadtsinn cloud move-database`: all rows to another database, e.g. from SQLite to PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, read_settings, server_errors
from stadtsinn.cli.language import text
from stadtsinn.cli.output import progress_lines, say

if TYPE_CHECKING:
    from stadtsinn.cloud.platform.database.engine import Database

HELP = text(
    "Move all rows to the empty database that another configuration names; the old one stays as it "
    "is. Stop 'stadtsinn cloud run' before.\n\n"
    "Example: stadtsinn cloud move-database cloud-postgresql.toml --config cloud.toml",
    "Alle Zeilen in die leere Datenbank bringen, die eine andere Konfiguration nennt; die alte "
    "bleibt, wie sie ist. Vorher 'stadtsinn cloud run' anhalten.\n\n"
    "Beispiel: stadtsinn cloud move-database cloud-postgresql.toml --config cloud.toml",
)


def move_database(
    new_config: Annotated[
        Path,
        typer.Argument(
            metavar="NEW.toml",
            help=text(
                "A configuration whose \\[database] url names the new one.",
                "Eine Konfiguration, deren \\[database] url die neue nennt.",
            ),
        ),
    ],
    config: Config = DEFAULT_CONFIG,
) -> None:
    from stadtsinn.cloud.platform.database.engine import open_database

    with server_errors(new_config):
        target = open_database(read_settings(new_config).database.url)
    with server_errors(config):
        source = open_database(read_settings(config).database.url)
    try:
        moved = _move(source, target, config, new_config)
        kept = _put_away(source)
    finally:
        source.dispose()
        target.dispose()
    say(
        text(
            f"{counted(moved, 'row', 'rows')} moved. Now start 'stadtsinn cloud run --config "
            f"{new_config}', or put "
            f"its [database] url into {config}.",
            f"{counted(moved, 'Zeile', 'Zeilen')} umgezogen. Jetzt 'stadtsinn cloud run --config "
            f"{new_config}' starten "
            f"oder deren [database] url in {config} eintragen.",
        )
    )
    if kept is not None:
        say(
            text(
                f"The old database is {kept} now, so that nothing goes on in it by mistake.",
                f"Die alte Datenbank heißt jetzt {kept}, damit nichts versehentlich in ihr "
                "weitergeht.",
            )
        )


def _move(source: Database, target: Database, config: Path, new_config: Path) -> int:
    from stadtsinn.base.problems import Invalid
    from stadtsinn.cloud.migrations import require_current, upgrade
    from stadtsinn.cloud.platform.database.moving import move_rows, require_alone
    from stadtsinn.cloud.schema import metadata

    report, total = progress_lines(), 0
    with server_errors(config):
        if source.engine.url == target.engine.url:
            raise Invalid(
                f"{config} and {new_config} name the same database: nothing to move.",
                f"{config} und {new_config} nennen dieselbe Datenbank: nichts umzuziehen.",
            )
        if not source.is_there():
            raise Invalid(
                f"There is no database yet ([database] url in {config}).",
                f"Es gibt noch keine Datenbank ([database] url in {config}).",
            )
        require_current(source)
        require_alone(source)
    with server_errors(new_config):
        upgrade(target)
        for moved in move_rows(source, target, metadata):
            total += moved.rows
            if moved.rows:
                report(f"{moved.table}: {moved.rows}")
    return total


def _put_away(source: Database) -> Path | None:
    """Give SQLite's file another name."""
    if not source.is_sqlite:
        return None
    source.tidy()
    source.dispose()
    path = Path(str(source.engine.url.database))
    kept, number = path.with_name(path.name + ".moved"), 1
    while kept.exists():  # of a move before: a rename would delete it
        number += 1
        kept = path.with_name(f"{path.name}.moved-{number}")
    return path.rename(kept)
