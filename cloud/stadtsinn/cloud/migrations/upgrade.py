"""Runs the migrations inside one transaction of ours, one process at a time.

Only `upgrade` changes the schema of a database that has one: 'stadtsinn cloud run' and 'stadtsinn
cloud upgrade' call it. Every other command calls `require_current`. Alembic is loaded where a
database lacks something.

Make a new one after changing a `tables.py`::

    python -m stadtsinn.cloud.migrations.generate "what changed"
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.migrations.counters import keeping_counters
from stadtsinn.cloud.migrations.revisions import current, head
from stadtsinn.cloud.platform.database.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_FOLDER = Path(__file__).parent
# Any fixed number: processes that start together wait for each other on it.
_LOCK = 0x57AD7


def _says_what_changes(record: logging.LogRecord) -> bool:
    """Not that Alembic looked: each command has it look, and cron sends letters of what is said."""
    return not record.getMessage().startswith(("Context impl", "Will assume"))


logging.getLogger("alembic.runtime.migration").addFilter(_says_what_changes)
logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # what it is made of


@dataclass(frozen=True)
class Pending:
    """A migration that a database has not seen yet."""

    revision: str
    what: str


class NotCurrent(Explained):
    """The database has another schema than this version needs; the message names the remedy."""


def configuration() -> Config:
    """Alembic's configuration without an ini file: everything is in this folder."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def upgrade(database: Database) -> list[Pending]:
    """Bring the database to this version's schema; returns what that took.

    Safe when several processes start at once: PostgreSQL's advisory lock and SQLite's write
    lock let one work while the others wait. All or nothing. Raises NotCurrent when a newer
    version has already changed the database, RuntimeError when rows would be lost.
    """
    with database.read() as connection:  # nothing to do takes no lock
        if not pending(connection):
            return []
    with database.write_schema() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        missing = pending(connection)
        with keeping_counters(connection):
            _run(connection)
        return missing


def pending(connection: Connection) -> list[Pending]:
    """The migrations that this database lacks, oldest first.

    Raises NotCurrent when a newer version has already changed it.
    """
    found = current(connection)
    if found == head():
        return []
    scripts = list(_scripts().walk_revisions())  # newest first
    known = [script.revision for script in scripts]
    if found is not None and found not in known:
        raise NotCurrent(
            f"The database is at revision '{found}', which this version of stadtsinn does not "
            "know: a newer version has used it. Install that version again, or restore a backup.",
            f"Die Datenbank ist auf Stand '{found}', den diese Version von stadtsinn nicht "
            "kennt: eine neuere Version hat sie benutzt. Jene Version wieder installieren, oder "
            "eine Sicherung zurückspielen.",
        )
    missing = scripts if found is None else scripts[: known.index(found)]
    return [Pending(script.revision, _title(script.doc)) for script in reversed(missing)]


def knows(revision: str) -> bool:
    """This version can bring a database of that revision to its own."""
    return any(script.revision == revision for script in _scripts().walk_revisions())


def is_empty(database: Database) -> bool:
    """There is no installation yet. Changes nothing, and makes no file."""
    if not database.is_there():
        return True
    with database.read() as connection:
        return current(connection) is None


def require_current(database: Database) -> None:
    """Raise NotCurrent unless the database has this version's schema; an empty one gets it."""
    if is_empty(database):
        upgrade(database)
        return
    with database.read() as connection:
        found, missing = current(connection), pending(connection)
    if missing:
        raise _older(found, missing)


def _older(found: str | None, missing: list[Pending]) -> NotCurrent:
    changes = "; ".join(f"{one.revision} {one.what}" for one in missing)
    return NotCurrent(
        f"The database is at revision {found} of an older version, this one needs {head()}; "
        "nothing was changed. Stop the processes of the older version, make a backup "
        "('stadtsinn backup FOLDER'), then run 'stadtsinn cloud upgrade' (or start 'stadtsinn "
        f"cloud run'). It would change: {changes}.",
        f"Die Datenbank ist auf Stand {found} einer älteren Version, diese braucht {head()}; "
        "nichts wurde geändert. Die Prozesse der älteren Version beenden, sichern ('stadtsinn "
        "backup ORDNER'), dann 'stadtsinn cloud upgrade' ausführen (oder 'stadtsinn cloud run' "
        f"starten). Es würde ändern: {changes}.",
    )


def _run(connection: Connection) -> None:
    from alembic import command

    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@cache
def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(configuration())


def _title(doc: str) -> str:
    return doc.strip().splitlines()[0].rstrip(".")
