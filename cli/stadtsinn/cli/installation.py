"""Shared by commands on the server: opening the installation, errors as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.frame import refuse
from stadtsinn.cli.language import text
from stadtsinn.cli.own_devices import use_device_folder

if TYPE_CHECKING:
    from stadtsinn.base.clock import Clock
    from stadtsinn.cloud.platform.database.engine import Database
    from stadtsinn.cloud.settings import CloudSettings

Config = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="STADTSINN_CLOUD_CONFIG",
        help=text(
            "Configuration of the installation (TOML).", "Konfiguration der Zentrale (TOML)."
        ),
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help=text("Answer in JSON lines.", "Antwort als JSON-Zeilen."))
]
DEFAULT_CONFIG = Path("cloud.toml")


@dataclass(frozen=True)
class Installation:
    """The database of an installation, at this version's schema, its clock and configuration."""

    database: Database
    clock: Clock
    settings: CloudSettings


@contextmanager
def installation(config: Path) -> Iterator[Installation]:
    """Open the configured installation. Errors that an operator can correct end with a sentence
    and exit code 2; code 1 is for changes that the data do not allow."""
    from sqlalchemy.exc import SQLAlchemyError

    from stadtsinn.base.clock import open_clock
    from stadtsinn.base.problems import Problem
    from stadtsinn.cloud.migrations import upgrade
    from stadtsinn.cloud.platform.database.engine import open_database
    from stadtsinn.cloud.settings import load_settings
    from stadtsinn.cloud.town_file.problems import TownRefused

    try:
        settings = load_settings(config)
        use_device_folder(settings.devices)
        database = open_database(settings.database.url)
        try:
            upgrade(database)
            yield Installation(database, open_clock(settings.clock), settings)
        finally:
            database.dispose()
    except Problem as problem:
        refuse(problem.detail, 1)
    except TownRefused as refused:
        refuse(str(refused), 1)
    except SQLAlchemyError as error:
        refuse(
            text(
                f"the database does not answer ({type(error).__name__}): "
                f"check [database] url in {config}",
                f"die Datenbank antwortet nicht ({type(error).__name__}): "
                f"[database] url in {config} prüfen",
            ),
            2,
        )
    except (ValueError, OSError, RuntimeError) as error:
        refuse(str(error), 2)
