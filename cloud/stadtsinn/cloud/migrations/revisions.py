"""At which revision a database is, and which is the newest. Every process asks, so this does
without Alembic, which takes a quarter of a second to load and reads every migration."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

_VERSIONS = Path(__file__).parent / "versions"
_TABLE = "alembic_version"


@cache
def head() -> str:
    """The newest revision this version knows: the highest number that a file's name begins with."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*.py"))


def current(connection: Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    if not inspect(connection).has_table(_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608
