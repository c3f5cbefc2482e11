"""SQL statements are compiled once in a test process, not once in each of its databases.

SQLAlchemy keeps compiled statements per engine, and every test opens engines of its own: compiling
was a quarter of the time of tests that use a database.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache


class _OfAllEngines(MutableMapping[Any, Any]):
    """Compiled statements by dialect's name and statement; SQLAlchemy's keys begin with the
    dialect, of which each engine has its own."""

    def __init__(self) -> None:
        self._kept: LRUCache[Any, Any] = LRUCache(4000)

    def __getitem__(self, key: Any) -> Any:
        return self._kept[_named(key)]

    def __setitem__(self, key: Any, compiled: Any) -> None:
        self._kept[_named(key)] = compiled

    def __delitem__(self, key: Any) -> None:
        del self._kept[_named(key)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


def _named(key: Any) -> tuple[Any, ...]:
    dialect, *statement = key
    return (dialect.name, *statement)


_of_all_engines = _OfAllEngines()


@event.listens_for(Engine, "engine_connect")
def _share(connection: Connection) -> None:
    """SQLite alone: what other databases compile to depends on the version of their server."""
    if connection.dialect.name == "sqlite":
        connection.execution_options(compiled_cache=_of_all_engines)
