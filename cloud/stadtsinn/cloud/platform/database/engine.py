"""Opens the database: SQLite by default, PostgreSQL by URL, one way to use either.

`Database.write()` is one transaction that takes the write lock when it begins, so that it cannot
fail later while upgrading a read lock; `Database.read()` sees one consistent snapshot and writes
nothing.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
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

from stadtsinn.base.private_files import private_database
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.cloud.platform.database.sqlite_file import name_damage, require_restored
from stadtsinn.cloud.platform.database.turn import Turn

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

_ASKED_EVERY_S = 0.1

InstantColumn = BigInteger
"""An `Instant`: microseconds UTC."""


class Database:
    """A pool of connections with two kinds of transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reader = engine.execution_options(**_READING[engine.dialect.name])
        self._writer = engine.execution_options(stadtsinn_access="write")
        # SQLite has one writer at a time. Threads of this process queue up here: inside SQLite
        # they would sleep and try again, up to 100 ms at a time. Never nest two writes.
        self._turn = Turn() if self.is_sqlite else None
        self.written = 0
        """Another number after each write transaction of this process: while it stays the same,
        nothing has changed but by other processes."""
        self._numbers = count(1)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only transaction: every statement sees the database as at the first one."""
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, ahead: bool = False) -> Iterator[Connection]:
        """A transaction that commits at the end of the block or leaves nothing behind.

        `ahead` of the other threads, for the one that edges wait for.
        """
        try:
            with self._alone(ahead=ahead), self._writer.begin() as connection:
                yield connection
        finally:
            self.written = next(self._numbers)

    @contextmanager
    def write_schema(self) -> Iterator[Connection]:
        """A write transaction that may replace whole tables, as SQLite needs for most changes.

        Dropping a table that others refer to would delete their rows or fail. So SQLite looks
        at foreign keys only once, before the commit. Raises RuntimeError when one is broken.
        """
        engine = self.engine.execution_options(stadtsinn_access="schema")
        with self._alone(), engine.connect() as connection:
            try:
                with connection.begin():
                    before = _broken_keys(connection)
                    yield connection
                    _require_sound_keys(connection, before)
            finally:
                if self.is_sqlite:  # past the transaction, where alone it has an effect
                    raw: Any = connection.connection.driver_connection
                    raw.execute("PRAGMA foreign_keys=ON")

    def _alone(self, *, ahead: bool = False) -> AbstractContextManager[None]:
        return self._turn.held(ahead=ahead) if self._turn else nullcontext()

    def let_others_write(self) -> None:
        """Wait between two transactions of work that needs many: another process that waits for
        SQLite asks for it so seldom. PostgreSQL gives a lock to who asked first."""
        if self.is_sqlite:
            time.sleep(_ASKED_EVERY_S)

    def in_slices(self, some: Callable[[Connection], bool]) -> None:
        """Call `some` in a write transaction of its own each, as long as it answers True."""
        while True:
            with self.write() as connection:
                more = some(connection)
            if not more:
                return
            self.let_others_write()

    def is_there(self) -> bool:
        """False where SQLite's file would be made by opening it. Raises RestoreUnfinished."""
        path = self.engine.url.database
        if not self.is_sqlite or path in (None, "", ":memory:"):
            return True
        require_restored(Path(path))
        return Path(path).is_file()

    def tidy(self) -> None:
        """Write back what stands beside SQLite's file: it may hold what was deleted."""
        if not self.is_sqlite:
            return
        with self._alone():
            raw = self.engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                raw.close()

    def dispose(self) -> None:
        self.engine.dispose()


_POOL: Mapping[str, Any] = {"pool_size": 5, "max_overflow": 35}
"""A connection for each of the API's forty threads: one town's requests never hold the last one."""

_READING: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {"stadtsinn_access": "read"},
    # By default each statement would see what was committed before it alone.
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


def _broken_keys(connection: Connection) -> int:
    """Rows that refer to nothing. PostgreSQL never has any: it checks each statement."""
    if connection.dialect.name != "sqlite":
        return 0
    return len(connection.exec_driver_sql("PRAGMA foreign_key_check").all())


def _require_sound_keys(connection: Connection, before: int) -> None:
    if _broken_keys(connection) <= before:
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    tables = ", ".join(sorted({str(row[0]) for row in broken}))
    raise Explained(
        f"the schema change would leave rows that refer to nothing in: {tables}. Nothing was "
        "changed: go on with the version before, and report this",
        f"die Änderung des Schemas ließe Zeilen zurück, die auf nichts zeigen, in: {tables}. "
        "Nichts wurde geändert: mit der Version davor weitermachen und dies melden",
    )


def overwriting(connection: Connection) -> None:
    """What this transaction deletes is overwritten in SQLite's file, so that nobody finds it there
    any more; PostgreSQL does so when it vacuums."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


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
                **_POOL,
            )
        )
    raise Unusable(
        f"cannot use {parsed.get_backend_name()} as database: "
        "give sqlite:///path or postgresql://user@host/name",
        f"{parsed.get_backend_name()} lässt sich nicht als Datenbank benutzen: sqlite:///pfad "
        "oder postgresql://benutzer@rechner/name angeben",
    )


def _open_sqlite(url: Any) -> Engine:
    engine = create_engine(
        url,
        json_deserializer=msgspec.json.decode,  # a registry has tens of thousands of texts
        hide_parameters=True,  # Error texts must not contain parameters such as phone numbers.
        connect_args={"timeout": 60, "check_same_thread": False},
        **({} if url.database in (None, "", ":memory:") else _POOL),
    )

    name_damage(engine, Path(url.database or ":memory:"))

    @event.listens_for(engine, "do_connect")
    def _make_file(*_: Any) -> None:
        if url.database and url.database != ":memory:":
            require_restored(Path(url.database))
            private_database(Path(url.database))

    @event.listens_for(engine, "connect")
    def _configure(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # we begin transactions ourselves
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")  # an acknowledged uplink survives a power cut
        raw.execute("PRAGMA foreign_keys=ON")
        raw.execute("PRAGMA busy_timeout=60000")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        access = connection.get_execution_options().get("stadtsinn_access")
        # Both only have an effect before BEGIN. Connections come back to the pool as they were
        # left, so each transaction says what it needs.
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if access == 'read' else 'OFF'}")
        if access == "schema":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        locking = access in ("write", "schema")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if locking else "BEGIN")

    return engine
