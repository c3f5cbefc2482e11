"""Migrations lose no row of any table, and a copied table takes nothing with it.

SQLite changes most of a table by copying it and dropping the old one; with foreign keys on, that
deletes what refers to its rows. The same happened to others, each in its own way:

- https://github.com/CherryHQ/cherry-studio/issues/17568 (PRAGMA foreign_keys inside the
  transaction does nothing; children were deleted)
- https://github.com/getmydia/mydia/issues/269 (children's references set to NULL; the tests
  migrated empty databases only)
- https://github.com/G-Research/fasttrackml/pull/211 (all metrics, parameters and tags of runs)
- https://github.com/sqlitebrowser/sqlitebrowser/issues/1481 (deferred keys still cascade)
- https://github.com/sqlalchemy/alembic/issues/1112 (a partial index loses its condition)
- https://github.com/sqlalchemy/alembic/issues/1758 (a copied table loses its options)
- https://github.com/Arize-ai/phoenix/issues/15039 (a copied index loses its order)
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from first_version import all_rows, bring_to, fill_every_table
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.migrations import head, upgrade
from stadtsinn.cloud.migrations.counters import keeping_counters
from stadtsinn.cloud.migrations.upgrade import configuration, pending
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.schema import metadata

pytestmark = pytest.mark.slow

DROPPED = {"0005": {"series_replacements"}}
"""Tables that a migration makes anew, empty: what they held was about the old form."""
REWORDED = {"0018": {("quarantine", "reason")}}
"""Columns whose words a migration replaces by ours."""
MADE = {"0004": {"stations", "deployments"}}
"""Tables that a migration fills itself."""


def _revisions() -> list[str]:
    from alembic.script import ScriptDirectory

    newest_first = ScriptDirectory.from_config(configuration()).walk_revisions()
    return [script.revision for script in newest_first][::-1]


@pytest.mark.sweep
@pytest.mark.slow
@pytest.mark.parametrize("revision", _revisions()[1:])
def test_a_migration_keeps_every_row_of_every_table(empty: Database, revision: str) -> None:
    """With two rows in every table: what was there before is there after, column by column."""
    revisions = _revisions()
    bring_to(empty, revisions[revisions.index(revision) - 1])
    fill_every_table(empty, rows=2)
    before = all_rows(empty)
    bring_to(empty, revision)
    after = all_rows(empty)
    new = DROPPED.get(revision, set())
    for table in before.keys() - {"alembic_version"} - new:
        assert len(before[table]) == 2, table
        reworded = {column for name, column in REWORDED.get(revision, set()) if name == table}
        assert _known(after[table], before[table], reworded) == before[table], table


def _known(
    after: list[dict[str, Any]], before: list[dict[str, Any]], reworded: set[str]
) -> list[dict[str, Any]]:
    """Rows after a migration, of the columns that there were; those that went, or were reworded,
    count as kept."""
    kept = []
    for old, new in zip(before, after, strict=True):
        same = new.keys() - reworded
        kept.append({name: new[name] if name in same else old[name] for name in old})
    return kept


def test_widening_a_column_of_any_table_loses_nothing(empty: Database) -> None:
    """Of a parent's table too: `zones.name` took gates, counts, samples and rules with it."""
    upgrade(empty)
    fill_every_table(empty, rows=2)
    before, form = all_rows(empty), _form(empty)
    for table in sorted(metadata.tables):
        if (column := _text_column(table)) is not None:
            _widen(empty, table, column)
    after = all_rows(empty)
    assert [table for table in before if after[table] != before[table]] == []
    assert _form(empty) == form


def _widen(database: Database, table: str, column: sa.Column[Any]) -> None:
    counting = metadata.tables[table].dialect_kwargs.get("sqlite_autoincrement", False)
    with database.write_schema() as connection, keeping_counters(connection):
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table(
            table,
            recreate="always" if database.is_sqlite else "never",
            table_kwargs={"sqlite_autoincrement": counting},
        ) as batch:
            batch.alter_column(
                column.name,
                existing_type=column.type,
                type_=sa.String(2_000),
                existing_nullable=column.nullable,
            )


def _text_column(table: str) -> sa.Column[Any] | None:
    texts = [one for one in metadata.tables[table].columns if isinstance(one.type, sa.String)]
    return next((one for one in reversed(texts) if not one.primary_key), None)


def _form(database: Database) -> dict[str, Any]:
    """Keys, indexes and checks of every table, whatever the width of its texts."""
    with database.read() as connection:
        if database.is_sqlite:
            rows = connection.execute(sa.text("SELECT name, sql FROM sqlite_master")).all()
            return {name: _clauses(sql or "") for name, sql in rows}
        inspector = sa.inspect(connection)
        return {
            name: (
                inspector.get_pk_constraint(name),
                sorted(map(str, inspector.get_foreign_keys(name))),
                sorted(map(str, inspector.get_indexes(name))),
                sorted(map(str, inspector.get_unique_constraints(name))),
                sorted(map(str, inspector.get_check_constraints(name))),
            )
            for name in inspector.get_table_names()
        }


def _clauses(sql: str) -> list[str]:
    """Of a table's or index's text; a table that was copied has its name in quotation marks."""
    plain = re.sub(r"VARCHAR\(\d+\)|\bTEXT\b", "VARCHAR", sql.replace('"', ""))
    return sorted(" ".join(plain.split()).removesuffix(" )").split(", CONSTRAINT "))


def test_an_id_that_was_given_is_not_given_again(tmp_path: Path) -> None:
    """The copy counts on from the largest id that it holds, not from the last that was given."""
    database = open_database(str(tmp_path / "town.sqlite"))
    bring_to(database, "0005")
    fill_every_table(database, rows=2)
    with database.write() as connection:
        connection.execute(sa.text("DELETE FROM rule_recipients WHERE rule_id = 2"))
        connection.execute(sa.text("DELETE FROM rule_states WHERE rule_id = 2"))
        connection.execute(sa.text("DELETE FROM rules WHERE id = 2"))
        connection.execute(sa.text("DELETE FROM recipients WHERE id = 2"))
    upgrade(database)
    with database.write_schema() as connection, keeping_counters(connection):
        operations = Operations(MigrationContext.configure(connection))
        kwargs = {"sqlite_autoincrement": True}
        for table in ("recipients", "rules"):
            with operations.batch_alter_table(table, recreate="always", table_kwargs=kwargs):
                pass
    with database.read() as connection:
        rows = connection.execute(sa.text("SELECT name, seq FROM sqlite_sequence"))
        counters = {row.name: row.seq for row in rows}
    assert counters["rules"] == counters["recipients"] == 2
    database.dispose()


def test_a_copy_that_forgets_to_count_is_refused(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "town.sqlite"))
    upgrade(database)
    with pytest.raises(RuntimeError, match="AUTOINCREMENT from recipients"):
        _copy_without_counting(database)
    upgrade(database)
    database.dispose()


def _copy_without_counting(database: Database) -> None:
    with database.write_schema() as connection, keeping_counters(connection):
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("recipients", recreate="always"):
            pass


def test_rows_that_refer_to_nothing_stop_the_migration(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "town.sqlite"))
    upgrade(database)
    fill_every_table(database)
    before = all_rows(database)
    with (
        pytest.raises(Explained, match=r"refer to nothing in: .*gates"),
        database.write_schema() as connection,
    ):
        connection.execute(sa.text("DELETE FROM zones"))
    assert all_rows(database) == before
    with database.write() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(sa.text("UPDATE gates SET zone_id = 99"))  # keys are looked at again
    database.dispose()


def test_what_was_broken_before_does_not_stop_it(tmp_path: Path) -> None:
    """An older tool deleted a parent's row: the update is not the one to refuse for it."""
    database = open_database(str(tmp_path / "town.sqlite"))
    bring_to(database, "0008")
    fill_every_table(database)
    raw = database.engine.raw_connection()
    raw.execute("PRAGMA query_only=OFF")
    raw.execute("PRAGMA foreign_keys=OFF")
    raw.execute("DELETE FROM sites")
    raw.commit()
    raw.invalidate()
    upgrade(database)
    with database.read() as connection:
        assert pending(connection) == []
    database.dispose()


def test_nothing_to_do_takes_no_lock(tmp_path: Path) -> None:
    """A process that starts must not wait for the one that writes."""
    database = open_database(str(tmp_path / "town.sqlite"))
    upgrade(database)
    other = open_database(str(tmp_path / "town.sqlite"))
    with other.write():
        assert upgrade(database) == []
    with database.read() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == head()
    for one in (database, other):
        one.dispose()
