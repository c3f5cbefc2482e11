"""`stadtsinn cloud move-database`: from SQLite to PostgreSQL and back, as a town's IT types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from databases import fresh_postgres, migrated_database, shared_cluster
from first_version import all_rows, fill_every_table
from stadtsinn.cli.main import _load
from stadtsinn.cloud.platform.database.engine import Database, open_database

pytestmark = pytest.mark.slow


def configured(folder: Path, name: str, url: str) -> Path:
    path = folder / name
    path.write_text(f'[database]\nurl = "{url}"\n')
    path.chmod(0o600)
    return path


def move(new: Path, old: Path, language: str = "C") -> Result:
    arguments = ["move-database", str(new), "--config", str(old)]
    return CliRunner().invoke(_load("cloud"), arguments, env={"LC_ALL": language})


def url_of(database: Database) -> str:
    url = database.engine.url.render_as_string(hide_password=False)
    return url.replace("postgresql+psycopg", "postgresql")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The configuration of an installation on SQLite, with rows in every table."""
    database = migrated_database(tmp_path / "town.sqlite")
    fill_every_table(database, rows=2)
    database.dispose()
    return configured(tmp_path, "cloud.toml", f"sqlite:///{tmp_path}/town.sqlite")


def test_there_and_back(tmp_path: Path, small: Path) -> None:
    with fresh_postgres(shared_cluster(), create_tables=False) as database:
        large = configured(tmp_path, "postgresql.toml", url_of(database))
        there = move(large, small)
        assert there.exit_code == 0, there.output
        assert f"cloud run --config {large}" in " ".join(there.output.split())
        assert not (tmp_path / "town.sqlite").exists()
        kept = open_database(f"sqlite:///{tmp_path}/town.sqlite.moved")
        assert all_rows(database) == all_rows(kept)
        kept.dispose()
        database.dispose()
        back = move(small, large, "de_DE.UTF-8")
        assert back.exit_code == 0, back.output
        assert "umgezogen" in back.output
        again = open_database(f"sqlite:///{tmp_path}/town.sqlite")
        assert all_rows(again) == all_rows(database)
        again.dispose()


def test_what_cannot_be_moved_is_said_and_stays(tmp_path: Path, small: Path) -> None:
    other = configured(tmp_path, "other.toml", f"sqlite:///{tmp_path}/other.sqlite")
    (tmp_path / "empty").mkdir()
    none = configured(tmp_path, "none.toml", f"sqlite:///{tmp_path}/empty/none.sqlite")
    same = move(small, small)
    assert "the same database" in same.output
    assert "no database yet" in move(other, none).output
    used = open_database(f"sqlite:///{tmp_path}/town.sqlite")
    with used.read() as connection:
        connection.execute(select(1))
        busy = move(other, small)
    used.dispose()
    assert "Stop 'stadtsinn cloud run'" in " ".join(busy.output.split())
    assert {same.exit_code, busy.exit_code} == {1}
    assert (tmp_path / "town.sqlite").exists()
