"""Migrations lead to the tables as the code has them, also when processes start together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from databases import fresh_database
from real_parts import PATIENCE_S
from stadtsinn.cloud.migrations import NotCurrent, current, head, upgrade
from stadtsinn.cloud.migrations.upgrade import configuration
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.schema import metadata

pytestmark = pytest.mark.slow


def test_migrated_schema_equals_the_tables(empty: Database) -> None:
    """A forgotten migration fails here: run `python -m …migrations.generate "what changed"`."""
    upgrade(empty)
    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrated_sqlite_is_what_the_tables_would_make(tmp_path: Path) -> None:
    """To the letter: alembic's comparison sees neither checks nor AUTOINCREMENT."""
    migrated = open_database(str(tmp_path / "migrated.sqlite"))
    upgrade(migrated)
    made = fresh_database(tmp_path)
    assert _definitions(migrated) == _definitions(made)


def _definitions(database: Database) -> dict[str, list[str]]:
    """The clauses of every table and index; their order within a table means nothing.

    Nor do quotation marks: a table that a migration copied has its name in them.
    """
    with database.read() as connection:
        rows = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        ).all()
    database.dispose()
    return {
        name: sorted(
            " ".join(sql.replace('"', "").split()).removesuffix(" )").split(", CONSTRAINT ")
        )
        for name, sql in rows
        if name != "alembic_version"
    }


def test_the_newest_by_its_number_is_the_one_that_alembic_ends_with(empty: Database) -> None:
    """So that a process need not load Alembic to see that its database is current."""
    assert ScriptDirectory.from_config(configuration()).get_current_head() == head()
    assert _current(empty) is None
    upgrade(empty)
    assert _current(empty) == head()


def _current(database: Database) -> str | None:
    with database.read() as connection:
        return current(connection)


def test_a_second_upgrade_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    with empty.write() as connection:
        connection.execute(text("INSERT INTO tenants (id, name, created_at) VALUES ('a', 'A', 1)"))
    upgrade(empty)
    with empty.read() as connection:
        assert current(connection) == head()
        assert connection.scalar(text("SELECT count(*) FROM tenants")) == 1


def test_a_failing_migration_leaves_nothing_behind(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut in the middle must not leave half a schema that no version knows."""
    from alembic.operations import Operations

    create_table = Operations.create_table

    def break_late(self: Operations, name: str, *columns: object, **options: object) -> object:
        if name == "zones":
            raise RuntimeError("power cut")
        return create_table(self, name, *columns, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Operations, "create_table", break_late)
    with pytest.raises(RuntimeError, match="power cut"):
        upgrade(empty)
    assert inspect(empty.engine).get_table_names() == []


def test_a_newer_database_is_refused_with_the_remedy(empty: Database) -> None:
    upgrade(empty)
    with empty.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NotCurrent, match="newer version"):
        upgrade(empty)


def test_processes_that_start_together_migrate_once(empty: Database) -> None:
    """Each of three processes finds a complete schema, none an error."""
    url = empty.engine.url.render_as_string(hide_password=False)
    code = (
        "import sys\n"
        "from stadtsinn.cloud.platform.database.engine import open_database\n"
        "from stadtsinn.cloud.migrations import upgrade\n"
        "upgrade(open_database(sys.argv[1]))\n"
    )
    url = url.replace("postgresql+psycopg", "postgresql")
    running = [
        subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    errors = [process.communicate(timeout=PATIENCE_S)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], errors
    assert set(metadata.tables) <= set(inspect(empty.engine).get_table_names())
