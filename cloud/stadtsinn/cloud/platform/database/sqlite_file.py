"""What may be wrong with SQLite's file before a statement runs: damaged, or half restored."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from stadtsinn.base.damaged_files import is_damage
from stadtsinn.base.sentence import Explained


class DatabaseDamaged(Explained, SQLAlchemyError):
    """SQLite says that the file is damaged; the text names it and the way out."""


class RestoreUnfinished(Explained):
    """A restore has begun and not ended: what is there must not be used."""


def being_restored(path: Path) -> Path:
    """Where a restore prepares the database. While this file is there, it is not finished."""
    return path.with_name(f"{path.name}.restoring")


def require_restored(path: Path) -> None:
    """Raises RestoreUnfinished."""
    if being_restored(path).exists():
        raise RestoreUnfinished(
            f"a restore of {path} has begun and did not end: give 'stadtsinn restore' again with "
            f"the same backup. To go on without it, delete {being_restored(path)}",
            f"das Zurückspielen von {path} hat begonnen und wurde nicht fertig: 'stadtsinn "
            "restore' noch einmal mit derselben Sicherung ausführen. Um ohne sie "
            f"weiterzumachen, {being_restored(path)} löschen",
        )


def name_damage(engine: Engine, path: Path) -> None:
    """Every statement that meets a damaged page raises DatabaseDamaged."""

    @event.listens_for(engine, "handle_error")
    def _name(context: ExceptionContext) -> None:
        error = context.original_exception
        if is_damage(error):
            raise DatabaseDamaged(
                f"the database {path} is damaged ({error}): stop 'stadtsinn cloud run', then "
                "'stadtsinn restore BACKUP --overwrite'. Edges deliver again what the backup does "
                f"not have. Without a backup, 'sqlite3 {path} .recover' saves what can be read "
                "(docs/backup.md)",
                f"die Datenbank {path} ist beschädigt ({error}): 'stadtsinn cloud run' beenden, "
                "dann 'stadtsinn restore SICHERUNG --overwrite'. Die Agenten liefern nach, was "
                f"die Sicherung nicht hat. Ohne Sicherung rettet 'sqlite3 {path} .recover', was "
                "lesbar ist (docs/backup.md)",
            ) from error
