"""A spool's file as commands open it: the agent may be running beside them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from stadtsinn.base.damaged_files import is_damage
from stadtsinn.base.sentence import Explained


@contextmanager
def open_beside(spool: Path, table: str) -> Iterator[sqlite3.Connection]:
    """The file, which has this table. Raises ValueError where it does not, is not there, or is
    damaged."""
    if not spool.exists():
        raise Explained(
            f"there is no spool {spool}: has the agent run with this configuration?",
            f"den Spool {spool} gibt es nicht: lief der Agent mit dieser Konfiguration?",
        )
    with closing(sqlite3.connect(spool, timeout=30)) as connection:
        try:
            connection.execute(f"SELECT 1 FROM {table}").fetchone()  # noqa: S608 (a name of ours)
            yield connection
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                raise Explained(
                    f"the spool {spool} is damaged ({error}): start the agent again, it keeps the "
                    "file under another name and begins a new one. Check the card (docs/edge.md)",
                    f"der Spool {spool} ist beschädigt ({error}): den Agenten neu starten, er "
                    "bewahrt die Datei unter anderem Namen auf und beginnt eine neue. Die Karte "
                    "prüfen (docs/edge.md)",
                ) from error
            raise Explained(
                f"{spool}: {error}; start this version's agent once",
                f"{spool}: {error}; den Agenten dieser Version einmal starten",
            ) from error
