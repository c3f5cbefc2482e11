"""A damaged database is named as damaged, with the way out, by every command that meets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError
from typer.testing import CliRunner

from databases import migrated_database
from fake_uplinks import furnish
from stadtsinn.cli.main import _load
from stadtsinn.cloud.intake.service import is_outage
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.platform.database.sqlite_file import (
    DatabaseDamaged,
    RestoreUnfinished,
    being_restored,
)
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesUnavailable

COMMANDS = [
    ("cloud", "upgrade"),
    ("cloud", "upgrade", "--dry-run"),
    ("cloud", "quarantine", "list"),
    ("cloud", "set-aside", "list"),
    ("cloud", "rebuild", "live"),
    ("tenant", "list"),
    ("key", "list"),
    ("station", "list"),
    ("registry", "devices", "musterstadt"),
    ("archive", "--before", "2026-01-01"),
    ("redecode", "--list"),
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    database = migrated_database(tmp_path / "stadtsinn.sqlite")
    furnish(database)
    database.dispose()
    path = tmp_path / "cloud.toml"
    path.write_text('[database]\nurl = "sqlite:///stadtsinn.sqlite"\n', encoding="utf-8")
    return path


def _run(command: tuple[str, ...], config: Path) -> Any:
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "C"}
    return CliRunner().invoke(_load(command[0]), command[1:], env=environment)


def _harm(database: Path, kind: str) -> None:
    content = database.read_bytes()
    page = 4096
    database.write_bytes(
        {
            "no database": b"a text that somebody saved under this name\n" * 400,
            "cut": content[: 3 * page],
            "first page": content[:100] + b"\xee" * (page - 100) + content[page:],
            "pages": content[:page] + b"\xee" * (len(content) - page),
        }[kind]
    )


@pytest.mark.parametrize("kind", ["no database", "cut", "first page", "pages"])
def test_every_command_names_it(config: Path, kind: str) -> None:
    _harm(config.with_name("stadtsinn.sqlite"), kind)
    for command in COMMANDS:
        result = _run(command, config)
        assert result.exit_code == 1, (command, result.output)
        assert "stadtsinn.sqlite is damaged" in result.output, command
        assert "stadtsinn restore BACKUP --overwrite" in result.output


def test_nothing_that_is_sound_is_called_damaged(config: Path) -> None:
    """A lock, a missing table and a broken rule are something else."""
    database = open_database(str(config.with_name("stadtsinn.sqlite")))
    for statement in ("SELECT * FROM nothing", "INSERT INTO tenants (id) VALUES ('musterstadt')"):
        with pytest.raises(SQLAlchemyError) as caught, database.write() as connection:
            connection.exec_driver_sql(statement)
        assert not isinstance(caught.value, DatabaseDamaged)
    database.dispose()


def test_what_arrives_waits_for_a_damaged_database(config: Path) -> None:
    """It is no fault of the uplinks: none of them goes to quarantine."""
    path = config.with_name("stadtsinn.sqlite")
    _harm(path, "pages")
    database: Database = open_database(str(path))
    with pytest.raises(DatabaseDamaged) as caught, database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM tenants").all()
    database.dispose()
    assert is_outage(caught.value)


def test_a_half_restored_database_is_opened_by_nobody(config: Path) -> None:
    path = config.with_name("stadtsinn.sqlite")
    path.rename(being_restored(path))
    result = _run(("tenant", "list"), config)
    assert result.exit_code == 1
    assert "give 'stadtsinn restore' again" in result.output
    assert not path.exists()
    with pytest.raises(RestoreUnfinished), open_database(str(path)).read():
        pass


def test_a_lost_database_is_not_begun_anew_beside_its_archive(config: Path) -> None:
    config.with_name("stadtsinn.sqlite").unlink()
    day = config.with_name("archive") / "2026" / "2026-09-26.1.parquet"
    day.parent.mkdir(parents=True)
    day.touch()
    for command in (("tenant", "list"), ("archive", "--before", "2026-01-01"), ("cloud", "run")):
        result = _run(command, config)
        assert result.exit_code == 1, result.output
        assert "the database was lost" in result.output
    assert day.exists()


@pytest.mark.parametrize("kind", ["no database", "cut", "first page", "pages"])
def test_a_damaged_series_file_is_named_with_its_own_way_out(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "series.sqlite"
    open_store(str(path)).close()
    _harm(path, kind)
    with pytest.raises(SeriesUnavailable, match=r"is damaged .* cloud rebuild series"):
        open_store(str(path)).series("musterstadt", "linde")
