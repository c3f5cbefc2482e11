"""The spool's file: its connections, and what is done with one that is damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from stadtsinn.base.instant import Instant, to_datetime

_PAGE_BYTES = 2048


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    # Small pages: a commit of one uplink writes at least one whole page.
    connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-2048")
    return connection


def check(path: Path) -> None:
    """Raises sqlite3.DatabaseError for a file that is damaged."""
    connection = connect(path)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        connection.close()
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict))


def set_aside(path: Path, now: Instant) -> Path:
    """Rename the file and what SQLite put beside it; the new name."""
    stamp = to_datetime(now).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
