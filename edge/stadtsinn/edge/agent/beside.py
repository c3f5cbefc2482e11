"""A spool's file as commands open it: the agent may be running beside them."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def open_beside(spool: Path, table: str) -> sqlite3.Connection:
    """The file, which has this table. Raises ValueError where it does not, or is not there."""
    if not spool.exists():
        raise ValueError(f"there is no spool {spool}: has the agent run with this configuration?")
    connection = sqlite3.connect(spool, timeout=30)
    try:
        connection.execute(f"SELECT 1 FROM {table}").fetchone()  # noqa: S608 (a name of ours)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ValueError(f"{spool}: {error}; start this version's agent once") from error
    return connection
