"""A restore is all of a backup or nothing of it, and takes nothing that it was not told to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from backed_up_town import BackedUpTown
from fake_senders import Outbox
from killing import killed_at
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.backup.configuration import let_the_service_read
from stadtsinn.cloud.backup.restoring import InTheWay, restore_configuration
from stadtsinn.cloud.backup.verifying import verified
from stadtsinn.cloud.log.archive_files.archiving import sweep
from stadtsinn.cloud.log.archive_files.day_files import day_files, require_no_days
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.platform.database.sqlite_file import RestoreUnfinished
from stadtsinn.cloud.series import repository as series

pytestmark = pytest.mark.slow

FIFTY = list(range(50))


@pytest.fixture
def backup(town: BackedUpTown) -> Path:
    """Of 50 uplinks; the town has ten more by now."""
    folder = town.back_up().folder
    town.add(range(50, 60))
    return folder


def _all_that_belongs(town: BackedUpTown) -> None:
    assert town.counters() == FIFTY
    assert town.values() == FIFTY
    left = {path.name for path in town.data.rglob("*") if ".restoring" in path.name}
    assert left == set()


def test_a_lost_installation_comes_back_with_its_configuration(
    town: BackedUpTown, backup: Path
) -> None:
    shutil.rmtree(town.folder)
    manifest, _ = verified(backup)
    written, by_hand = restore_configuration(backup, manifest, town.config)
    assert (written, by_hand) == ([town.config], [])
    assert town.restore(backup).aside == []
    _all_that_belongs(town)
    town.add([70])
    assert town.counters()[-1] == 70


def test_nothing_is_overwritten_without_being_told(town: BackedUpTown, backup: Path) -> None:
    before = {path: path.read_bytes() for path in town.data.rglob("*") if path.is_file()}
    with pytest.raises(InTheWay, match=r"there is a database already.*--overwrite"):
        town.restore(backup)
    assert {path: path.read_bytes() for path in before} == before
    town.path.unlink()
    with pytest.raises(InTheWay, match=r"another .*series\.sqlite already"):
        town.restore(backup)


def test_what_is_overwritten_is_kept_with_its_wal(town: BackedUpTown, backup: Path) -> None:
    """A -wal that stays behind would be read into the database that takes its place."""
    database = open_database(str(town.path))
    town.path.with_name("stadtsinn.sqlite-wal").write_bytes(b"left behind by a crash")
    database.dispose()
    restored = town.restore(backup, overwrite=True)
    _all_that_belongs(town)
    names = {path.name.partition(".before")[0] for path in restored.aside}
    assert names == {"stadtsinn.sqlite", "series.sqlite"}
    old = open_database(str(restored.aside[1]))
    with old.read() as connection:
        assert connection.exec_driver_sql("SELECT max(f_cnt) FROM uplinks").scalar() == 59
    old.dispose()


@pytest.mark.parametrize("harm", ["nothing", "cut", "overwritten", "emptied", "no database"])
def test_a_damaged_database_is_no_obstacle(town: BackedUpTown, backup: Path, harm: str) -> None:
    content = town.path.read_bytes()
    town.path.write_bytes(
        {
            "nothing": content,
            "cut": content[: len(content) // 2],
            "overwritten": b"\xff" * 4096 + content[4096:],
            "emptied": b"",
            "no database": b"a text",
        }[harm]
    )
    town.restore(backup, overwrite=True)
    _all_that_belongs(town)


def test_who_still_uses_it_is_named(town: BackedUpTown, backup: Path) -> None:
    database = town.open()
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1 FROM uplinks").all()
    with pytest.raises(InTheWay, match="is in use: stop 'stadtsinn cloud run'"):
        town.restore(backup, overwrite=True)
    database.dispose()
    town.restore(backup, overwrite=True)
    _all_that_belongs(town)


POINTS = ["staged", "marked", "files_moved", "old_aside"]


@pytest.mark.sweep
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("lost", [True, False], ids=["lost", "overwritten"])
def test_killed_anywhere_the_same_command_ends_it(
    town: BackedUpTown, backup: Path, point: str, *, lost: bool
) -> None:
    if lost:
        town.lose()
    killed_at(f"restore.{point}", lambda: town.restore(backup, overwrite=not lost))
    if point == "staged":
        assert town.path.exists() is not lost
        assert lost or town.counters() == [*FIFTY, *range(50, 60)], "as before"
    else:
        with pytest.raises(RestoreUnfinished, match="give 'stadtsinn restore' again"):
            town.counters()
    town.restore(backup, overwrite=not lost)
    _all_that_belongs(town)


def test_a_restore_that_was_killed_uses_what_it_had_copied(
    town: BackedUpTown, backup: Path
) -> None:
    town.lose()
    killed_at("restore.day_staged:2", lambda: town.restore(backup))
    parts = sorted(town.archive.folder.glob("*/*.restoring-part"))
    assert len(parts) == 2
    copied_at = [part.stat().st_mtime_ns for part in parts]
    town.restore(backup)
    _all_that_belongs(town)
    days = sorted(town.archive.folder.glob("*/*.parquet"))
    assert [day.stat().st_mtime_ns for day in days[:2]] == copied_at


def test_a_full_disk_leaves_it_as_it_was(
    town: BackedUpTown, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("stadtsinn.cloud.backup.restoring.make_durable", full)
    with pytest.raises(OSError, match="No space left"):
        town.restore(backup, overwrite=True)
    monkeypatch.undo()
    assert town.counters() == [*FIFTY, *range(50, 60)]
    town.restore(backup, overwrite=True)
    _all_that_belongs(town)


def test_without_series_they_are_noted_to_be_filled(town: BackedUpTown) -> None:
    database = town.open()
    with database.write() as connection:
        series.note_beginning(connection, 2)
    database.dispose()
    backup = town.back_up(series=False).folder
    town.lose()
    town.restore(backup)
    database = town.open()
    with database.read() as connection:
        assert series.layout(connection) == 0
    database.dispose()


def test_messages_that_waited_are_in_doubt_and_ended_ones_are_not(town: BackedUpTown) -> None:
    """They may have been sent after the backup was made."""
    database = town.open()
    box = Outbox(database, tenant="nachbar-2")
    box.put(incident="1-1")
    box.put(incident="2-1")
    with database.write() as connection:
        connection.execute(
            outbox.update()
            .where(outbox.c.incident_id == "2-1")
            .values(status="DELIVERED", settled=True)
        )
    database.dispose()
    backup = town.back_up().folder
    town.lose()
    town.restore(backup)
    database = town.open()
    with database.read() as connection:
        found = connection.execute(select(outbox.c.status).order_by(outbox.c.id)).scalars().all()
    database.dispose()
    assert found == ["UNKNOWN", "DELIVERED"]


def test_files_elsewhere_are_put_back_by_hand(town: BackedUpTown, tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_text("key")
    backup = town.back_up(also=(tmp_path / "ca.key",), secrets=True).folder
    (tmp_path / "ca.key").unlink()
    (town.folder / "ingest.password").unlink()
    town.config.write_text("# mine\n")
    written, by_hand = restore_configuration(backup, verified(backup)[0], town.config)
    assert written == [town.folder / "ingest.password"]
    assert by_hand == [f"configuration/elsewhere{tmp_path}/ca.key"]
    assert town.config.read_text() == "# mine\n"
    assert not (tmp_path / "ca.key").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to the service's group")
def test_root_puts_back_what_the_service_reads(town: BackedUpTown) -> None:
    """A new machine: the folder is root's and of the service's group, as install.sh makes it. Files
    for root alone would stop the service; the authority's key is for root alone."""
    group = 4711
    for name in ("devices/acme/soil.toml", "ca/ca.key"):
        (town.folder / name).parent.mkdir(parents=True)
        (town.folder / name).touch()
    town.config.write_text(f'devices = "devices"\n{town.config.read_text()}')
    backup = town.back_up(also=(town.folder / "ca",), secrets=True).folder
    shutil.rmtree(town.folder)
    town.folder.mkdir(mode=0o750)
    os.chown(town.folder, 0, group)
    written, _ = restore_configuration(backup, verified(backup)[0], town.config)
    let_the_service_read(written, town.config, town.settings)
    found = {path: path.stat() for path in town.folder.rglob("*")}
    assert {status.st_gid for status in found.values()} == {group}
    modes = {str(path.relative_to(town.folder)): path.stat().st_mode & 0o777 for path in found}
    assert modes == {
        "cloud.toml": 0o640,
        "ingest.password": 0o640,
        "devices": 0o750,
        "devices/acme": 0o750,
        "devices/acme/soil.toml": 0o640,
        "ca": 0o700,
        "ca/ca.key": 0o600,
    }


def test_a_database_that_was_lost_does_not_begin_beside_its_archive(town: BackedUpTown) -> None:
    town.path.unlink()
    with pytest.raises(Explained, match="the database was lost"):
        require_no_days(town.archive)


def test_a_day_that_the_log_never_came_to_is_kept_under_another_name(town: BackedUpTown) -> None:
    """The database alone is of another time, by PostgreSQL's own tools or a copy of the file."""
    days = day_files(town.archive)
    database = town.open()
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM archived_days")
        connection.exec_driver_sql("DELETE FROM uplinks WHERE position < 50")
        connection.exec_driver_sql("UPDATE uplinks SET position = 15")
    sweep(database, town.archive)
    database.dispose()
    assert not days[0].exists(), "all of its uplinks were known: what is gone is gone on purpose"
    kept = [path.name for path in town.archive.folder.glob("*/*.unknown")]
    assert sorted(kept) == [f"{day.name}.unknown" for day in days[1:]]


def test_days_archived_after_the_backup_are_kept_aside(town: BackedUpTown, backup: Path) -> None:
    before = set(day_files(town.archive))
    town.archive_days(5)
    later = set(day_files(town.archive)) - before
    assert len(later) == 2
    restored = town.restore(backup, overwrite=True)
    assert {path.name.partition(".before")[0] for path in restored.aside} >= {
        path.name for path in later
    }
    assert set(day_files(town.archive)) == before
    town.archive_days(5)
    _all_that_belongs(town)


def test_root_gives_what_it_restores_to_the_service(town: BackedUpTown, backup: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    town.lose()
    town.data.mkdir()
    os.chown(town.data, 65534, 65534)
    town.restore(backup)
    owners = {(path.name, path.stat().st_uid) for path in town.data.rglob("*")}
    assert {owner for _, owner in owners} == {65534}
