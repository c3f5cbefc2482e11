"""A backup that somebody else prepared may hold false data; it does nothing on this machine."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from backed_up_town import BackedUpTown
from stadtsinn.base.bounded_files import LISTS, TooLarge
from stadtsinn.cloud.backup.manifest import (
    MANIFEST,
    SUMS,
    BackupDamaged,
    checksum,
    read_manifest,
    write_manifest,
)
from stadtsinn.cloud.backup.verifying import verified

DATABASE, SERIES = "database/stadtsinn.sqlite", "series/series.sqlite"


@pytest.fixture
def backup(town: BackedUpTown) -> Path:
    return town.back_up().folder


def signed(backup: Path) -> None:
    """The sums and sizes of what is there now: whoever can change files can do so."""
    manifest, _ = read_manifest(backup)
    files = {name: (backup / name).stat().st_size for name in manifest.files}
    sums = {name: checksum(backup / name) for name in files}
    write_manifest(backup, msgspec.structs.replace(manifest, files=files), sums)


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


TRIGGER = "CREATE TRIGGER t AFTER UPDATE ON {table} BEGIN DELETE FROM {table}; END"
VIEW = (
    "CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT x FROM n"
)
VIRTUAL = "CREATE VIRTUAL TABLE s USING fts5(x)"


@pytest.mark.parametrize(
    ("name", "statement", "said"),
    [
        (DATABASE, TRIGGER.format(table="outbox"), "trigger 't'"),
        (DATABASE, VIEW, "view 'v'"),
        (DATABASE, VIRTUAL, "table 's'"),
        (SERIES, VIEW, "view 'v'"),
    ],
)
def test_nothing_in_a_database_runs_by_itself(
    backup: Path, name: str, statement: str, said: str
) -> None:
    execute(backup / name, statement)
    signed(backup)
    with pytest.raises(BackupDamaged, match=f"{said} that stadtsinn did not make"):
        verified(backup)


@pytest.mark.parametrize("file", ["../../../etc/passwd", "/etc/passwd"])
def test_the_archive_of_a_database_is_inside(backup: Path, file: str) -> None:
    execute(backup / DATABASE, f"UPDATE archived_days SET file = '{file}'")
    signed(backup)
    with pytest.raises(BackupDamaged, match="etc/passwd' as a file of the archive"):
        verified(backup)


def _link_to_a_file(backup: Path, elsewhere: Path) -> None:
    secret = elsewhere / "secret"
    shutil.copy(backup / DATABASE, secret)
    (backup / DATABASE).unlink()
    (backup / DATABASE).symlink_to(secret)


def _link_to_a_folder(backup: Path, elsewhere: Path) -> None:
    shutil.move(backup / "archive", elsewhere / "archive")
    (backup / "archive").symlink_to(elsewhere / "archive")


@pytest.mark.parametrize("harm", [_link_to_a_file, _link_to_a_folder])
def test_links_are_no_files(
    backup: Path, tmp_path: Path, harm: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    harm(backup, tmp_path / "elsewhere")
    with pytest.raises(BackupDamaged, match="is a link"):
        verified(backup)


def test_a_pipe_is_not_waited_for(backup: Path) -> None:
    (backup / DATABASE).unlink()
    os.mkfifo(backup / DATABASE)
    with pytest.raises(BackupDamaged, match="is missing"):
        verified(backup)


def _list(backup: Path, content: bytes) -> None:
    (backup / MANIFEST).write_bytes(content)
    lines = [f"{checksum(backup / MANIFEST)}  {MANIFEST}"]
    (backup / SUMS).write_text("\n".join(lines))


@pytest.mark.parametrize("name", [MANIFEST, SUMS])
def test_lists_that_no_backup_has_are_not_read(backup: Path, name: str) -> None:
    with (backup / name).open("r+b") as file:
        file.truncate(LISTS + 1)
    if name == MANIFEST:
        lines = [f"{checksum(backup / MANIFEST)}  {MANIFEST}"]
        (backup / SUMS).write_text("\n".join(lines))
    with pytest.raises(TooLarge, match="more than 16 MB"):
        verified(backup)


@pytest.mark.parametrize(
    "content",
    [
        b'{"format":1,"stadtsinn":"1","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"format":1e400,"stadtsinn":"1"}',
        b'{"format":1,"stadtsinn":"1","files":[]}',
        b"\xff\xfe\x00",
        b"",
    ],
)
def test_a_manifest_that_is_none_is_named(backup: Path, content: bytes) -> None:
    _list(backup, content)
    with pytest.raises(BackupDamaged, match=MANIFEST):
        verified(backup)
