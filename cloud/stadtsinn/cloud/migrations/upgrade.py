"""Runs the migrations inside one transaction of ours, one process at a time.

Make a new one after changing a `tables.py`::

    python -m stadtsinn.cloud.migrations.generate "what changed"
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from stadtsinn.cloud.platform.database.engine import Database

_FOLDER = Path(__file__).parent
# Any fixed number: processes that start together wait for each other on it.
_LOCK = 0x57AD7


def configuration() -> Config:
    """Alembic's configuration without an ini file: everything is in this folder."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def head() -> str:
    """The newest revision this version knows."""
    return str(ScriptDirectory.from_config(configuration()).get_current_head())


def upgrade(database: Database) -> None:
    """Bring the database to this version's schema; does nothing where it is there already.

    Safe when several processes start at once: PostgreSQL's advisory lock and SQLite's write
    lock let one work while the others wait. All or nothing. Raises RuntimeError when a newer
    version has already changed the database.
    """
    with database.write_schema() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _refuse_newer(connection)
        _run(connection)


def current(connection: Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(connection: Connection) -> None:
    found = current(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    if found is not None and found not in known:
        raise RuntimeError(
            f"The database is at revision '{found}', which this version of stadtsinn does not "
            "know: a newer version has used it. Install that version again, or restore a backup."
        )


def _run(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(configuration())
