"""Opens the database: SQLite by default, PostgreSQL by URL, one way to use either.

`Database.write()` is one transaction that takes the write lock when it begins, so that it cannot
fail later while upgrading a read lock; `Database.read()` sees one consistent snapshot.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Integer,
    MetaData,
    create_engine,
    event,
    make_url,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Position = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit key that counts up by itself (SQLite does so only for INTEGER).

Give its table `sqlite_autoincrement=True`: without it SQLite gives the id of a last row that was
deleted to the next one, and what others keep under that id would be taken for its own.
"""

InstantColumn = BigInteger
"""An `Instant`: microseconds UTC."""


class Database:
    """A pool of connections with two kinds of transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(stadtsinn_writing=True)
        # SQLite has one writer at a time. Threads of this process queue up here: inside SQLite
        # they would sleep and try again, up to 100 ms at a time. Never nest two writes.
        self._turn = threading.Lock() if self.is_sqlite else None

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only transaction."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block or leaves nothing behind."""
        with self._turn or nullcontext(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def write_schema(self) -> Iterator[Connection]:
        """A write transaction that may replace whole tables, as SQLite needs for most changes.

        Dropping a table that others refer to would delete their rows or fail. So SQLite looks
        at foreign keys only once, before the commit. Raises RuntimeError when one is broken.
        """
        options = {"stadtsinn_writing": True, "stadtsinn_schema": True}
        engine = self.engine.execution_options(**options)
        with self._turn or nullcontext(), engine.connect() as connection:
            try:
                with connection.begin():
                    yield connection
                    _require_sound_keys(connection)
            finally:
                if self.is_sqlite:
                    connection.invalidate()  # the next one checks foreign keys again

    def dispose(self) -> None:
        self.engine.dispose()


def _require_sound_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise RuntimeError(f"the schema change leaves rows that refer to nothing in: {tables}")


def serialize(connection: Connection, name: str) -> None:
    """Wait until no other transaction holds the lock of this name; hold it until the end.

    SQLite's write transactions are alone anyway; PostgreSQL gets an advisory lock per name.
    """
    if connection.dialect.name == "postgresql":
        key = zlib.crc32(name.encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def open_database(url: str) -> Database:
    """Open ``sqlite:///path`` or ``postgresql://…``; a bare path means SQLite."""
    parsed = make_url(url if "://" in url else f"sqlite:///{url}")
    if parsed.get_backend_name() == "sqlite":
        return Database(_open_sqlite(parsed))
    if parsed.get_backend_name() == "postgresql":
        return Database(
            create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                json_deserializer=msgspec.json.decode,
            )
        )
    raise ValueError(
        f"cannot use {parsed.get_backend_name()} as database: "
        "give sqlite:///path or postgresql://user@host/name"
    )


def _open_sqlite(url: Any) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        json_deserializer=msgspec.json.decode,  # a registry has tens of thousands of texts
        hide_parameters=True,  # Error texts must not contain parameters such as phone numbers.
        connect_args={"timeout": 60, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _configure(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # we begin transactions ourselves
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")  # an acknowledged uplink survives a power cut
        raw.execute("PRAGMA foreign_keys=ON")
        raw.execute("PRAGMA busy_timeout=60000")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("stadtsinn_schema", False):
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")  # only possible before BEGIN
        writing = options.get("stadtsinn_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
