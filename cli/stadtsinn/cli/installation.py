"""Shared by commands on the server: opening the installation, errors as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.command_logs import command_logs
from stadtsinn.cli.frame import FAILED, refuse
from stadtsinn.cli.language import text
from stadtsinn.cli.options import or_installed
from stadtsinn.cli.output import say
from stadtsinn.cli.own_devices import use_device_folder
from stadtsinn.cli.whose_files import refuse_as_root

if TYPE_CHECKING:
    from stadtsinn.cloud.parts import Parts
    from stadtsinn.cloud.settings import CloudSettings

Config = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="STADTSINN_CLOUD_CONFIG",
        callback=or_installed("cloud.toml"),
        help=text(
            "Configuration of the installation (TOML); without: that of the folder, else "
            "/etc/stadtsinn/cloud.toml.",
            "Konfiguration der Zentrale (TOML); ohne: die des Ordners, sonst "
            "/etc/stadtsinn/cloud.toml.",
        ),
    ),
]
DEFAULT_CONFIG = Path("cloud.toml")


@contextmanager
def installation(
    config: Path, clock: str | None = None, *, reading: bool = False
) -> Iterator[Parts]:
    """Open the configured installation, its database at this version's schema. `clock` takes the
    place of the configured one. Errors end the command as `server_errors` says.

    An older database is left as it is: the error says what upgrades it. Where there is none, a
    command makes it; a `reading` one sees an empty installation and writes nothing.
    """
    with server_errors(config):
        from stadtsinn.base.clock import open_clock
        from stadtsinn.cloud.log.archive_files.day_files import require_no_days
        from stadtsinn.cloud.migrations import is_empty, require_current
        from stadtsinn.cloud.parts import Parts

        settings = read_settings(config)
        command_logs(settings.log_level)
        if not reading:
            refuse_as_root(settings.database.url)
        parts = Parts(settings, open_clock(clock or settings.clock))
        try:
            empty = is_empty(parts.database)
            if empty:
                require_no_days(parts.archive)
            if empty and reading:
                parts.close()
                parts = Parts(_nowhere(settings), parts.clock)
            require_current(parts.database)
            yield parts
        finally:
            parts.close()


def _nowhere(settings: CloudSettings) -> CloudSettings:
    """An empty installation in memory, for commands that only read where there is none yet."""
    say(
        text(
            "note: there is no database yet ([database] url)",
            "Hinweis: es gibt noch keine Datenbank ([database] url)",
        ),
        error=True,
    )
    database = settings.database.model_copy(update={"url": "sqlite:///:memory:"})
    return settings.model_copy(update={"database": database})


def read_settings(config: Path) -> CloudSettings:
    """The configuration; its own device files are in the catalogue then. Raises SettingsError."""
    from stadtsinn.cloud.settings import load_settings

    settings = load_settings(config)
    use_device_folder(settings.devices)
    return settings


@contextmanager
def server_errors(config: Path) -> Iterator[None]:
    """Errors that an operator can correct end with a sentence instead of a traceback, and with
    the exit code of their kind."""
    from sqlalchemy.exc import SQLAlchemyError

    from stadtsinn.base.logs import mask_text
    from stadtsinn.base.sentence import Explained
    from stadtsinn.cloud.intake.service import DatabaseAway

    command_logs()
    try:
        yield
    except typer.Exit:  # is a RuntimeError, and has said everything
        raise
    except (Explained, ValueError, OSError, RuntimeError) as error:
        refuse(error)
    except (SQLAlchemyError, DatabaseAway) as error:
        if isinstance(error.__cause__, Explained):
            refuse(error.__cause__)
        reason = mask_text(str(error).splitlines()[0])
        refuse(
            text(
                f"the database does not answer ({reason}): check [database] url in {config}",
                f"die Datenbank antwortet nicht ({reason}): [database] url in {config} prüfen",
            ),
            FAILED,
        )
