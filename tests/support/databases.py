"""Empty databases for tests, SQLite in the test's folder or a fresh one in a PostgreSQL.

A test folder gets both by importing the fixture in its conftest.py::

    from databases import database  # noqa: F401

and the same without tables, for tests of migrations, by `empty`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

import real_parts
from stadtsinn.base.instant import Instant
from stadtsinn.base.private_files import private_database
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.platform.tenants.repository import Tenant, insert_tenant
from stadtsinn.cloud.schema import metadata

UPGRADE = importlib.import_module("stadtsinn.cloud.migrations.upgrade")
"""The module, whose package has a function of the same name."""
_run_migrations = UPGRADE._run

_ROOM = 2_000_000_000
_shared = contextlib.ExitStack()
_shared_url: list[str] = []


def fresh_database(folder: Path) -> Database:
    """An SQLite database with every table and no row."""
    return _copied(_with_tables(), folder / "stadtsinn.sqlite")


def migrated_database(path: Path) -> Database:
    """An SQLite database as 'stadtsinn cloud upgrade' makes it, for commands and processes."""
    return _copied(_migrated(), path)


def _copied(template: bytes, path: Path) -> Database:
    assert not path.exists(), "what is there is opened by open_database; this would empty it"
    private_database(path)
    path.write_bytes(template)
    return open_database(f"sqlite:///{path}")


@functools.cache
def _with_tables() -> bytes:
    """Copying a file is quicker than making a hundred tables each time."""
    return _file_of(lambda database: metadata.create_all(database.engine))


@functools.cache
def _migrated() -> bytes:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(UPGRADE, "_run", _run_migrations)
        return _file_of(upgrade)


@pytest.fixture(autouse=True)
def new_databases_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """All migrations one after the other take a second for each command that makes a database.

    Tests of migrations have a fixture of this name that does nothing.
    """
    monkeypatch.setattr(UPGRADE, "_run", _copy_or_migrate)


def _copy_or_migrate(connection: Connection) -> None:
    """Bring a database to the newest schema inside the caller's transaction."""
    tables = text("SELECT count(*) FROM sqlite_master")
    if connection.dialect.name != "sqlite" or connection.execute(tables).scalar():
        _run_migrations(connection)
        return
    for statement in _migrated_statements():
        connection.exec_driver_sql(statement)


@functools.cache
def _migrated_statements() -> list[str]:
    """What makes a migrated SQLite database from an empty one."""
    with TemporaryDirectory(prefix="stadtsinn-template-") as folder:
        path = Path(folder, "template.sqlite")
        path.write_bytes(_migrated())
        with contextlib.closing(sqlite3.connect(path)) as migrated:
            lines = list(migrated.iterdump())
    return [line for line in lines if line not in ("BEGIN TRANSACTION;", "COMMIT;")]


def _file_of(make: Callable[[Database], object]) -> bytes:
    with TemporaryDirectory(prefix="stadtsinn-template-") as folder:
        path = Path(folder, "template.sqlite")
        database = open_database(f"sqlite:///{path}")
        make(database)
        database.dispose()
        return path.read_bytes()


def stamp(database: Database) -> None:
    """Mark the tables as migrated for Alembic."""
    from alembic import command

    from stadtsinn.cloud.migrations.upgrade import configuration

    with database.write() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.stamp(config, "head")


@contextlib.contextmanager
def fresh_postgres(cluster_url: str, *, create_tables: bool = True) -> Iterator[Database]:
    """A database of its own in a cluster (`real_parts.postgres_cluster`), dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    copied = f" TEMPLATE {_template(cluster_url)}" if create_tables else ""
    _command(cluster_url, f"CREATE DATABASE {name}{copied}")
    database = open_database(_url(cluster_url, name))
    try:
        yield database
    finally:
        database.dispose()
        _command(cluster_url, f"DROP DATABASE {name} WITH (FORCE)")


@functools.cache
def _template(cluster_url: str) -> str:
    """A database with every table: copying it is quicker than making them each time."""
    _command(cluster_url, "CREATE DATABASE stadtsinn_template")
    database = open_database(_url(cluster_url, "stadtsinn_template"))
    metadata.create_all(database.engine)
    database.dispose()
    return "stadtsinn_template"


def _command(cluster_url: str, statement: str) -> None:
    """Run what PostgreSQL does outside of transactions only."""
    base = make_url(cluster_url).set(drivername="postgresql+psycopg")
    maintenance = create_engine(base, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with maintenance.connect() as connection:
        connection.execute(text(statement))


def _url(cluster_url: str, name: str) -> str:
    return make_url(cluster_url).set(database=name).render_as_string(hide_password=False)


def shared_cluster() -> str:
    """The URL of one PostgreSQL for the whole test run; starting it takes seconds."""
    if not _shared_url:
        # Not in pytest's folders: a second pytest of the same user closes their parent to
        # other users when it starts, and PostgreSQL runs as one.
        place = TemporaryDirectory(prefix="stadtsinn-postgres-", dir=_in_memory())
        folder = Path(_shared.enter_context(place))
        _shared_url.append(_shared.enter_context(real_parts.postgres_cluster(folder)))
    return _shared_url[0]


def _in_memory() -> str | None:
    """Where files are kept in memory, if there is room: a new database is some hundred files,
    which take four times as long on a disk."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if has_room else None


def close_shared_cluster() -> None:
    """At the end of the test run."""
    _shared_url.clear()
    _shared.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Every test that takes it runs on both kinds of database (`by_night` says when)."""
    if request.param == "sqlite":
        opened = fresh_database(tmp_path)
        yield opened
        opened.dispose()
        return
    with fresh_postgres(shared_cluster()) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table, of both kinds."""
    if request.param == "sqlite":
        opened = open_database(str(tmp_path / "old.sqlite"))
        yield opened
        opened.dispose()
        return
    with fresh_postgres(shared_cluster(), create_tables=False) as opened:
        yield opened


def add_tenant(database: Database, tenant_id: str = "musterstadt") -> str:
    """A tenant that rows can belong to; returns its id."""
    with database.write() as connection:
        insert_tenant(connection, Tenant(tenant_id, tenant_id.title(), Instant(0)))
    return tenant_id
